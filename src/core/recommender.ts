/** What every model offers to evaluation and serving. */
export interface Recommender {
  readonly name: string;
  /**
   * Writes to `scores[i]` how much `user` is expected to like `items[i]`; higher is better, only the order counts.
   *
   * @param user index into the sample's users
   * @param items shape [n], indices into the sample's items
   * @param scores shape [n], written; a NaN is an error of the model
   */
  score(user: number, items: Int32Array, scores: Float64Array): void;
}

/** A recommender that learns from each interaction as it comes, in order of time, and at once takes it into account. */
export interface IncrementalRecommender extends Recommender {
  learn(user: number, item: number, timestampMs: number): void;
}

/**
 * A fitted model that scores from a history, so that it serves users whom fitting has not seen, and what users did since. It
 * never changes.
 */
export interface HistoryRecommender {
  readonly name: string;
  /**
   * As `Recommender.score`, for whoever has this history.
   *
   * @param history item indices, oldest first, none twice; may be empty
   */
  scoreHistory(history: Int32Array, items: Int32Array, scores: Float64Array): void;
}
