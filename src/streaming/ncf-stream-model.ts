/** An NCF model as the stream uses it. */
import { DecayedPopularity } from "../baselines/decayed-popularity.ts";
import { learnSample } from "../baselines/learn-sample.ts";
import { indexOfId } from "../core/ids.ts";
import { newestTrainingMs, trainingCounts } from "../core/leave-one-out.ts";
import type { Sample } from "../core/sample.ts";
import type { AttributeProfile } from "../ncf/attribute-profile.ts";
import type { FoldIn } from "../ncf/fold-in.ts";
import type { RowScorer } from "../ncf/wasm/scorer.ts";
import type { StreamModel } from "./stream-model.ts";

export interface NcfStreamModelParts {
  readonly version: string;
  /** What the model was trained on, nothing held out. */
  readonly sample: Sample;
  readonly scorer: RowScorer;
  readonly foldIn: FoldIn;
  /** Over the items of the sample; absent where their attributes are unknown. */
  readonly profile?: AttributeProfile;
  readonly popularityHalfLifeMs: number;
  /** For a model that was trained on the stream itself, see `StreamModel`. */
  readonly cutOffOffsets?: ReadonlyMap<number, number>;
}

/**
 * Users whose history is what training saw are scored by their trained row; all others by the row that `foldIn` gives
 * for their history. The profile adds to the logit. So a score is a function of the version, the user and the history.
 */
export function ncfStreamModel({
  version,
  sample,
  scorer,
  foldIn,
  profile,
  popularityHalfLifeMs,
  cutOffOffsets,
}: NcfStreamModelParts): StreamModel {
  // A version stays in memory for long, and needs no more of the sample.
  const { userIds, itemIds } = sample;
  const { offsets, items: trained } = sample.train;
  const trainedCount = (user: number): number => offsets[user + 1] - offsets[user];
  const trainedOn = (userId: number, itemId: number): boolean => {
    const user = indexOfId(userIds, userId);
    const item = indexOfId(itemIds, itemId);
    return user >= 0 && item >= 0 && trained.subarray(offsets[user], offsets[user + 1]).includes(item);
  };
  const decayed = learnSample(new DecayedPopularity(sample.itemIds.length, popularityHalfLifeMs), sample);
  const decayedPopularity = new Float64Array(sample.itemIds.length);
  // It scores all users alike.
  decayed.score(0, Int32Array.from(sample.itemIds.keys()), decayedPopularity);
  return {
    version,
    catalogue: itemIds,
    cutOffMs: newestTrainingMs(sample),
    ...(cutOffOffsets === undefined ? {} : { cutOffOffsets, trainedOn }),
    knows: (userId) => indexOfId(userIds, userId) >= 0,
    score(userId, history, items, scores) {
      const user = indexOfId(userIds, userId);
      if (user >= 0 && trainedCount(user) === history.length) scorer.score(user, items, scores);
      else scorer.scoreRow(foldIn.row(history), items, scores);
      profile?.addTo(scores, history, items);
    },
    popularity: Float64Array.from(trainingCounts(sample)),
    decayedPopularity,
    activityBounds: quartileBounds(Int32Array.from(sample.userIds.keys(), trainedCount)),
  };
}

function quartileBounds(counts: Int32Array): [number, number, number] {
  const sorted = counts.sort();
  const bound = (quarter: number): number => sorted[Math.ceil((quarter * sorted.length) / 4) - 1] ?? 0;
  return [bound(1), bound(2), bound(3)];
}
