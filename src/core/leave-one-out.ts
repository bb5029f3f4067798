/** Splits ratings by leave-one-out: each user's latest rating is the test item, the others are training. */
import { labelsOf } from "./ids.ts";
import type { RatingTable } from "./ratings.ts";
import { purposes, Rng, streamKey } from "./rng.ts";
import type { Sample } from "./sample.ts";
import { stableOrderByTime } from "./time-order.ts";

/**
 * Which of several ratings at a user's latest moment is the test item. Timestamps tie often, and this choice alone
 * moves HR@10 by points. `firstInFile` is what a stable descending rank over the file gives.
 */
export type TieRule = "firstInFile" | "lastInFile" | "smallestItemId" | "largestItemId" | "random";

export interface SplitOptions {
  readonly tieRule: TieRule;
  /** Used by the tie rule `random`. */
  readonly seed: number;
  /** Ids to have in the catalogue beside the rated ones (`listed`), or null for the rated items only. */
  readonly listedItemIds: readonly number[] | null;
}

export interface SplitCounts {
  /** Rows of chosen users, repeats included. */
  readonly ratings: number;
  /** Rows left out because the same user rated the same item later. */
  readonly repeatedPairs: number;
  /** Users with a test item. */
  readonly testedUsers: number;
  /** Users with a single rating: in training, not tested. */
  readonly singletonUsers: number;
  /** Tested users whose latest moment holds more than one rating. */
  readonly tiedUsers: number;
  /** Tested users whose test item has no training rating. */
  readonly coldTestItems: number;
}

/**
 * The sample of the chosen users.
 *
 * @param table ratings in file order
 * @param chosen shape [table users], 1 for users to keep
 */
export function leaveOneOut(
  table: RatingTable,
  chosen: Uint8Array,
  options: SplitOptions,
): { sample: Sample; counts: SplitCounts } {
  const { userIds, newUser } = sortedUsers(table, chosen);
  const { itemIds, newItem } = catalogue(table, newUser, options.listedItemIds);
  const rows = rowsByUser(table, newUser, userIds.length);
  const users = userIds.length;

  const offsets = new Uint32Array(users + 1);
  const items = new Int32Array(rows.order.length);
  const timestampsMs = new Float64Array(rows.order.length);
  const testItems = new Int32Array(users).fill(-1);
  const testTimestampsMs = new Float64Array(users).fill(Number.NaN);
  const lastUserOfItem = new Int32Array(itemIds.length).fill(-1);
  let written = 0;
  let singletonUsers = 0;
  let tiedUsers = 0;
  for (let user = 0; user < users; user++) {
    const from = rows.offsets[user];
    const to = rows.offsets[user + 1];
    stableOrderByTime(rows.order, from, to, table.timestampMs);
    const kept = withoutRepeats(rows.order, from, to, table, newItem, lastUserOfItem, user);
    let test = -1;
    if (to - kept > 1) {
      const tied = firstAtLatest(rows.order, kept, to, table.timestampMs);
      if (to - tied > 1) tiedUsers += 1;
      test = chooseTest(rows.order, tied, to, table, options, userIds[user]);
      testItems[user] = newItem[table.item[rows.order[test]]];
      testTimestampsMs[user] = table.timestampMs[rows.order[test]];
    } else singletonUsers += 1;
    for (let i = kept; i < to; i++) {
      if (i === test) continue;
      items[written] = newItem[table.item[rows.order[i]]];
      timestampsMs[written] = table.timestampMs[rows.order[i]];
      written += 1;
    }
    offsets[user + 1] = written;
  }

  const sample: Sample = {
    userIds,
    itemIds,
    userLabels: labelsOf(userIds, table.userLabels),
    itemLabels: labelsOf(itemIds, table.itemLabels),
    train: { offsets, items: items.subarray(0, written), timestampsMs: timestampsMs.subarray(0, written) },
    testItems,
    testTimestampsMs,
  };
  const testedUsers = users - singletonUsers;
  const counts = {
    ratings: rows.order.length,
    repeatedPairs: rows.order.length - written - testedUsers,
    testedUsers,
    singletonUsers,
    tiedUsers,
    coldTestItems: countColdTestItems(sample),
  };
  return { sample, counts };
}

