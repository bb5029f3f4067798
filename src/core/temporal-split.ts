/** Splits ratings at one moment, the same for everybody: what came before trains, what came after is a stream of events. */
import { NcfError } from "./errors.ts";
import { leaveOneOut, undivided } from "./leave-one-out.ts";
import { type RatingTable, ratingsAt } from "./ratings.ts";
import type { Sample } from "./sample.ts";
import { stableOrderByTime } from "./time-order.ts";

export interface TemporalSplit {
  /** The first moment of the stream: every training interaction is earlier. */
  readonly fromMs: number;
  /** All interactions before, nothing held out; users and items without one are not in it. */
  readonly before: Sample;
  /** Rows of the table at or after that moment, by time, equal times in file order. */
  readonly after: Int32Array;
}

/**
 * The split before whose moment `share` of the ratings lie, or fewer where ratings share the moment.
 *
 * @param share above 0 and below 1
 * @throws NcfError `DATA_TOO_SMALL` where no rating lies before the moment
 */
export function temporalSplit(table: RatingTable, share: number): TemporalSplit {
  const { fromMs, rows } = newerRows(table, share);
  return { fromMs, before: interactionsBefore(table, fromMs), after: rows };
}

/**
 * The stream's first moment and its rows by time, equal times in file order; a share of 0 takes all rows.
 *
 * @param share from 0 to below 1
 * @throws NcfError `DATA_TOO_SMALL` where no rating lies before the moment, though some share is to
 */
export function newerRows(table: RatingTable, share: number): { readonly fromMs: number; readonly rows: Int32Array } {
  const times = table.timestampMs.slice(0, table.length).sort();
  const fromMs = times[Math.min(table.length - 1, Math.floor(share * table.length))] ?? 0;
  if (share > 0 && times[0] === fromMs) {
    throw new NcfError(
      "DATA_TOO_SMALL",
      `expected ratings before the moment that ends ${share * 100} % of them, found none of ${table.length} before it. ` +
        "Give ratings with times that differ, or a greater share",
    );
  }
  const isLater = (row: number): boolean => table.timestampMs[row] >= fromMs;
  const rows = Int32Array.from({ length: table.length }, (_, row) => row).filter(isLater);
  stableOrderByTime(rows, 0, rows.length, table.timestampMs);
  return { fromMs, rows };
}

/** All interactions before a moment, nothing held out; users and items without one are not in it. */
export function interactionsBefore(table: RatingTable, fromMs: number): Sample {
  const rows = Int32Array.from({ length: table.length }, (_, row) => row).filter(
    (row) => table.timestampMs[row] < fromMs,
  );
  const earlier = ratingsAt(table, rows);
  const present = new Uint8Array(table.userIds.length);
  for (const user of earlier.user) present[user] = 1;
  const { sample } = leaveOneOut(earlier, present, { tieRule: "lastInFile", seed: 0, listedItemIds: null });
  return undivided(sample);
}
