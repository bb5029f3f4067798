/** A sample: some users of a data set with all their ratings, split into training interactions and one test item a user. */

/** Each user's training interactions in one flat array (compressed sparse rows). */
export interface UserHistories {
  /** Shape [users + 1]: user u's interactions lie at offsets[u] … offsets[u + 1] − 1. */
  readonly offsets: Uint32Array;
  /** Shape [interactions]: item indices, oldest first within a user (ties in file order). */
  readonly items: Int32Array;
  /** Shape [interactions]: integer milliseconds UTC. */
  readonly timestampsMs: Float64Array;
}

/** The split data that every model trains on and is judged by. Users and items are dense indices, ascending by id. */
export interface Sample {
  /** Shape [users]: index → numeric id, ascending. */
  readonly userIds: Float64Array;
  /** Shape [items]: index → numeric id, ascending: the catalogue. */
  readonly itemIds: Float64Array;
  /** Original text of those ids that are not integers, by numeric id. */
  readonly userLabels: ReadonlyMap<number, string>;
  readonly itemLabels: ReadonlyMap<number, string>;
  readonly train: UserHistories;
  /** Shape [users]: the held-out item's index, −1 for a user with a single rating. */
  readonly testItems: Int32Array;
  /** Shape [users]: the held-out rating's time in milliseconds UTC, NaN where there is none. */
  readonly testTimestampsMs: Float64Array;
}
