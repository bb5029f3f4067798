import type { InteractionEvent } from "./interaction-event.ts";

/** A published model version, as the stream uses it. All item arguments are indices into `catalogue` but that of `trainedOn`. */
export interface StreamModel {
  readonly version: string;
  /** Shape [items]: numeric ids, ascending. Frozen when the version was published. */
  readonly catalogue: Float64Array;
  /** Events at or before this time may have been learnt from; with `cutOffOffsets`, these tell in its place. */
  readonly cutOffMs: number;
  /**
   * For a version that was trained on this stream: by partition, the first offset that it has not learnt from. Of a partition
   * that is not named it has learnt nothing.
   */
  readonly cutOffOffsets?: ReadonlyMap<number, number>;
  /**
   * With `cutOffOffsets`: whether the version was trained on the user's interaction with the item, whose numeric ids these are. What
   * it, or the version that it was tuned from, was trained on elsewhere lies at no offset, and may yet come over the stream.
   */
  trainedOn?(userId: number, itemId: number): boolean;
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
  model: StreamModel,
  { partition, offset }: { readonly partition: number; readonly offset: number },
  { userId, itemId, timestampMs }: Pick<InteractionEvent, "userId" | "itemId" | "timestampMs">,
): boolean {
  const { cutOffMs, cutOffOffsets } = model;
  if (cutOffOffsets === undefined) return timestampMs <= cutOffMs;
  return offset < (cutOffOffsets.get(partition) ?? 0) || (model.trainedOn?.(userId, itemId) ?? false);
}
