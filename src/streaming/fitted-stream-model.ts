/** A fitted model of any kind as the stream uses it. */
import { decayedCounts } from "../baselines/decayed-counts.ts";
import { indexOfId } from "../core/ids.ts";
import { newestTrainingMs, trainingCounts } from "../core/leave-one-out.ts";
import type { Sample } from "../core/sample.ts";
import type { UserModel } from "../core/user-model.ts";
import type { StreamModel } from "./stream-model.ts";

export interface FittedStreamModelParts {
  readonly version: string;
  /** What the model was trained on, nothing held out. */
  readonly sample: Sample;
  readonly model: UserModel;
  readonly popularityHalfLifeMs: number;
  /** For a model that was trained on the stream itself, see `StreamModel`. */
  readonly cutOffOffsets?: ReadonlyMap<number, number>;
}

/**
 * Users whose history is what training saw are scored as training left them; all others by what the model makes of their
 * history. So a score is a function of the version, the user and the history.
 */
export function fittedStreamModel({
  version,
  sample,
  model,
  popularityHalfLifeMs,
  cutOffOffsets,
}: FittedStreamModelParts): StreamModel {
  // A version stays in memory for long, and needs no more of the sample.
  const { userIds, itemIds } = sample;
  const { offsets, items: trained } = sample.train;
  const trainedCount = (user: number): number => offsets[user + 1] - offsets[user];
  const trainedOn = (userId: number, itemId: number): boolean => {
    const user = indexOfId(userIds, userId);
    const item = indexOfId(itemIds, itemId);
    return user >= 0 && item >= 0 && trained.subarray(offsets[user], offsets[user + 1]).includes(item);
  };
  return {
    version,
    catalogue: itemIds,
    cutOffMs: newestTrainingMs(sample),
    ...(cutOffOffsets === undefined ? {} : { cutOffOffsets, trainedOn }),
    knows: (userId) => indexOfId(userIds, userId) >= 0,
    score(userId, history, items, scores) {
      const user = indexOfId(userIds, userId);
      if (user >= 0 && trainedCount(user) === history.length) model.scoreTrained(user, history, items, scores);
      else model.scoreFolded(model.fold(history, user), history, items, scores);
    },
    popularity: Float64Array.from(trainingCounts(sample)),
    decayedPopularity: decayedCounts(sample.train, itemIds.length, popularityHalfLifeMs),
    activityBounds: quartileBounds(Int32Array.from(sample.userIds.keys(), trainedCount)),
  };
}

function quartileBounds(counts: Int32Array): [number, number, number] {
  const sorted = counts.sort();
  const bound = (quarter: number): number => sorted[Math.ceil((quarter * sorted.length) / 4) - 1] ?? 0;
  return [bound(1), bound(2), bound(3)];
}