/** Chosen users ascending by id, and for each user of the table its new index or −1. */
function sortedUsers(table: RatingTable, chosen: Uint8Array): { userIds: Float64Array; newUser: Int32Array } {
  const userIds = table.userIds.filter((_, i) => chosen[i] === 1).sort();
  const indexOf = indexById(userIds);
  const newUser = new Int32Array(table.userIds.length).fill(-1);
  for (let i = 0; i < newUser.length; i++) if (chosen[i] === 1) newUser[i] = indexOf.get(table.userIds[i]) ?? -1;
  return { userIds, newUser };
}

function indexById(ids: Float64Array): Map<number, number> {
  const indexOf = new Map<number, number>();
  for (let index = 0; index < ids.length; index++) indexOf.set(ids[index], index);
  return indexOf;
}

/** The items with a rating by a chosen user (and the listed ones), ascending by id, and the table's items' new indices. */
function catalogue(
  table: RatingTable,
  newUser: Int32Array,
  listedItemIds: readonly number[] | null,
): { itemIds: Float64Array; newItem: Int32Array } {
  const rated = new Uint8Array(table.itemIds.length);
  for (let row = 0; row < table.length; row++) if (newUser[table.user[row]] >= 0) rated[table.item[row]] = 1;
  const ids = new Set<number>(listedItemIds ?? []);
  table.itemIds.forEach((id, i) => {
    if (rated[i] === 1) ids.add(id);
  });
  const itemIds = Float64Array.from(ids).sort();
  const indexOf = indexById(itemIds);
  return { itemIds, newItem: Int32Array.from(table.itemIds, (id) => indexOf.get(id) ?? -1) };
}

/** Row numbers grouped by new user index, in file order within a user (a counting sort). */
function rowsByUser(
  table: RatingTable,
  newUser: Int32Array,
  users: number,
): { offsets: Uint32Array; order: Int32Array } {
  const offsets = new Uint32Array(users + 1);
  for (let row = 0; row < table.length; row++) {
    const user = newUser[table.user[row]];
    if (user >= 0) offsets[user + 1] += 1;
  }
  for (let user = 0; user < users; user++) offsets[user + 1] += offsets[user];
  const next = offsets.slice();
  const order = new Int32Array(offsets[users]);
  for (let row = 0; row < table.length; row++) {
    const user = newUser[table.user[row]];
    if (user >= 0) order[next[user]++] = row;
  }
  return { offsets, order };
}

/** Moves the rows to keep to the end of order[from … to), keeping a repeated item's latest row; gives where they start. */
function withoutRepeats(
  order: Int32Array,
  from: number,
  to: number,
  table: RatingTable,
  newItem: Int32Array,
  lastUserOfItem: Int32Array,
  user: number,
): number {
  let kept = to;
  for (let i = to - 1; i >= from; i--) {
    const item = newItem[table.item[order[i]]];
    if (lastUserOfItem[item] === user) continue;
    lastUserOfItem[item] = user;
    kept -= 1;
    order[kept] = order[i];
  }
  return kept;
}

/** The first position of order[from … to), sorted by time, that has the latest time. */
function firstAtLatest(order: Int32Array, from: number, to: number, timestampMs: Float64Array): number {
  const latest = timestampMs[order[to - 1]];
  let first = to - 1;
  while (first > from && timestampMs[order[first - 1]] === latest) first -= 1;
  return first;
}

