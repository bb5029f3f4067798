/** One version of a model with what serving needs beside it. Nothing in it ever changes. */
import type { ItemDetails } from "../../core/ratings.ts";
import type { Recommender } from "../../core/recommender.ts";
import type { Sample } from "../../core/sample.ts";
import type { UserRow } from "../../ncf/user-row.ts";

/** A recommender that also scores for a user who has no row in the model. */
export interface RowRecommender extends Recommender {
  /** As `score`, for a user row by itself. */
  scoreRow(row: UserRow, items: Int32Array, scores: Float64Array): void;
}

/** What makes a user row of a history. */
export interface HistoryFolding {
  /** @param history item indices of the sample, oldest first */
  row(history: Int32Array): UserRow;
}

export interface ServedModel {
  /** Names this version of the model; another one has another name. */
  readonly version: string;
  readonly dataset: { readonly name: string; readonly generated: boolean };
  readonly sample: Sample;
  /** Titles and genres, as far as the source lists them. */
  readonly items: readonly ItemDetails[];
  readonly scorer: RowRecommender;
  readonly foldIn: HistoryFolding;
}
