/** An NCF model as the stream uses it. */
import { DecayedPopularity } from "../baselines/decayed-popularity.ts";
import { learnSample } from "../baselines/learn-sample.ts";
import { Popularity } from "../baselines/popularity.ts";
import type { Recommender } from "../core/recommender.ts";
import type { Sample } from "../core/sample.ts";
import type { FoldIn } from "../ncf/fold-in.ts";
import type { RowScorer } from "../ncf/wasm/scorer.ts";
import type { StreamModel } from "./stream-model.ts";

export interface NcfStreamModelParts {
  readonly version: string;
  /** What the model was trained on, nothing held out. */
  readonly sample: Sample;
  readonly scorer: RowScorer;
  readonly foldIn: FoldIn;
  readonly popularityHalfLifeMs: number;
}

/**
 * Users whose history is what training saw are scored by their trained row; all others by the row that `foldIn` gives
 * for their history. So a score is a function of the version, the user and the history.
 */
export function ncfStreamModel({
  version,
  sample,
  scorer,
  foldIn,
  popularityHalfLifeMs,
}: NcfStreamModelParts): StreamModel {
  const { offsets, timestampsMs } = sample.train;
  const userIndex = new Map(Array.from(sample.userIds, (id, user) => [id, user]));
  const trainedCount = (user: number): number => offsets[user + 1] - offsets[user];
  const popularity = new Popularity(sample);
  const decayed = learnSample(new DecayedPopularity(sample.itemIds.length, popularityHalfLifeMs), sample);
  return {
    version,
    catalogue: sample.itemIds,
    cutOffMs: timestampsMs.reduce((latest, time) => Math.max(latest, time), Number.NEGATIVE_INFINITY),
    knows: (userId) => userIndex.has(userId),
    score(userId, history, items, scores) {
      const user = userIndex.get(userId);
      if (user !== undefined && trainedCount(user) === history.length) scorer.score(user, items, scores);
      else scorer.scoreRow(foldIn.row(history), items, scores);
    },
    popularity: scoresOf(popularity, sample.itemIds.length),
    decayedPopularity: scoresOf(decayed, sample.itemIds.length),
    activityBounds: quartileBounds(Int32Array.from(sample.userIds.keys(), trainedCount)),
  };
}

/** Of a model that scores all users alike. */
function scoresOf(model: Recommender, items: number): Float64Array {
  const scores = new Float64Array(items);
  model.score(
    0,
    Int32Array.from({ length: items }, (_, item) => item),
    scores,
  );
  return scores;
}

function quartileBounds(counts: Int32Array): [number, number, number] {
  const sorted = counts.sort();
  const bound = (quarter: number): number => sorted[Math.ceil((quarter * sorted.length) / 4) - 1] ?? 0;
  return [bound(1), bound(2), bound(3)];
}
