/** One version of a model with what serving needs beside it. Nothing in it ever changes. */
import type { ItemDetails } from "../../core/ratings.ts";
import type { Sample } from "../../core/sample.ts";
import type { UserModel } from "../../core/user-model.ts";
import type { TrainedModel } from "../../ncf/model.ts";
import type { RowScorer } from "../../ncf/wasm/scorer.ts";
import type { JudgedMetrics } from "../../ports/model-registry.ts";
import { type FittedModel, userModelOf } from "../fitted-model.ts";
import type { TrainedHistories } from "./trained-histories.ts";

/** What answers are made of. */
export interface ServedParts {
  readonly userModel: UserModel;
  /** Users and items by index. */
  readonly sample: Pick<Sample, "userIds" | "itemIds" | "userLabels" | "itemLabels">;
  readonly histories: TrainedHistories;
  /** Titles and genres, as far as the source lists them. */
  readonly items: readonly ItemDetails[];
}

export interface ServedModel extends ServedParts {
  /** Names this version of the model; another one has another name. */
  readonly version: string;
  readonly dataset: { readonly name: string; readonly generated: boolean };
  /** Of a registry's champion: how often the champion has moved, and how its settings were judged. */
  readonly published?: { readonly revision: number; readonly judged: JudgedMetrics | null };
}

/** What scores, and beside it what it was made of. */
export function servedParts(
  createScorer: (model: TrainedModel) => RowScorer,
  fitted: FittedModel,
  { sample, histories, items }: Pick<ServedParts, "sample" | "histories" | "items">,
): ServedParts {
  const trainedOn = { itemIds: sample.itemIds, itemCounts: histories.itemCounts };
  return { sample, histories, items, userModel: userModelOf(createScorer, fitted, trainedOn, items) };
}
