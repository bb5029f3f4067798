/** All that scores for users: the network, rows folded in from histories, and the profile of attributes. */
import type { ItemDetails } from "../core/ratings.ts";
import type { AttributeProfile } from "../ncf/attribute-profile.ts";
import { createFoldIn, type LazyFoldIn } from "../ncf/fold-in.ts";
import type { TrainedModel } from "../ncf/model.ts";
import type { RowScorer } from "../ncf/wasm/scorer.ts";
import { profileOf, startUntrainedItems, type TrainedItems } from "./new-items.ts";

export interface ScoringParts {
  readonly scorer: RowScorer;
  readonly foldIn: LazyFoldIn;
  /** Over the sample's items: adds to what the network says. */
  readonly profile: AttributeProfile;
}

/** Of a model and the items of the sample that it was trained on. Items without a training interaction start from their genres. */
export function scoringParts(
  createScorer: (model: TrainedModel) => RowScorer,
  trained: TrainedModel,
  trainedOn: TrainedItems,
  items: readonly ItemDetails[],
): ScoringParts {
  const model = startUntrainedItems(trained, trainedOn, items);
  return { scorer: createScorer(model), foldIn: createFoldIn(model), profile: profileOf(trainedOn, items) };
}
