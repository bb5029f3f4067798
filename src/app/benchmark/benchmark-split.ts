/** A split that somebody else made, with the candidates that each test item is ranked among: the NCF benchmark's files. */
import { trainingCounts } from "../../core/leave-one-out.ts";
import type { Sample, UserHistories } from "../../core/sample.ts";
import { stableOrderByTime } from "../../core/time-order.ts";
import { type CandidateFacts, candidateLists } from "./benchmark-candidates.ts";
import {
  badLine,
  type IdLabels,
  type LineSource,
  type RatingLines,
  readCandidateLines,
  readRatingLines,
} from "./benchmark-lines.ts";

/** What the files hold, and what is counted once that they hold twice. */
export interface BenchmarkFacts extends CandidateFacts {
  readonly users: number;
  /** In training, among the test items or among the candidates. */
  readonly items: number;
  /** In training, repeats left out. */
  readonly interactions: number;
  readonly testedUsers: number;
  readonly coldTestItems: number;
  /** Training lines left out because the same user has the same item later. */
  readonly repeatedPairs: number;
  /** Whether training and test have times; else the order of the lines is the order in time. */
  readonly timed: boolean;
}

export interface BenchmarkSplit {
  readonly sample: Sample;
  /** The candidates of a tested user, the test item first, each once. */
  readonly candidatesOf: (user: number) => Int32Array;
  readonly facts: BenchmarkFacts;
}

export interface BenchmarkSources {
  readonly train: LineSource;
  readonly test: LineSource;
  readonly candidates: LineSource;
}

/** Index ↔ id. */
export interface IndexedIds {
  /** Ascending. */
  readonly ids: Float64Array;
  /** −1 for an id that is not among them. */
  readonly indexOf: (id: number) => number;
}

/** @throws NcfError `BENCHMARK_LINE` naming file and line, `BENCHMARK_EMPTY`, `BENCHMARK_CANDIDATES_MISSING` */
export async function readBenchmark(sources: BenchmarkSources): Promise<BenchmarkSplit> {
  const labels: IdLabels = { users: new Map(), items: new Map() };
  const train = await readRatingLines(sources.train, labels);
  const test = await readRatingLines(sources.test, labels);
  const lines = await readCandidateLines(sources.candidates, labels);
  const users = indexed([train.userIds, test.userIds]);
  const items = indexed([train.itemIds, test.itemIds, ...lines.map(({ candidateIds }) => candidateIds)]);
  const timed = train.timestampsMs !== null && test.timestampsMs !== null;

  const { histories, repeatedPairs } = historiesOf(timed ? train : { ...train, timestampsMs: null }, users, items);
  const sample: Sample = {
    userIds: users.ids,
    itemIds: items.ids,
    userLabels: labels.users,
    itemLabels: labels.items,
    train: histories,
    ...heldOut(timed ? test : { ...test, timestampsMs: null }, histories, users, items, train.userIds.length),
  };
  const lists = candidateLists(sources.candidates.name, lines, sample, users, items);
  const counts = trainingCounts(sample);
  return {
    sample,
    candidatesOf: lists.of,
    facts: {
      users: users.ids.length,
      items: items.ids.length,
      interactions: histories.items.length,
      testedUsers: test.userIds.length,
      coldTestItems: sample.testItems.reduce((cold, item) => cold + (item >= 0 && counts[item] === 0 ? 1 : 0), 0),
      repeatedPairs,
      timed,
      ...lists.facts,
    },
  };
}

function indexed(lists: readonly (readonly number[])[]): IndexedIds {
  const distinct = new Set<number>();
  for (const list of lists) for (const id of list) distinct.add(id);
  const ids = Float64Array.from(distinct).sort();
  const places = new Map<number, number>();
  ids.forEach((id, index) => {
    places.set(id, index);
  });
  return { ids, indexOf: (id) => places.get(id) ?? -1 };
}

/** Each user's lines, oldest first, without times in file order; of a repeated item the latest line only. */
function historiesOf(
  { userIds, itemIds, timestampsMs }: RatingLines,
  users: IndexedIds,
  items: IndexedIds,
): { histories: UserHistories; repeatedPairs: number } {
  const times = Float64Array.from({ length: userIds.length }, (_, row) => timestampsMs?.[row] ?? row);
  const starts = new Uint32Array(users.ids.length + 1);
  for (const id of userIds) starts[users.indexOf(id) + 1] += 1;
  for (let user = 0; user < users.ids.length; user++) starts[user + 1] += starts[user];
  const next = starts.slice();
  const order = new Int32Array(userIds.length);
  userIds.forEach((id, row) => {
    order[next[users.indexOf(id)]++] = row;
  });
  const itemOf = Int32Array.from(itemIds, items.indexOf);
  const kept: number[] = [];
  const offsets = new Uint32Array(starts.length);
  for (let user = 0; user + 1 < starts.length; user++) {
    stableOrderByTime(order, starts[user], starts[user + 1], times);
    const rows = order.subarray(starts[user], starts[user + 1]);
    const latest = new Map<number, number>();
    for (const row of rows) latest.set(itemOf[row], row);
    for (const row of rows) if (latest.get(itemOf[row]) === row) kept.push(row);
    offsets[user + 1] = kept.length;
  }
  const histories = {
    offsets,
    items: Int32Array.from(kept, (row) => itemOf[row]),
    timestampsMs: Float64Array.from(kept, (row) => times[row]),
  };
  return { histories, repeatedPairs: userIds.length - kept.length };
}

/** @param trainingLines how many lines come before, where the order of lines is the order in time */
function heldOut(
  { name, userIds, itemIds, timestampsMs, lineNumbers }: RatingLines,
  { offsets, items: trained }: UserHistories,
  users: IndexedIds,
  items: IndexedIds,
  trainingLines: number,
): Pick<Sample, "testItems" | "testTimestampsMs"> {
  const testItems = new Int32Array(users.ids.length).fill(-1);
  const testTimestampsMs = new Float64Array(users.ids.length).fill(Number.NaN);
  for (let row = 0; row < userIds.length; row++) {
    const [user, item] = [users.indexOf(userIds[row]), items.indexOf(itemIds[row])];
    const again = testItems[user] >= 0;
    if (again || trained.subarray(offsets[user], offsets[user + 1]).includes(item)) {
      const expected = again ? "one test item a user" : "an item that the user does not have in training";
      throw badLine(name, lineNumbers[row], expected, `${userIds[row]} ${itemIds[row]}`);
    }
    testItems[user] = item;
    testTimestampsMs[user] = timestampsMs?.[row] ?? trainingLines + row;
  }
  return { testItems, testTimestampsMs };
}
