/** Models of any kind, once they are fitted: networks, and baselines. */
import type { Baseline } from "../baselines/baseline.ts";
import { byTrainingHistory } from "../core/by-history.ts";
import { NcfError } from "../core/errors.ts";
import type { ItemDetails } from "../core/ratings.ts";
import type { HistoryRecommender, Recommender } from "../core/recommender.ts";
import type { Sample } from "../core/sample.ts";
import type { UserModel } from "../core/user-model.ts";
import type { AttributeProfile } from "../ncf/attribute-profile.ts";
import { createFoldIn, type LazyFoldIn } from "../ncf/fold-in.ts";
import type { TrainedModel } from "../ncf/model.ts";
import type { UserRow } from "../ncf/user-row.ts";
import type { RowScorer } from "../ncf/wasm/scorer.ts";
import { profileOf, startUntrainedItems, type TrainedItems } from "./new-items.ts";

export type FittedModel = TrainedModel | Baseline;

export function isBaseline(model: FittedModel): model is Baseline {
  return "scoreHistory" in model;
}

/**
 * The network, for what only networks can do.
 *
 * @param purpose such as "exported"
 * @param remedy what to do where it is none
 * @throws NcfError `MODEL_KIND` for a baseline
 */
export function networkOf(
  model: FittedModel,
  purpose: string,
  remedy = "Name a model that was trained from a preset",
): TrainedModel {
  if (!isBaseline(model)) return model;
  const found = `found ${model.name}, which is a baseline`;
  throw new NcfError("MODEL_KIND", `expected a network of the NCF family to be ${purpose}, ${found}. ${remedy}`);
}

/** The model as it is judged: for the sample's users, as training left them. */
export function recommenderOf(
  createScorer: (model: TrainedModel) => Recommender,
  model: FittedModel,
  sample: Pick<Sample, "train">,
): Recommender {
  return isBaseline(model) ? byTrainingHistory(model, sample) : createScorer(model);
}

/**
 * The model as it is served. Of a network, items without a training interaction start from their genres, and the profile of
 * attributes adds to what it says; a baseline is served as it was judged.
 *
 * @param trainedOn the items of the sample that it was fitted to
 */
export function userModelOf(
  createScorer: (model: TrainedModel) => RowScorer,
  fitted: FittedModel,
  trainedOn: TrainedItems,
  items: readonly ItemDetails[],
): UserModel {
  if (isBaseline(fitted)) return historyUserModel(fitted);
  const model = startUntrainedItems(fitted, trainedOn, items);
  return ncfUserModel({
    scorer: createScorer(model),
    foldIn: createFoldIn(model),
    profile: profileOf(trainedOn, items),
    foldsCheaply: Boolean(model.config.history),
  });
}

export interface NcfUserModelParts {
  readonly scorer: RowScorer;
  readonly foldIn: LazyFoldIn;
  /** Over the items of the sample; absent where nothing is to be added to what the network says. */
  readonly profile?: AttributeProfile;
  /** Of a network whose users are their histories; false by default. */
  readonly foldsCheaply?: boolean;
}

/** Trained users are scored by their trained row, all others by the row that `foldIn` gives for their history. */
export function ncfUserModel({ scorer, foldIn, profile, foldsCheaply = false }: NcfUserModelParts): UserModel<UserRow> {
  return {
    name: scorer.name,
    foldsCheaply,
    prepare: () => foldIn.prepare(),
    fold: (history, user) => foldIn.row(history, user < 0 ? undefined : user),
    scoreTrained(user, history, items, scores) {
      scorer.score(user, items, scores);
      profile?.addTo(scores, history, items);
    },
    scoreFolded(row, history, items, scores) {
      scorer.scoreRow(row, items, scores);
      profile?.addTo(scores, history, items);
    },
    ...(profile && {
      attributeShare: (history, items, shares) => profile.addTo(shares.fill(0), history, items),
    }),
  };
}

/** A model that needs nothing of a user but the history. */
function historyUserModel(model: HistoryRecommender): UserModel<null> {
  return {
    name: model.name,
    foldsCheaply: true,
    prepare: () => {},
    fold: () => null,
    scoreTrained: (_user, history, items, scores) => model.scoreHistory(history, items, scores),
    scoreFolded: (_folded, history, items, scores) => model.scoreHistory(history, items, scores),
  };
}
