/** The ratings themselves: MovieLens's five-star scale, in whole stars up to February 2003 and in halves since. */
import type { Catalogue } from "./catalogue.ts";
import type { Preferences, UserTastes } from "./preferences.ts";
import { generatorRng, normal } from "./streams.ts";

const halvesFromSecond = Date.UTC(2003, 1, 18) / 1000;

/** Mean and standard deviations of what adds up to a rating, fitted to the histogram of ml-latest-small. */
const meanStars = 3.6;
const userDeviation = 0.45;
const noiseDeviation = 0.85;

/** Share of ratings that users give in whole stars although halves are there. */
const wholeShare = 0.35;

/** Shape [n]: the stars that `user` gives to `movies` at `seconds`; what suits the user's taste gets more. */
export function drawStars(
  catalogue: Catalogue,
  preferences: Preferences,
  tastes: UserTastes,
  seed: number,
  user: number,
  movies: Int32Array,
  seconds: Float64Array,
): Float32Array {
  const rng = generatorRng(seed, "ratings", user);
  const usual = meanStars + userDeviation * normal(rng);
  const stars = new Float32Array(movies.length);
  for (let i = 0; i < movies.length; i++) {
    const fit = Math.min(1, preferences.liking(tastes.early, movies[i]) / 3);
    const exact = usual + catalogue.quality[movies[i]] + 0.5 * (fit - 0.5) + noiseDeviation * normal(rng);
    const step = seconds[i] < halvesFromSecond || rng.unit() < wholeShare ? 1 : 0.5;
    stars[i] = Math.min(5, Math.max(step, Math.round(exact / step) * step));
  }
  return stars;
}
