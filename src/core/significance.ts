/** Intervals and comparisons that resample users. */
import { purposes, Rng, streamKey } from "./rng.ts";

export type Interval = readonly [low: number, high: number];

/**
 * Percentile bootstrap: 95 % intervals of the means of several per-user series, all on the same resamples, so that the
 * interval of a difference may be had by passing the series of differences.
 *
 * @param series each of shape [users]
 */
export function bootstrapIntervals(
  series: readonly Float64Array[],
  options: { seed: number; resamples: number },
): Interval[] {
  const users = series[0]?.length ?? 0;
  if (users === 0) return series.map(() => [Number.NaN, Number.NaN]);
  const means = series.map(() => new Float64Array(options.resamples));
  const weights = new Uint16Array(users);
  for (let resample = 0; resample < options.resamples; resample++) {
    const rng = new Rng(streamKey(options.seed, purposes.bootstrap, resample));
    weights.fill(0);
    for (let draw = 0; draw < users; draw++) weights[rng.below(users)] += 1;
    series.forEach((values, s) => {
      let sum = 0;
      for (let user = 0; user < users; user++) sum += weights[user] * values[user];
      means[s][resample] = sum / users;
    });
  }
  return means.map((values) => {
    values.sort();
    return [quantile(values, 0.025), quantile(values, 0.975)];
  });
}

/** Linear interpolation between order statistics of an ascending array. */
function quantile(ascending: Float64Array, share: number): number {
  const position = share * (ascending.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, ascending.length - 1);
  return ascending[below] + (position - below) * (ascending[above] - ascending[below]);
}

/**
 * Two-sided paired permutation test: how often a random exchange of the two models' values within users gives a
 * difference at least as large as the one found. p = (1 + such exchanges) / (1 + permutations), never 0.
 *
 * @param differences shape [users], the first model's value less the second's
 */
export function pairedPermutationTest(
  differences: Float64Array,
  options: { seed: number; permutations: number },
): number {
  // A user on whom both models agree changes nothing.
  const changed = differences.filter((difference) => difference !== 0);
  const found = Math.abs(changed.reduce((sum, difference) => sum + difference, 0));
  const tolerance = 1e-9 * Math.max(1, found);
  let extreme = 0;
  for (let permutation = 0; permutation < options.permutations; permutation++) {
    const rng = new Rng(streamKey(options.seed, purposes.permutationTest, permutation));
    let sum = 0;
    let signs = 0;
    for (let i = 0; i < changed.length; i++) {
      if ((i & 31) === 0) signs = rng.bits();
      sum += (signs & 1) === 0 ? changed[i] : -changed[i];
      signs >>>= 1;
    }
    if (Math.abs(sum) >= found - tolerance) extreme += 1;
  }
  return (1 + extreme) / (1 + options.permutations);
}
