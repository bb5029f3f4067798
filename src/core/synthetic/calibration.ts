/**
 * Which weights give movies the popularity that is wanted. A user who rates much runs out of popular movies, so counts
 * are not in proportion to weights: with n distinct draws, movie i is among them with chance about 1 − exp(−τ p_i), where
 * p_i is its chance in one draw and τ solves Σ_i (1 − exp(−τ p_i)) = n. The weights are found by iteration over a few
 * hundred users who stand for all.
 */
import { exp, pow } from "../math.ts";
import type { Catalogue } from "./catalogue.ts";
import { moodAt, Preferences } from "./preferences.ts";
import type { SyntheticShape } from "./shapes.ts";
import { ratingSeconds } from "./sittings.ts";

const representatives = 192;
const rounds = 8;
/** Above 1, since a popular movie's count grows more slowly than its weight. */
const step = 1.5;

/** @param activity shape [users]: each user's number of ratings */
export function calibratedPreferences(
  shape: SyntheticShape,
  catalogue: Catalogue,
  activity: Int32Array,
  seed: number,
): Preferences {
  const count = catalogue.movies.length;
  // The first rating of each movie is assigned, not drawn.
  const wanted = Float64Array.from(catalogue.popularity, (n) => Math.max(0, n - 1));
  const panel = representativeUsers(activity);
  const draws = Float64Array.from(panel, ({ user }) => activity[user]);
  const intensities = new Float64Array(count);
  const effort = Float64Array.from(draws);
  let drawn = 0;
  for (const n of wanted) drawn += n;
  const assigned = 1 - drawn / activity.reduce((sum, n) => sum + n, 0);
  const times = panel.map(({ user }) => ratingSeconds(shape, seed, user, activity[user]));
  const weights = Float64Array.from(catalogue.popularity, (n) => (n === 0 ? 0 : Math.max(0.05, n - 1)));
  for (let round = 0; round < rounds; round++) {
    const preferences = new Preferences(catalogue, Float64Array.from(weights), seed, shape.tasteSpread);
    const expected = new Float64Array(count);
    panel.forEach(({ user, stands }, index) => {
      const seconds = times[index];
      const middle = seconds[seconds.length >>> 1];
      const tastes = preferences.tastesOf(user);
      const mood = moodAt(tastes, seconds[0], middle, 0.5);
      preferences.allIntensities(mood, intensities);
      let sum = 0;
      for (let movie = 0; movie < count; movie++) {
        const chance = includedWithin(effort[index] * intensities[movie]);
        expected[movie] += stands * chance;
        sum += chance;
      }
      effort[index] *= Math.min(4, (draws[index] * (1 - assigned)) / sum);
    });
    for (let movie = 0; movie < count; movie++) {
      if (wanted[movie] === 0 || expected[movie] === 0) continue;
      weights[movie] *= pow(Math.min(3, Math.max(1 / 3, wanted[movie] / expected[movie])), step);
    }
  }
  return new Preferences(catalogue, weights, seed, shape.tasteSpread);
}

/** 1 − exp(−x) for x of 0 or more. */
function includedWithin(x: number): number {
  return x < 1e-2 ? x * (1 - (x / 2) * (1 - (x / 3) * (1 - x / 4))) : 1 - exp(-x);
}

/**
 * Users at equal steps of the activity ranking, each standing for those around. Half of a user's length in the ranking is
 * the same for all and half is in proportion to activity, as the few most active make most of the rare movies' ratings.
 */
function representativeUsers(activity: Int32Array): { user: number; stands: number }[] {
  const ranked = Array.from(activity.keys()).sort((a, b) => activity[a] - activity[b] || a - b);
  const mean = activity.reduce((sum, n) => sum + n, 0) / activity.length;
  const size = Math.min(representatives, ranked.length);
  const groups: number[][] = Array.from({ length: size }, () => []);
  let length = 0;
  for (const user of ranked) {
    length += 0.5 + (0.5 * activity[user]) / mean;
    groups[Math.min(size - 1, Math.floor((length / ranked.length) * size))].push(user);
  }
  return groups
    .filter((group) => group.length > 0)
    .map((group) => ({ user: group[group.length >>> 1], stands: group.length }));
}
