/** The validation report of a ratings file, and when it means that the run must stop. */
import { NcfError } from "../errors.ts";
import type { ItemDetails, RejectedRows, ValidationReport } from "../ratings.ts";
import type { AssembledRatings } from "./assemble.ts";

/** More distinct ratings than this are counted in bins. */
const maxHistogramBars = 200;

export interface SourceFacts {
  readonly source: string;
  readonly format: string;
  readonly ratingsSha256: string;
  readonly rowsKept: number;
  readonly rowsRejected: number;
  /** Entries of the item list, null when there is none. */
  readonly listed: readonly ItemDetails[] | null;
  readonly itemListRejected: readonly RejectedRows[];
}

/** Puts the report together. */
export function validationReport(facts: SourceFacts, ratings: AssembledRatings): ValidationReport {
  const { statistics } = ratings;
  const rated = new Set(ratings.itemIds);
  const listed = facts.listed === null ? null : new Set(facts.listed.map((item) => item.id));
  const listedAndRated = listed === null ? 0 : ratings.itemIds.filter((id) => listed.has(id)).length;
  return {
    source: facts.source,
    format: facts.format,
    ratingsSha256: facts.ratingsSha256,
    rowsRead: facts.rowsKept + facts.rowsRejected,
    rowsKept: facts.rowsKept,
    rowsRejected: facts.rowsRejected,
    rejected: ratings.rejected,
    users: ratings.users,
    items: rated.size,
    firstTimestampMs: facts.rowsKept === 0 ? null : statistics.firstTimestampMs,
    lastTimestampMs: facts.rowsKept === 0 ? null : statistics.lastTimestampMs,
    repeatedPairs: statistics.repeatedPairs,
    ratingsOutsideScale: statistics.ratingsOutsideScale,
    ratingsMissing: statistics.ratingsMissing,
    ratingHistogram: ratingHistogram(statistics.ratingCounts),
    itemsWithoutRatings: listed === null ? null : listed.size - listedAndRated,
    itemsNotListed: listed === null ? null : rated.size - listedAndRated,
    idCollisions: ratings.idCollisions,
    ...(facts.itemListRejected.length > 0 && { itemListRejected: facts.itemListRejected }),
  };
}

/** Rows by rating, ascending; ratings of many values are rounded down to multiples of the smallest fitting power of 10. */
export function ratingHistogram(counts: ReadonlyMap<number, number>): { rating: number; count: number }[] {
  let bins: ReadonlyMap<number, number> = counts;
  for (let width = 1; bins.size > maxHistogramBars; width *= 10) {
    const wider = new Map<number, number>();
    for (const [rating, count] of counts) {
      const bin = Math.floor(rating / width) * width;
      wider.set(bin, (wider.get(bin) ?? 0) + count);
    }
    bins = wider;
  }
  return [...bins].map(([rating, count]) => ({ rating, count })).sort((a, b) => a.rating - b.rating);
}

/**
 * Stops a run on a source that has no rows or too many bad ones.
 *
 * @param maxRejectedShare 0 … 1
 * @throws NcfError `REJECTS_OVER_LIMIT`, `RATINGS_EMPTY`
 */
export function checkRejects(
  counts: { readonly rowsKept: number; readonly rowsRejected: number },
  rejected: readonly RejectedRows[],
  source: string,
  maxRejectedShare: number,
): void {
  const { rowsKept, rowsRejected } = counts;
  const rowsRead = rowsKept + rowsRejected;
  if (rowsRead === 0) {
    throw new NcfError(
      "RATINGS_EMPTY",
      `expected ratings in ${source}, found a header only; check the download or export`,
    );
  }
  if (rowsKept > 0 && rowsRejected <= maxRejectedShare * rowsRead) return;
  const reasons = rejected.slice(0, 3).map(({ reason, count, examples }) => {
    const [first] = examples;
    return `${reason} (${count} ${count === 1 ? "row" : "rows"}, first in line ${first.line}: ${JSON.stringify(first.text)})`;
  });
  throw new NcfError(
    "REJECTS_OVER_LIMIT",
    `expected at most ${percent(maxRejectedShare)} of the rows of ${source} to be unusable, found ${rowsRejected} of ${rowsRead} (${percent(rowsRejected / rowsRead)}): ${reasons.join("; ")}. Correct the file or the column mapping and time format, or raise the limit (--max-rejects)`,
    { data: { rowsRead, rowsKept, rowsRejected, rejected } },
  );
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}
