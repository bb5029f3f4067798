/**
 * Intervals and comparisons that resample users. On many users they take seconds, so both are generators that yield now
 * and then; `drain` runs one to its end.
 */
import { purposes, Rng, streamKey } from "./rng.ts";

export type Interval = readonly [low: number, high: number];

/** Runs a generator to its end and gives what it returns. */
export function drain<T>(steps: Generator<unknown, T, undefined>): T {
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}

/** Which user each case is of, where a user may have several: users are what is drawn, with all their cases. */
export interface CaseUsers {
  readonly users: number;
  /** Shape [cases]: 0 … users − 1. */
  readonly userOfCase: Int32Array;
}

/**
 * Percentile bootstrap: 95 % intervals of the means of several per-user series, all on the same resamples, so that the
 * interval of a difference may be had by passing the series of differences. Yields after each resample.
 *
 * @param series each of shape [cases], which are users unless `of` says otherwise
 */
export function* bootstrapIntervals(
  series: readonly Float64Array[],
  options: { seed: number; resamples: number },
  of?: CaseUsers,
): Generator<void, Interval[], undefined> {
  const cases = series[0]?.length ?? 0;
  if (cases === 0) return series.map(() => [Number.NaN, Number.NaN]);
  const users = of?.users ?? cases;
  const means = series.map(() => new Float64Array(options.resamples));
  const drawn = new Uint16Array(users);
  for (let resample = 0; resample < options.resamples; resample++) {
    const rng = new Rng(streamKey(options.seed, purposes.bootstrap, resample));
    drawn.fill(0);
    for (let draw = 0; draw < users; draw++) drawn[rng.below(users)] += 1;
    const weights = of === undefined ? drawn : Uint16Array.from(of.userOfCase, (user) => drawn[user]);
    const total = of === undefined ? users : weights.reduce((sum, weight) => sum + weight, 0);
    for (let s = 0; s < series.length; s++) means[s][resample] = weightedSum(series[s], weights) / total;
    yield;
  }
  return means.map((values) => {
    values.sort();
    return [quantile(values, 0.025), quantile(values, 0.975)];
  });
}

function weightedSum(values: Float64Array, weights: Uint16Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += weights[i] * values[i];
  return sum;
}

/** The series summed by user: what a permutation test exchanges where a user has several cases. Shape [users]. */
export function sumsByUser(series: Float64Array, { users, userOfCase }: CaseUsers): Float64Array {
  const sums = new Float64Array(users);
  userOfCase.forEach((user, position) => {
    sums[user] += series[position];
  });
  return sums;
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
 * difference at least as large as the one found. p = (1 + such exchanges) / (1 + permutations), never 0. Yields after
 * each permutation.
 *
 * An exchange flips the sign of a user's difference. Users with differences of equal size are exchangeable, and most
 * differences are exactly 0 or ±1; so n users of size d contribute d · (n − 2 · flips), with the flips counted in n
 * random bits, 32 at a time.
 *
 * @param differences shape [users], the first model's value less the second's
 */
export function* pairedPermutationTest(
  differences: Float64Array,
  options: { seed: number; permutations: number },
): Generator<void, number, undefined> {
  const usersOfSize = new Map<number, number>();
  let total = 0;
  for (const difference of differences) {
    total += difference;
    const size = Math.abs(difference);
    // A user on whom both models agree changes nothing.
    if (size > 0) usersOfSize.set(size, (usersOfSize.get(size) ?? 0) + 1);
  }
  const found = Math.abs(total) - 1e-9 * Math.max(1, Math.abs(total));
  let extreme = 0;
  for (let permutation = 0; permutation < options.permutations; permutation++) {
    const rng = new Rng(streamKey(options.seed, purposes.permutationTest, permutation));
    let sum = 0;
    for (const [size, users] of usersOfSize) sum += size * (users - 2 * countFlips(rng, users));
    if (Math.abs(sum) >= found) extreme += 1;
    yield;
  }
  return (1 + extreme) / (1 + options.permutations);
}

/** The number of ones among `count` random bits. */
function countFlips(rng: Rng, count: number): number {
  let flips = 0;
  let left = count;
  for (; left >= 32; left -= 32) flips += ones(rng.bits());
  return left === 0 ? flips : flips + ones(rng.bits() >>> (32 - left));
}

/** The number of ones in 32 bits (Warren, "Hacker's Delight", 5-1). */
function ones(bits: number): number {
  let x = bits - ((bits >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
