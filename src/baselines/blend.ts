/** What a hybrid weighs: the features of an item for a history. */
import { log } from "../core/math.ts";
import type { HistoryRecommender } from "../core/recommender.ts";
import type { Parts } from "./hybrid-parts.ts";

/** How many interactions make a history, and an item, half known. */
const halfKnownHistory = 10;
const halfKnownItem = 5;

export const blendFeatures = 9;

/**
 * With the history's length |h|, the item's users n, λ = |h| / (|h| + 10) and μ = n / (n + 5), the features are
 *
 *     p, p λ, c, c λ, c μ, t, t λ, t μ, μ
 *
 * where p = log(1 + n), t is the content-based score, and c the collaborative one, less its mean over all items and divided by
 * its standard deviation. So the weight of each part moves smoothly with how much is known of the user and the item; an
 * empty history has c = t = 0 and leaves popularity.
 */
export class Blend {
  readonly #collaborative: HistoryRecommender;
  readonly #content: HistoryRecommender;
  readonly #everything: Int32Array;
  /** Shape [items]: p and μ. */
  readonly #popularity: Float64Array;
  readonly #known: Float64Array;
  /** Shape [items]: of the request at hand. */
  readonly #scores: Float64Array;
  #tastes = new Float64Array(128);

  /** @param counts shape [items]: users in training */
  constructor({ collaborative, content }: Parts<HistoryRecommender>, counts: Int32Array) {
    this.#collaborative = collaborative;
    this.#content = content;
    this.#everything = Int32Array.from(counts.keys());
    this.#popularity = Float64Array.from(counts, (count) => log(1 + count));
    this.#known = Float64Array.from(counts, (count) => count / (count + halfKnownItem));
    this.#scores = new Float64Array(counts.length);
  }

  /** Writes the features of each item, shape [items asked for, features]. */
  features(history: Int32Array, items: Int32Array, features: Float64Array): void {
    const scores = this.#scores;
    this.#collaborative.scoreHistory(history, this.#everything, scores);
    const { mean, deviation } = spreadOf(scores);
    if (this.#tastes.length < items.length) this.#tastes = new Float64Array(2 * items.length);
    const tastes = this.#tastes;
    this.#content.scoreHistory(history, items, tastes);
    const knownUser = history.length / (history.length + halfKnownHistory);
    for (let i = 0; i < items.length; i++) {
      const [popularity, known] = [this.#popularity[items[i]], this.#known[items[i]]];
      const collaborative = (scores[items[i]] - mean) / deviation;
      const at = i * blendFeatures;
      features[at] = popularity;
      features[at + 1] = popularity * knownUser;
      features[at + 2] = collaborative;
      features[at + 3] = collaborative * knownUser;
      features[at + 4] = collaborative * known;
      features[at + 5] = tastes[i];
      features[at + 6] = tastes[i] * knownUser;
      features[at + 7] = tastes[i] * known;
      features[at + 8] = known;
    }
  }
}

/** Where all scores are equal, none of them lies off the mean. */
function spreadOf(scores: Float64Array): { mean: number; deviation: number } {
  if (scores.every((score) => score === scores[0])) return { mean: scores[0], deviation: 1 };
  let sum = 0;
  for (const score of scores) sum += score;
  const mean = sum / scores.length;
  let squares = 0;
  for (const score of scores) squares += (score - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / scores.length) };
}
