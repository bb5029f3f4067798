/** The movies of a generated data set: what a reader of movies.csv sees, and what only the generator knows. */
import { exp, log, pow } from "../math.ts";
import type { ItemDetails } from "../ratings.ts";
import { countsWithTotal } from "./quantiles.ts";
import { genreCounts, genresPerMovie, type SyntheticShape } from "./shapes.ts";
import { generatorRng, normal } from "./streams.ts";
import { inventedTitle } from "./titles.ts";

/** The genres at the heart of each latent taste; the others are liked as well, more or less, by an accident of each taste. */
const heartOfTaste = [
  ["Action", "Adventure"],
  ["Comedy"],
  ["Drama"],
  ["Romance", "Musical"],
  ["Thriller"],
  ["Crime", "Mystery", "Film-Noir"],
  ["Horror"],
  ["Sci-Fi", "IMAX"],
  ["Animation", "Children", "Fantasy"],
  ["Documentary", "(no genres listed)"],
  ["War", "Western"],
] as const satisfies readonly (readonly (typeof genreCounts)[number][0][])[];

export const tasteCount = heartOfTaste.length;

/** Tastes that a movie appeals to. */
export const tastesPerMovie = 3;

export interface Catalogue {
  /** Ascending by id. */
  readonly movies: readonly ItemDetails[];
  /** Shape [movies]: ratings that the movie should get about; 0 for a movie that nobody rates. */
  readonly popularity: Int32Array;
  /** Shape [movies]: the first second (UTC) at which the movie can be rated: its release year's start. */
  readonly releaseSecond: Float64Array;
  /** Shape [movies]: how much higher than usual it is rated, in stars. */
  readonly quality: Float32Array;
  /** Shape [movies · tastesPerMovie]: the tastes that a movie appeals to. */
  readonly tastes: Uint8Array;
  /** Shape [movies · tastesPerMovie]: the share of its appeal that each has, summing to 1 for a movie. */
  readonly appeal: Float64Array;
}

/**
 * @param rated movies with at least one rating
 * @param cap the greatest number of ratings that one movie may get
 */
export function makeCatalogue(
  shape: SyntheticShape,
  size: { readonly movies: number; readonly rated: number; readonly ratings: number; readonly cap: number },
  seed: number,
): Catalogue {
  const { movies: count } = size;
  const ids = movieIds(shape, count);
  const profiles = tasteProfiles(seed);
  const movies: ItemDetails[] = [];
  const releaseSecond = new Float64Array(count);
  const quality = new Float32Array(count);
  const tastes = new Uint8Array(count * tastesPerMovie);
  const appeal = new Float64Array(count * tastesPerMovie);
  const fame = new Float64Array(count);
  for (let movie = 0; movie < count; movie++) {
    const rng = generatorRng(seed, "movie", movie);
    const position = movie / count;
    const year = releaseYear(shape, position, rng.unit(), rng.unit());
    const genres = drawGenres(rng.unit(), () => rng.unit());
    movies.push({
      id: ids[movie],
      title: `${inventedTitle(rng)} (${year})`,
      genres: genres.map((g) => genreCounts[g][0]),
    });
    releaseSecond[movie] = Date.UTC(year, 0, 1) / 1000;
    // The well-known films were entered first, so a low id goes with fame.
    fame[movie] = normal(rng) - 3 * position;
    quality[movie] = 0.4 * normal(rng) + 0.12 * fame[movie];
    drawAppeal(movie, genres, profiles, () => normal(rng), tastes, appeal);
  }
  const order = Array.from(fame.keys()).sort((a, b) => fame[a] - fame[b] || a - b);
  const counts = countsWithTotal(shape.popularity, size.rated, size.ratings, 1, size.cap);
  const popularity = new Int32Array(count);
  for (let rank = 0; rank < size.rated; rank++) popularity[order[count - size.rated + rank]] = counts[rank];
  return { movies, popularity, releaseSecond, quality, tastes, appeal };
}

