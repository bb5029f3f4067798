/** What reading a ratings file gives: columns in file order, with ids interned to dense indices. */

/** Ratings as columns. Row i says that user `userIds[user[i]]` rated item `itemIds[item[i]]`. */
export interface RatingTable {
  /** Rows, in file order. */
  readonly length: number;
  /** Distinct users in order of first appearance: index → numeric id (see `numericId`). */
  readonly userIds: Float64Array;
  /** Distinct items in order of first appearance: index → numeric id. */
  readonly itemIds: Float64Array;
  /** Original text of those ids that are not integers, by numeric id. */
  readonly userLabels: ReadonlyMap<number, string>;
  readonly itemLabels: ReadonlyMap<number, string>;
  /** Shape [length]: index into `userIds`. */
  readonly user: Int32Array;
  /** Shape [length]: index into `itemIds`. */
  readonly item: Int32Array;
  /** Shape [length]: integer milliseconds UTC. */
  readonly timestampMs: Float64Array;
  /** Shape [length]: the rating as given, NaN where the source has none. Training ignores it: every row counts as 1. */
  readonly rating: Float32Array;
}

/** The table of some rows, in their order. */
export function ratingsAt(table: RatingTable, rows: Int32Array): RatingTable {
  return {
    ...table,
    length: rows.length,
    user: rows.map((row) => table.user[row]),
    item: rows.map((row) => table.item[row]),
    timestampMs: Float64Array.from(rows, (row) => table.timestampMs[row]),
    rating: Float32Array.from(rows, (row) => table.rating[row]),
  };
}

/** One entry of the list of movies (or whatever the items are). */
export interface ItemDetails {
  readonly id: number;
  readonly title: string;
  readonly genres: readonly string[];
  /** What people call it, as far as the source has such words. */
  readonly tags?: readonly string[];
}

/** One kind of rejected row with its first examples. */
export interface RejectedRows {
  /** What is wrong, such as "timestamp is not a number". */
  readonly reason: string;
  readonly count: number;
  /** The first 20, with 1-based line numbers and the offending text (cut to 120 characters). */
  readonly examples: readonly { readonly line: number; readonly text: string }[];
}

/** What ingest says about a source. Nothing is lost silently: read = kept + rejected. */
export interface ValidationReport {
  /** Such as "ml-latest-small", "ratings.csv" or "generated". */
  readonly source: string;
  /** The detected format, such as "movielens-csv", "movielens-100k", "movielens-dat" or "csv". */
  readonly format: string;
  /** sha256 of the ratings file's bytes (of the unpacked entry for a zip), hex. */
  readonly ratingsSha256: string;
  readonly rowsRead: number;
  readonly rowsKept: number;
  readonly rowsRejected: number;
  readonly rejected: readonly RejectedRows[];
  readonly users: number;
  readonly items: number;
  readonly firstTimestampMs: number | null;
  readonly lastTimestampMs: number | null;
  /** Rows whose (user, item) pair occurs earlier in the file; kept here, the latest wins in the sample. */
  readonly repeatedPairs: number;
  /** Kept rows whose rating lies outside 0.5 … 5 (kept: ratings count as 1). */
  readonly ratingsOutsideScale: number;
  /** Rows kept without a rating. */
  readonly ratingsMissing: number;
  /** Count of kept rows by rating value, ascending by value. */
  readonly ratingHistogram: readonly { readonly rating: number; readonly count: number }[];
  /** Listed items without a rating; null when there is no item list. */
  readonly itemsWithoutRatings: number | null;
  /** Rated items that the item list lacks; null when there is no item list. */
  readonly itemsNotListed: number | null;
  /** Lines of the item list that were left out, with the reason; absent when there are none. */
  readonly itemListRejected?: readonly RejectedRows[];
  /** Pairs of different original ids that hashed to the same number. */
  readonly idCollisions: number;
}

/** Everything that reading a data set gives. */
export interface Dataset {
  readonly ratings: RatingTable;
  readonly items: readonly ItemDetails[];
  readonly validation: ValidationReport;
}
