/**
 * Popularity that forgets: an interaction counts 2^(−age / halfLife). The same favourites for everybody, but this month's.
 *
 * Only ratios count for a ranking, so instead of shrinking every sum as time goes by, a new interaction counts
 * 2^((t − t0) / halfLife) more than one at t0; the sums are scaled down before they could overflow. An interaction costs
 * O(1), a score too.
 */
import { pow } from "../core/math.ts";
import type { IncrementalRecommender } from "../core/recommender.ts";

/** Half-lives after which sums are scaled down: far below the 1,023 binary orders of a float64. */
const rescaleAfter = 512;

export class DecayedPopularity implements IncrementalRecommender {
  readonly name = "decayed-popularity";
  /** Shape [items]. */
  readonly #sums: Float64Array;
  readonly #halfLifeMs: number;
  /** The time at which an interaction counts 1. */
  #originMs = Number.NaN;

  constructor(items: number, halfLifeMs: number) {
    this.#sums = new Float64Array(items);
    this.#halfLifeMs = halfLifeMs;
  }

  learn(_user: number, item: number, timestampMs: number): void {
    if (Number.isNaN(this.#originMs)) this.#originMs = timestampMs;
    let halfLives = (timestampMs - this.#originMs) / this.#halfLifeMs;
    if (halfLives > rescaleAfter) {
      const factor = pow(2, -halfLives);
      for (let i = 0; i < this.#sums.length; i++) this.#sums[i] *= factor;
      this.#originMs = timestampMs;
      halfLives = 0;
    }
    this.#sums[item] += pow(2, halfLives);
  }

  score(_user: number, items: Int32Array, scores: Float64Array): void {
    for (let i = 0; i < items.length; i++) scores[i] = this.#sums[items[i]];
  }
}
