/** What a segment's times and ratings say by themselves; a thread that parses the segment counts it on the way. */

/** Code of a row without a rating; any other code is twice the rating. */
export const missingRatingCode = 255;

export function ratingOfCode(code: number): number {
  return code === missingRatingCode ? Number.NaN : code / 2;
}

export interface ValueSummary {
  /** Infinite for no rows. */
  readonly firstTimestampMs: number;
  readonly lastTimestampMs: number;
  /** Rows by rating value, NaN for rows without one. */
  readonly ratingCounts: ReadonlyMap<number, number>;
}

/**
 * @param time shape [rows or more]: see `RatingColumns`
 * @param rating shape [rows or more]
 */
export function summarizeValues(
  rows: number,
  time: Uint32Array | Float64Array,
  rating: Uint8Array | Float32Array,
): ValueSummary {
  const toMs = time instanceof Uint32Array ? 1000 : 1;
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < rows; i++) {
    const value = time[i];
    if (value < first) first = value;
    if (value > last) last = value;
  }
  return {
    firstTimestampMs: first * toMs,
    lastTimestampMs: last * toMs,
    ratingCounts: rating instanceof Uint8Array ? countCodes(rows, rating) : countRatings(rows, rating),
  };
}

function countCodes(rows: number, codes: Uint8Array): Map<number, number> {
  const counts = new Uint32Array(256);
  for (let i = 0; i < rows; i++) counts[codes[i]]++;
  const byRating = new Map<number, number>();
  for (let code = 0; code < 256; code++) if (counts[code] > 0) byRating.set(ratingOfCode(code), counts[code]);
  return byRating;
}

function countRatings(rows: number, ratings: Float32Array): Map<number, number> {
  const byRating = new Map<number, number>();
  for (let i = 0; i < rows; i++) {
    const rating = Number(ratings[i].toPrecision(7)); // the text's digits, not the float's
    byRating.set(rating, (byRating.get(rating) ?? 0) + 1);
  }
  return byRating;
}
