import type { IncrementalRecommender } from "../core/recommender.ts";
import type { Sample } from "../core/sample.ts";

/** Teaches a model all training interactions of a sample, user by user. */
export function learnSample<M extends IncrementalRecommender>(model: M, { train }: Pick<Sample, "train">): M {
  for (let user = 0; user + 1 < train.offsets.length; user++) {
    for (let i = train.offsets[user]; i < train.offsets[user + 1]; i++) {
      model.learn(user, train.items[i], train.timestampsMs[i]);
    }
  }
  return model;
}
