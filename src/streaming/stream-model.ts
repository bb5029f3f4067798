/** A published model version, as the stream uses it. All item arguments are indices into `catalogue`. */
export interface StreamModel {
  readonly version: string;
  /** Shape [items]: numeric ids, ascending. Frozen when the version was published. */
  readonly catalogue: Float64Array;
  /** Events at or before this time may have been learnt from. */
  readonly cutOffMs: number;
  /** Whether the version has learnt an embedding of this user. */
  knows(userId: number): boolean;
  /** Scores items for a user with this history (catalogue indices, oldest first; unknown items left out). */
  score(userId: number, history: Int32Array, items: Int32Array, scores: Float64Array): void;
  /** Frozen popularity of each catalogue item, and time-decayed popularity. Shape [items]. */
  readonly popularity: Float64Array;
  readonly decayedPopularity: Float64Array;
  /** Upper bounds of training counts of activity quartiles 1 to 3. */
  readonly activityBounds: readonly [number, number, number];
}
