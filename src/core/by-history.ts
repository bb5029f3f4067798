import type { HistoryRecommender, Recommender } from "./recommender.ts";
import type { Sample } from "./sample.ts";

/** The model as one of the sample's users, each of whom has the history of their training interactions. */
export function byTrainingHistory(model: HistoryRecommender, { train }: Pick<Sample, "train">): Recommender {
  const { offsets, items: trained } = train;
  return {
    name: model.name,
    score: (user, items, scores) =>
      model.scoreHistory(trained.subarray(offsets[user], offsets[user + 1]), items, scores),
  };
}