/** The position of the test item among order[tied … to), rows of one moment in file order. */
export function chooseTest(
  order: Int32Array,
  tied: number,
  to: number,
  table: RatingTable,
  options: SplitOptions,
  userId: number,
): number {
  const id = (i: number): number => table.itemIds[table.item[order[i]]];
  let best = tied;
  switch (options.tieRule) {
    case "firstInFile":
      return tied;
    case "lastInFile":
      return to - 1;
    case "random":
      return tied + new Rng(streamKey(options.seed, purposes.testTie, userId % 2 ** 32)).below(to - tied);
    case "smallestItemId":
      for (let i = tied; i < to; i++) if (id(i) < id(best)) best = i;
      return best;
    case "largestItemId":
      for (let i = tied; i < to; i++) if (id(i) > id(best)) best = i;
      return best;
  }
}

/** Shape [items]: how many training interactions each item has. */
export function trainingCounts(sample: Sample): Int32Array {
  const counts = new Int32Array(sample.itemIds.length);
  for (const item of sample.train.items) counts[item] += 1;
  return counts;
}

/** The time of the newest training interaction; −∞ where there is none. */
export function newestTrainingMs({ train }: Sample): number {
  return train.timestampsMs.reduce((latest, time) => Math.max(latest, time), Number.NEGATIVE_INFINITY);
}

/** Test items without a training interaction. */
export function countColdTestItems(sample: Sample): number {
  const counts = trainingCounts(sample);
  return sample.testItems.reduce((cold, item) => (item >= 0 && counts[item] === 0 ? cold + 1 : cold), 0);
}

/**
 * The sample for validation: the test items are gone, and each user's latest training interaction (the first in file
 * order among tied ones) is held out in their place, where the user has two or more.
 */
export function holdOutLatest(sample: Sample): Sample {
  const { offsets, items, timestampsMs } = sample.train;
  const users = sample.userIds.length;
  const testItems = new Int32Array(users).fill(-1);
  const testTimestampsMs = new Float64Array(users).fill(Number.NaN);
  const kept = new Uint8Array(items.length).fill(1);
  const keptOffsets = new Uint32Array(users + 1);
  for (let user = 0; user < users; user++) {
    const [from, to] = [offsets[user], offsets[user + 1]];
    if (to - from > 1) {
      let latest = to - 1;
      while (latest > from && timestampsMs[latest - 1] === timestampsMs[to - 1]) latest -= 1;
      testItems[user] = items[latest];
      testTimestampsMs[user] = timestampsMs[latest];
      kept[latest] = 0;
    }
    keptOffsets[user + 1] = keptOffsets[user] + (to - from) - (to - from > 1 ? 1 : 0);
  }
  const train = {
    offsets: keptOffsets,
    items: items.filter((_, i) => kept[i] === 1),
    timestampsMs: timestampsMs.filter((_, i) => kept[i] === 1),
  };
  return { ...sample, train, testItems, testTimestampsMs };
}

/**
 * The sample with nothing held out: each test item goes back to the end of its user's training interactions.
 *
 * @param goesBack whose test item goes back; everybody's by default
 */
export function undivided(sample: Sample, goesBack: (user: number) => boolean = () => true): Sample {
  const { train } = sample;
  const users = sample.userIds.length;
  const testItems = sample.testItems.slice();
  const testTimestampsMs = sample.testTimestampsMs.slice();
  const length = train.items.length + testItems.filter((item, user) => item >= 0 && goesBack(user)).length;
  const offsets = new Uint32Array(users + 1);
  const items = new Int32Array(length);
  const timestampsMs = new Float64Array(length);
  let written = 0;
  for (let user = 0; user < users; user++) {
    const [from, to] = [train.offsets[user], train.offsets[user + 1]];
    items.set(train.items.subarray(from, to), written);
    timestampsMs.set(train.timestampsMs.subarray(from, to), written);
    written += to - from;
    if (testItems[user] >= 0 && goesBack(user)) {
      items[written] = testItems[user];
      timestampsMs[written] = testTimestampsMs[user];
      testItems[user] = -1;
      testTimestampsMs[user] = Number.NaN;
      written += 1;
    }
    offsets[user + 1] = written;
  }
  return { ...sample, train: { offsets, items, timestampsMs }, testItems, testTimestampsMs };
}
