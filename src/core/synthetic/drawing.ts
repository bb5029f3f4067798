/** One user's ratings, drawn in time order without repeats. */
import { log } from "../math.ts";
import type { Rng } from "../rng.ts";
import type { Catalogue } from "./catalogue.ts";
import { conventionAt, driftAt, moodAt, type Preferences, type UserTastes } from "./preferences.ts";
import { generatorRng } from "./streams.ts";

/** After this many draws in a row of movies already rated or not yet released, the rest is drawn by a race. */
const patience = 400;

/** Draws which movies a user rates; reused from user to user. */
export class MovieDrawer {
  readonly #catalogue: Catalogue;
  readonly #preferences: Preferences;
  readonly #seed: number;
  /** Shape [movies]: 1 + the last user who got the movie. */
  readonly #takenBy: Int32Array;

  constructor(catalogue: Catalogue, preferences: Preferences, seed: number) {
    this.#catalogue = catalogue;
    this.#preferences = preferences;
    this.#seed = seed;
    this.#takenBy = new Int32Array(catalogue.movies.length);
  }

  /**
   * Distinct movies for the times `seconds`, one each: every one is drawn in proportion to the user's intensity at that
   * time among the movies not yet taken.
   *
   * @param seconds shape [n], ascending; n at most the number of rated movies
   * @param assigned movies that the user must rate
   * @returns shape [n]: movie indices
   */
  draw(user: number, tastes: UserTastes, seconds: Float64Array, assigned: Int32Array): Int32Array {
    const rng = generatorRng(this.#seed, "draws", user);
    const mark = user + 1;
    const movies = new Int32Array(seconds.length).fill(-1);
    this.#place(assigned, seconds, movies, mark, rng);
    const drawMovie = this.#preferences.drawerFor(tastes);
    const { releaseSecond } = this.#catalogue;
    for (let i = 0; i < movies.length; i++) {
      if (movies[i] >= 0) continue;
      const drift = driftAt(seconds[0], seconds[i]);
      const convention = conventionAt(i / movies.length);
      let movie = -1;
      for (let attempt = 0; attempt < patience; attempt++) {
        const drawn = drawMovie(drift, convention, rng);
        if (this.#takenBy[drawn] !== mark && releaseSecond[drawn] <= seconds[i]) {
          movie = drawn;
          break;
        }
      }
      if (movie < 0) {
        this.#race(i, tastes, seconds, movies, mark, rng);
        break;
      }
      this.#takenBy[movie] = mark;
      movies[i] = movie;
    }
    return movies;
  }

  /** Puts each assigned movie at a random free time after its release, or at the last free one. */
  #place(assigned: Int32Array, seconds: Float64Array, movies: Int32Array, mark: number, rng: Rng): void {
    for (const movie of assigned) {
      this.#takenBy[movie] = mark;
      let from = seconds.length - 1;
      while (from > 0 && seconds[from - 1] >= this.#catalogue.releaseSecond[movie]) from--;
      let position = from + rng.below(seconds.length - from);
      while (movies[position] >= 0) position = position === 0 ? seconds.length - 1 : position - 1;
      movies[position] = movie;
    }
  }

  /**
   * Fills the free places from `from` on with the winners of an exponential race, which is the same distribution as
   * drawing one by one; movies that are out of reach only come when no other is left.
   */
  #race(from: number, tastes: UserTastes, seconds: Float64Array, movies: Int32Array, mark: number, rng: Rng): void {
    const second = seconds[from];
    const mood = moodAt(tastes, seconds[0], second, from / movies.length);
    const finish = new Map<number, number>();
    for (let movie = 0; movie < this.#takenBy.length; movie++) {
      if (this.#takenBy[movie] === mark || this.#catalogue.popularity[movie] === 0) continue;
      const intensity = this.#preferences.intensity(mood, movie);
      // Unreleased ones run behind all others, the oldest first.
      const time = -log(rng.unit()) / Math.max(intensity, 1e-30);
      finish.set(movie, intensity > 0 ? time : 1e100 + Math.max(0, this.#catalogue.releaseSecond[movie]) * 1e90);
    }
    const order = [...finish].sort((a, b) => a[1] - b[1] || a[0] - b[0]);
    let next = 0;
    for (let i = from; i < movies.length; i++) {
      if (movies[i] >= 0) continue;
      movies[i] = order[next++][0];
      this.#takenBy[movies[i]] = mark;
    }
  }
}
