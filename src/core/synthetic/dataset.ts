/** MovieLens-shaped data from a seed: the same bytes on every machine, at any size, one user at a time. */
import { NcfError } from "../errors.ts";
import type { ItemDetails } from "../ratings.ts";
import type { Recommender } from "../recommender.ts";
import type { Sample } from "../sample.ts";
import { calibratedPreferences } from "./calibration.ts";
import { type Catalogue, makeCatalogue } from "./catalogue.ts";
import { MovieDrawer } from "./drawing.ts";
import { assignFirstRaters, type FirstRaters } from "./first-raters.ts";
import { oracle } from "./oracle.ts";
import type { Preferences } from "./preferences.ts";
import { countsWithTotal } from "./quantiles.ts";
import { type SyntheticShape, type SyntheticShapeName, syntheticShapes } from "./shapes.ts";
import { ratingSeconds } from "./sittings.ts";
import { drawStars } from "./stars.ts";
import { generatorRng } from "./streams.ts";

export interface SyntheticOptions {
  readonly shape: SyntheticShapeName;
  /** Integer in 0 … 2^53 − 1. */
  readonly seed: number;
  /** The shape's own size by default. */
  readonly users?: number;
  /** Movies in the list; the shape's share of them has ratings (98 % and more). */
  readonly movies?: number;
  readonly ratings?: number;
}

/** All ratings of one user, ascending by movie id, as in MovieLens's files. */
export interface SyntheticUser {
  /** From 1 on. */
  readonly id: number;
  /** Shape [n]: indices into the list of movies, ascending, no repeats. */
  readonly movies: Int32Array;
  /** Shape [n]: 0.5 … 5 in halves. */
  readonly stars: Float32Array;
  /** Shape [n]: seconds UTC. */
  readonly seconds: Float64Array;
}

/** Share of all users who may rate one movie. */
const greatestReach = 0.6;

/** A generated data set: small facts in memory, each user's ratings made when asked for. */
export class SyntheticDataset {
  readonly users: number;
  readonly ratings: number;
  /** Ascending by id, with gaps between ids. */
  readonly movies: readonly ItemDetails[];
  readonly #shape: SyntheticShape;
  readonly #seed: number;
  readonly #catalogue: Catalogue;
  readonly #activity: Int32Array;
  readonly #preferences: Preferences;
  readonly #firstRaters: FirstRaters;
  readonly #drawer: MovieDrawer;

  /** @throws NcfError `GENERATOR_SIZE` for a size that no data can have */
  constructor(options: SyntheticOptions) {
    const shape: SyntheticShape = syntheticShapes[options.shape];
    const size = checkedSize(shape, options);
    this.users = size.users;
    this.ratings = size.ratings;
    this.#shape = shape;
    this.#seed = options.seed;
    this.#catalogue = makeCatalogue(shape, size, options.seed);
    this.movies = this.#catalogue.movies;
    this.#activity = drawActivity(shape, size, options.seed);
    this.#preferences = calibratedPreferences(shape, this.#catalogue, this.#activity, options.seed);
    const joined = Float64Array.from(this.#activity, (n, user) => ratingSeconds(shape, options.seed, user, n)[0]);
    this.#firstRaters = assignFirstRaters(this.#catalogue, this.#preferences, this.#activity, joined, options.seed);
    this.#drawer = new MovieDrawer(this.#catalogue, this.#preferences, options.seed);
  }

  /** The ratings of the user with index `user`, 0 … users − 1; in any order, as often as wanted. */
  user(user: number): SyntheticUser {
    const { offsets, movies: assigned } = this.#firstRaters;
    const seconds = ratingSeconds(this.#shape, this.#seed, user, this.#activity[user]);
    const tastes = this.#preferences.tastesOf(user);
    const drawn = this.#drawer.draw(user, tastes, seconds, assigned.subarray(offsets[user], offsets[user + 1]));
    const n = drawn.length;
    // Sorting (movie, position) packed into one number sorts by movie.
    const packed = new Float64Array(n);
    for (let i = 0; i < n; i++) packed[i] = drawn[i] * n + i;
    packed.sort();
    const movies = new Int32Array(n);
    const times = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      movies[i] = Math.floor(packed[i] / n);
      times[i] = seconds[packed[i] - movies[i] * n];
    }
    const stars = drawStars(this.#catalogue, this.#preferences, tastes, this.#seed, user, movies, times);
    return { id: user + 1, movies, stars, seconds: times };
  }

  /** Users one by one, ascending by id. */
  *allUsers(): IterableIterator<SyntheticUser> {
    for (let user = 0; user < this.users; user++) yield this.user(user);
  }

  /** Ranks by the true chance of being picked next at the time of the user's test rating: no model can do better. */
  oracle(sample: Sample): Recommender {
    const firstSecond = (user: number): number => ratingSeconds(this.#shape, this.#seed, user, this.#activity[user])[0];
    return oracle(this.#preferences, this.movies, firstSecond, sample);
  }
}

interface Size {
  readonly users: number;
  readonly movies: number;
  readonly rated: number;
  readonly ratings: number;
  readonly cap: number;
}

function checkedSize(shape: SyntheticShape, options: SyntheticOptions): Size {
  const { users = shape.users, movies = shape.movies, ratings = shape.ratings } = options;
  const fail = (expected: string): never => {
    throw new NcfError(
      "GENERATOR_SIZE",
      `expected ${expected}, found ${users} users, ${movies} movies, ${ratings} ratings`,
    );
  };
  for (const n of [users, movies, ratings]) {
    if (!Number.isSafeInteger(n) || n < 1 || n > 2 ** 28) fail("users, movies and ratings from 1 to 268435456");
  }
  const rated = Math.min(ratings, Math.max(1, Math.round(movies * shape.ratedShare)));
  if (ratings < users) fail("at least one rating a user");
  if (ratings > users * rated) fail(`at most one rating of each of ${rated} rated movies by each user`);
  const cap = Math.min(users, Math.max(Math.round(users * greatestReach), Math.ceil(ratings / rated)));
  return { users, movies, rated, ratings, cap };
}

/** Shape [users]: each user's number of ratings, in random order. */
function drawActivity(shape: SyntheticShape, size: Size, seed: number): Int32Array {
  const mean = size.ratings / size.users;
  const floor = Math.max(1, Math.min(shape.activity[0][1], Math.floor(mean * 0.6)));
  const cap = Math.max(Math.ceil(mean), Math.min(size.rated, Math.max(floor, Math.floor(size.rated * 0.4))));
  const counts = countsWithTotal(shape.activity, size.users, size.ratings, floor, cap);
  const rng = generatorRng(seed, "activity");
  for (let i = counts.length - 1; i > 0; i--) {
    const j = rng.below(i + 1);
    [counts[i], counts[j]] = [counts[j], counts[i]];
  }
  return counts;
}
