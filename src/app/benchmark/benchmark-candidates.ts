/** The candidates that the benchmark's third file names, as item indices. */
import { NcfError } from "../../core/errors.ts";
import { testedUsers } from "../../core/evaluation.ts";
import { labelOf } from "../../core/ids.ts";
import type { Sample } from "../../core/sample.ts";
import { badLine, type CandidateLine } from "./benchmark-lines.ts";
import type { IndexedIds } from "./benchmark-split.ts";

export interface CandidateFacts {
  /** Distinct candidates of a test item, itself not counted. */
  readonly fewestCandidates: number;
  readonly mostCandidates: number;
  /** Users whose own test item stands among their candidates; it is ranked once. */
  readonly ownTestItemUsers: number;
  /** Other candidates that stand twice in their user's line; they are ranked once. */
  readonly repeatedCandidates: number;
  /** Candidates that their user has in training: ranked all the same. */
  readonly trainedCandidates: number;
}

/**
 * @param name of the file, for errors
 * @throws NcfError `BENCHMARK_LINE` for a pair that is no test item, or is there twice; `BENCHMARK_CANDIDATES_MISSING`
 */
export function candidateLists(
  name: string,
  lines: readonly CandidateLine[],
  sample: Sample,
  users: IndexedIds,
  items: IndexedIds,
): { readonly of: (user: number) => Int32Array; readonly facts: CandidateFacts } {
  const lists = new Map<number, Int32Array>();
  let [ownTestItemUsers, repeatedCandidates, trainedCandidates] = [0, 0, 0];
  for (const { lineNumber, userId, testItemId, candidateIds } of lines) {
    const user = users.indexOf(userId);
    const test = items.indexOf(testItemId);
    const pair = `(${labelOf(userId, sample.userLabels)},${labelOf(testItemId, sample.itemLabels)})`;
    if (user < 0 || test < 0 || sample.testItems[user] !== test) {
      throw badLine(name, lineNumber, "user and item of a line of the test file", pair);
    }
    if (lists.has(user)) throw badLine(name, lineNumber, "one line a user", pair);
    const given = candidateIds.map(items.indexOf);
    const others = new Set(given);
    const isOwn = others.delete(test);
    if (isOwn) ownTestItemUsers += 1;
    repeatedCandidates += given.filter((item) => item !== test).length - others.size;
    const { offsets, items: trained } = sample.train;
    for (const item of trained.subarray(offsets[user], offsets[user + 1])) if (others.has(item)) trainedCandidates += 1;
    lists.set(user, Int32Array.of(test, ...others));
  }
  let [fewestCandidates, mostCandidates] = [Number.POSITIVE_INFINITY, 0];
  const of = (user: number): Int32Array => {
    const list = lists.get(user);
    if (list !== undefined) return list;
    const who = labelOf(sample.userIds[user], sample.userLabels);
    throw new NcfError(
      "BENCHMARK_CANDIDATES_MISSING",
      `expected a line (user,item) with candidates for each test item, found none for user ${who} in ${name}`,
    );
  };
  for (const user of testedUsers(sample)) {
    const count = of(user).length - 1;
    fewestCandidates = Math.min(fewestCandidates, count);
    mostCandidates = Math.max(mostCandidates, count);
  }
  return {
    of,
    facts: { fewestCandidates, mostCandidates, ownTestItemUsers, repeatedCandidates, trainedCandidates },
  };
}
