/** The measured facts that generated data follows: how active users are, how popular movies are, how bursts look. */
import type { QuantileTable } from "./quantiles.ts";

export interface SyntheticShape {
  readonly name: string;
  /** The size of the data set that the shape is fitted to, and the default size. */
  readonly users: number;
  readonly movies: number;
  readonly ratings: number;
  /** Share of the listed movies that have a rating. */
  readonly ratedShare: number;
  /** The greatest movie id at the default size; it scales with the number of movies. */
  readonly maxMovieId: number;
  /** Ratings of a user. */
  readonly activity: QuantileTable;
  /** Ratings of a rated movie. */
  readonly popularity: QuantileTable;
  /** First and last second (UTC) of the data. */
  readonly firstSecond: number;
  readonly lastSecond: number;
  /** Relative number of users who join in each year, from the year of `firstSecond`. */
  readonly joiners: readonly number[];
  /** How strongly tastes tell users apart: the standard deviation of a user's log weights. */
  readonly tasteSpread: number;
}

/** Fitted to GroupLens's ml-latest-small (610 users, 1996 to 2018). */
const small: SyntheticShape = {
  name: "small",
  users: 610,
  movies: 9742,
  ratings: 100_836,
  ratedShare: 9724 / 9742,
  maxMovieId: 193_609,
  activity: [
    [0, 20],
    [0.05, 22],
    [0.1, 24],
    [0.2, 32],
    [0.3, 40],
    [0.4, 54],
    [0.5, 70.5],
    [0.6, 101],
    [0.7, 140],
    [0.8, 216],
    [0.9, 400],
    [0.95, 611],
    [0.98, 977],
    [0.99, 1256],
    [0.995, 1840],
    [1, 2698],
  ],
  popularity: [
    [0, 1],
    [0.35, 1],
    [0.45, 2],
    [0.5, 3],
    [0.6, 4],
    [0.7, 7],
    [0.8, 12],
    [0.9, 27],
    [0.95, 47],
    [0.98, 83],
    [0.99, 114.5],
    [0.995, 144],
    [0.999, 218],
    [1, 329],
  ],
  firstSecond: Date.UTC(1996, 2, 29) / 1000,
  lastSecond: Date.UTC(2018, 8, 24) / 1000,
  joiners: [97, 27, 9, 26, 48, 20, 14, 20, 11, 24, 23, 22, 22, 21, 15, 22, 25, 13, 8, 47, 32, 35, 29],
  tasteSpread: 3.8,
};

/**
 * ML-20M: ratings per movie have the quartiles 3 / 18 / 205, the maximum 67,310 and the mean 748 over the 26,744 rated
 * movies; users have a median of 68 ratings and a maximum of 9,254. The points between are ours, chosen so that the
 * means fit. The greatest popularity stands higher here, as the calibration falls short there by a twentieth.
 */
const ml20m: SyntheticShape = {
  name: "ml-20m",
  users: 138_493,
  movies: 27_278,
  ratings: 20_000_263,
  ratedShare: 26_744 / 27_278,
  maxMovieId: 131_262,
  activity: [
    [0, 20],
    [0.1, 24],
    [0.25, 35],
    [0.5, 68],
    [0.75, 155],
    [0.9, 318],
    [0.95, 480],
    [0.99, 1000],
    [0.999, 2200],
    [0.9999, 4200],
    [1, 9254],
  ],
  popularity: [
    [0, 1],
    [0.1, 1],
    [0.25, 3.4],
    [0.5, 16],
    [0.61, 42],
    [0.75, 190],
    [0.9, 1600],
    [0.95, 3700],
    [0.99, 11_700],
    [0.999, 31_000],
    [1, 70_300],
  ],
  firstSecond: Date.UTC(1995, 0, 9) / 1000,
  lastSecond: Date.UTC(2015, 2, 31) / 1000,
  joiners: [3, 28, 12, 6, 16, 24, 13, 10, 11, 12, 19, 10, 9, 9, 8, 7, 7, 7, 7, 8, 3],
  tasteSpread: 3,
};

export const syntheticShapes = { small, "ml-20m": ml20m } as const satisfies Record<string, SyntheticShape>;

export type SyntheticShapeName = keyof typeof syntheticShapes;

/** The 20 genres of MovieLens with the number of movies that carry each in ml-latest-small. */
export const genreCounts = [
  ["Action", 1828],
  ["Adventure", 1263],
  ["Animation", 611],
  ["Children", 664],
  ["Comedy", 3756],
  ["Crime", 1199],
  ["Documentary", 440],
  ["Drama", 4361],
  ["Fantasy", 779],
  ["Film-Noir", 87],
  ["Horror", 978],
  ["IMAX", 158],
  ["Musical", 334],
  ["Mystery", 573],
  ["Romance", 1596],
  ["Sci-Fi", 980],
  ["Thriller", 1894],
  ["War", 382],
  ["Western", 167],
  ["(no genres listed)", 34],
] as const satisfies readonly (readonly [string, number])[];

/** Share of movies with one, two, … genres in ml-latest-small. */
export const genresPerMovie = [0.293, 0.33, 0.24, 0.101, 0.036] as const;