/** Ids with gaps, as MovieLens has them: nearly dense at first, then ever sparser, the last one at the shape's maximum. */
function movieIds(shape: SyntheticShape, count: number): Float64Array {
  const greatest = Math.round((count * shape.maxMovieId) / shape.movies);
  const ids = new Float64Array(count);
  const dense = 0.35;
  const denseGap = 1.15;
  for (let i = 0; i < count; i++) {
    const position = count === 1 ? 1 : i / (count - 1);
    const early = Math.min(position, dense) * count * denseGap;
    const late = (Math.max(0, position - dense) / (1 - dense)) * (greatest - dense * count * denseGap);
    ids[i] = Math.max(i === 0 ? 1 : ids[i - 1] + 1, Math.round(early + late));
  }
  return ids;
}

/** A third of the ids was there from the start; later ones are new releases and, as often, older films added late. */
function releaseYear(shape: SyntheticShape, position: number, u: number, v: number): number {
  const first = new Date(shape.firstSecond * 1000).getUTCFullYear();
  const last = new Date(shape.lastSecond * 1000).getUTCFullYear();
  const added = position < 0.35 ? first : first + ((last - first) * (position - 0.35)) / 0.65;
  const age = u < 0.5 ? 2 * v : -14 * log(v);
  return Math.max(1915, Math.floor(added - age));
}

/** Distinct genres, each with a chance in proportion to its count in ml-latest-small; the last one only ever alone. */
function drawGenres(u: number, unit: () => number): number[] {
  const named = genreCounts.length - 1;
  let total = 0;
  for (let g = 0; g < named; g++) total += genreCounts[g][1];
  if (u < 0.0035) return [named];
  let wanted = 1;
  let below = genresPerMovie[0];
  while (u > below && wanted < genresPerMovie.length) below += genresPerMovie[wanted++];
  const genres = new Set<number>();
  while (genres.size < wanted) {
    let rest = unit() * total;
    let genre = 0;
    while (genre < named - 1 && rest >= genreCounts[genre][1]) rest -= genreCounts[genre++][1];
    genres.add(genre);
  }
  return [...genres].sort((a, b) => a - b);
}

/** Shape [tastes · genres]: how well each genre suits each taste. */
function tasteProfiles(seed: number): Float64Array {
  const profiles = new Float64Array(tasteCount * genreCounts.length);
  for (let taste = 0; taste < tasteCount; taste++) {
    const rng = generatorRng(seed, "tasteProfiles", taste);
    const heart: readonly string[] = heartOfTaste[taste];
    for (let genre = 0; genre < genreCounts.length; genre++) {
      const accident = 0.3 * exp(1.2 * normal(rng) - 1);
      profiles[taste * genreCounts.length + genre] = heart.includes(genreCounts[genre][0]) ? 1 : accident;
    }
  }
  return profiles;
}

/** The tastes to which a movie of these genres appeals most, after a personal factor, with their shares. */
function drawAppeal(
  movie: number,
  genres: readonly number[],
  profiles: Float64Array,
  normal: () => number,
  tastes: Uint8Array,
  appeal: Float64Array,
): void {
  const scores = Array.from({ length: tasteCount }, (_, taste) => {
    let fit = 0;
    for (const genre of genres) fit += profiles[taste * genreCounts.length + genre];
    return { taste, score: pow((fit / genres.length) * exp(0.8 * normal()), 3) };
  });
  scores.sort((a, b) => b.score - a.score || a.taste - b.taste);
  let total = 0;
  for (let i = 0; i < tastesPerMovie; i++) total += scores[i].score;
  for (let i = 0; i < tastesPerMovie; i++) {
    tastes[movie * tastesPerMovie + i] = scores[i].taste;
    appeal[movie * tastesPerMovie + i] = scores[i].score / total;
  }
}
