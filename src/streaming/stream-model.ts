/** A published model version, as the stream uses it. All item arguments are indices into `catalogue`. */
export interface StreamModel {
  readonly version: string;
  /** Shape [items]: numeric ids, ascending. Frozen when the version was published. */
  readonly catalogue: Float64Array;
  /** Events at or before this time may have been learnt from; with `cutOffOffsets`, these tell in its place. */
  readonly cutOffMs: number;
  /**
   * For a version that was trained on this stream: by partition, the first offset that it has not learnt from. Of a partition
   * that is not named it has learnt nothing. What it was trained on before the stream lies at no offset, but in snapshot 0:
   * such an event is a repeat.
   */
  readonly cutOffOffsets?: ReadonlyMap<number, number>;
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

/** Whether the version may have learnt from the event at this place of the stream. */
export function hasLearnt(
  { cutOffMs, cutOffOffsets }: StreamModel,
  { partition, offset }: { readonly partition: number; readonly offset: number },
  timestampMs: number,
): boolean {
  return cutOffOffsets === undefined ? timestampMs <= cutOffMs : offset < (cutOffOffsets.get(partition) ?? 0);
}
