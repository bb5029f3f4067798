/**
 * Splits ratings at one moment, the same for everybody: what came before trains, and each user's next item from then on is
 * held out. So no model knows anything that happens after a test item, as leave-one-out lets it.
 */
import { NcfError } from "./errors.ts";
import {
  chooseTest,
  countColdTestItems,
  leaveOneOut,
  type SplitCounts,
  type SplitOptions,
  undivided,
} from "./leave-one-out.ts";
import { type RatingTable, ratingsAt } from "./ratings.ts";
import type { Sample } from "./sample.ts";
import { stableOrderByTime } from "./time-order.ts";

/** Half-open, in milliseconds UTC: test items are of [fromMs, toMs), training is earlier than fromMs. */
export interface TestPeriod {
  readonly fromMs: number;
  /** +∞ for all that came. */
  readonly toMs: number;
}

/**
 * The periods from some moments on, each up to the next one, the last to the end.
 *
 * @param chosen shape [table users], 1 for users that count
 * @param shares ascending, above 0 and below 1: the share of the ratings before each moment, or less where ratings share it
 * @throws NcfError `DATA_TOO_SMALL` where two moments are the same, or no rating lies before the first
 */
export function testPeriods(table: RatingTable, chosen: Uint8Array, shares: readonly number[]): TestPeriod[] {
  const times = table.timestampMs.slice(0, table.length).filter((_, row) => chosen[table.user[row]] === 1);
  times.sort();
  const moments = shares.map((share) => times[Math.floor(share * times.length)]);
  moments.forEach((moment, i) => {
    if (moment > (i === 0 ? times[0] : moments[i - 1])) return;
    throw new NcfError(
      "DATA_TOO_SMALL",
      `expected moments that split ${times.length} ratings at ${shares.join(", ")} of them, found that share ${shares[i]} ends ` +
        "at the same moment as what is before it. Give ratings with times that differ, or fewer cuts",
    );
  });
  return moments.map((fromMs, i) => ({ fromMs, toMs: moments[i + 1] ?? Number.POSITIVE_INFINITY }));
}

/**
 * The sample of the chosen users who have ratings before the period. Their test item is the first in the period that they did
 * not have before; `singletonUsers` of the counts are those without one.
 *
 * @param chosen shape [table users], 1 for users to keep
 * @returns `newUsers`: chosen users with ratings in the period but none before; a split by time cannot test them
 */
export function holdOutNext(
  table: RatingTable,
  chosen: Uint8Array,
  period: TestPeriod,
  options: SplitOptions,
): { sample: Sample; counts: SplitCounts; newUsers: number } {
  const { present, rowsOfUser, newUsers } = usersByPeriod(table, chosen, period);
  const known = itemsBefore(table, rowsOfUser, period.fromMs);
  const kept = new Uint8Array(table.length);
  for (let row = 0; row < table.length; row++) {
    if (present[table.user[row]] === 1 && table.timestampMs[row] < period.fromMs) kept[row] = 1;
  }
  let tiedUsers = 0;
  for (const [user, rows] of rowsOfUser) {
    const fresh = Int32Array.from(rows).filter((row) => !known.get(user)?.has(table.item[row]));
    if (fresh.length === 0) continue;
    stableOrderByTime(fresh, 0, fresh.length, table.timestampMs);
    const first = table.timestampMs[fresh[0]];
    const tied = fresh.filter((row) => table.timestampMs[row] === first);
    if (tied.length > 1) tiedUsers += 1;
    kept[tied[chooseTest(tied, 0, tied.length, table, options, table.userIds[user])]] = 1;
  }
  const rows = Int32Array.from({ length: table.length }, (_, row) => row).filter((row) => kept[row] === 1);
  // Whoever has a row in the period has it as the latest; the others get theirs back.
  const split = leaveOneOut(ratingsAt(table, rows), present, { ...options, tieRule: "lastInFile" });
  const sample = undivided(split.sample, (user) => split.sample.testTimestampsMs[user] < period.fromMs);
  const testedUsers = sample.testItems.reduce((tested, item) => tested + (item >= 0 ? 1 : 0), 0);
  return {
    sample,
    counts: {
      ...split.counts,
      testedUsers,
      singletonUsers: sample.userIds.length - testedUsers,
      tiedUsers,
      coldTestItems: countColdTestItems(sample),
    },
    newUsers,
  };
}

/** Users with rows before the period, and the rows that they have in it. */
function usersByPeriod(table: RatingTable, chosen: Uint8Array, { fromMs, toMs }: TestPeriod) {
  const present = new Uint8Array(table.userIds.length);
  for (let row = 0; row < table.length; row++) {
    if (chosen[table.user[row]] === 1 && table.timestampMs[row] < fromMs) present[table.user[row]] = 1;
  }
  const rowsOfUser = new Map<number, number[]>();
  const fresh = new Set<number>();
  for (let row = 0; row < table.length; row++) {
    const user = table.user[row];
    const time = table.timestampMs[row];
    if (chosen[user] !== 1 || time < fromMs || time >= toMs) continue;
    if (present[user] === 0) fresh.add(user);
    else if (!rowsOfUser.get(user)?.push(row)) rowsOfUser.set(user, [row]);
  }
  return { present, rowsOfUser, newUsers: fresh.size };
}

/** What the tested users had before. */
function itemsBefore(
  table: RatingTable,
  rowsOfUser: ReadonlyMap<number, readonly number[]>,
  fromMs: number,
): Map<number, Set<number>> {
  const known = new Map(Array.from(rowsOfUser.keys(), (user) => [user, new Set<number>()]));
  for (let row = 0; row < table.length; row++) {
    if (table.timestampMs[row] < fromMs) known.get(table.user[row])?.add(table.item[row]);
  }
  return known;
}
