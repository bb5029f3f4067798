/** Ranks test items and sums up how well a model did. */
import { NcfError } from "./errors.ts";
import { expectedHit, expectedNdcg, optimisticHit, pessimisticHit, type Standing } from "./ranking-metrics.ts";
import type { Recommender } from "./recommender.ts";
import { Permutation, purposes, streamKey } from "./rng.ts";
import type { Sample } from "./sample.ts";

/** The standings of some tested users' test items under one model. */
export interface Standings {
  /** Shape [cases]: user indices, ascending. */
  readonly users: Int32Array;
  /** Shape [cases]: see `Standing`. */
  readonly above: Int32Array;
  readonly tied: Int32Array;
  /** Shape [cases]: candidates ranked, the test item included. */
  readonly candidates: Int32Array;
}

/** Users with a test item, ascending. */
export function testedUsers(sample: Sample): Int32Array {
  const users: number[] = [];
  sample.testItems.forEach((item, user) => {
    if (item >= 0) users.push(user);
  });
  return Int32Array.from(users);
}

/** `count` of the tested users drawn by seed, ascending; all of them when there are no more. */
export function drawTestedUsers(sample: Sample, count: number, seed: number): Int32Array {
  const tested = testedUsers(sample);
  if (tested.length <= count) return tested;
  const permutation = new Permutation(tested.length, streamKey(seed, purposes.fullCatalogueUsers));
  return Int32Array.from({ length: count }, (_, i) => tested[permutation.at(i)]).sort();
}

/**
 * Scores each user's candidates and counts those above and level with the test item.
 *
 * @param users shape [cases], tested users
 * @param candidatesOf the candidates of a user, the test item first
 * @throws NcfError `SCORE_NAN`
 */
export function rankTestItems(
  model: Recommender,
  users: Int32Array,
  candidatesOf: (user: number) => Int32Array,
): Standings {
  const above = new Int32Array(users.length);
  const tied = new Int32Array(users.length);
  const counts = new Int32Array(users.length);
  let buffer = new Float64Array(128);
  users.forEach((user, index) => {
    const candidates = candidatesOf(user);
    if (buffer.length < candidates.length) buffer = new Float64Array(2 * candidates.length);
    const scores = buffer.subarray(0, candidates.length);
    model.score(user, candidates, scores);
    const standing = standingOf(`model ${model.name}`, scores);
    above[index] = standing.above;
    tied[index] = standing.tied;
    counts[index] = candidates.length;
  });
  return { users, above, tied, candidates: counts };
}

/**
 * How a score, the first by default, stands among the others.
 *
 * @param who names the scorer in an error, such as "model neumf"
 * @throws NcfError `SCORE_NAN`
 */
export function standingOf(who: string, scores: Float64Array, position = 0): Standing {
  const own = scores[position];
  let above = 0;
  let tied = 0;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i];
    if (Number.isNaN(score)) throw new NcfError("SCORE_NAN", `${who}: expected a number as score, found NaN`);
    if (score > own) above += 1;
    else if (score === own) tied += 1;
  }
  return { above, tied: tied - 1 };
}

/** One value a case. */
export function perCase(standings: Standings, metric: (standing: Standing) => number): Float64Array {
  return Float64Array.from(standings.users, (_, i) => metric({ above: standings.above[i], tied: standings.tied[i] }));
}

function mean(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return values.length === 0 ? Number.NaN : sum / values.length;
}

export interface RankingSummary {
  readonly cases: number;
  readonly hrAt10: number;
  readonly hrAt10Optimistic: number;
  readonly hrAt10Pessimistic: number;
  readonly ndcgAt10: number;
}

export function summarize(standings: Standings): RankingSummary {
  return {
    cases: standings.users.length,
    hrAt10: mean(perCase(standings, expectedHit)),
    hrAt10Optimistic: mean(perCase(standings, optimisticHit)),
    hrAt10Pessimistic: mean(perCase(standings, pessimisticHit)),
    ndcgAt10: mean(perCase(standings, expectedNdcg)),
  };
}

/**
 * How much of the training data lies in the future of a test event: the mean over tested users of the share of
 * training interactions (anybody's) later than the user's test event. Leave-one-out leaks that much.
 */
export function leakageShare(sample: Sample): number {
  const times = sample.train.timestampsMs.slice().sort();
  const tested = testedUsers(sample);
  if (times.length === 0 || tested.length === 0) return 0;
  let sum = 0;
  for (const user of tested) sum += times.length - upperBound(times, sample.testTimestampsMs[user]);
  return sum / (tested.length * times.length);
}

/** The number of values at or below `limit` in an ascending array. */
function upperBound(values: Float64Array, limit: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
