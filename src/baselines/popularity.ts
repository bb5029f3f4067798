/** The baseline that any model must beat: the items with the most training interactions, the same for everybody. */
import { trainingCounts } from "../core/leave-one-out.ts";
import type { Recommender } from "../core/recommender.ts";
import type { Sample } from "../core/sample.ts";

export class Popularity implements Recommender {
  readonly name = "popularity";
  /** Shape [items]. */
  readonly #counts: Int32Array;

  constructor(sample: Sample) {
    this.#counts = trainingCounts(sample);
  }

  score(_user: number, items: Int32Array, scores: Float64Array): void {
    for (let i = 0; i < items.length; i++) scores[i] = this.#counts[items[i]];
  }
}
