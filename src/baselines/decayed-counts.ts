/**
 * Counts that forget: an interaction counts 2^(−age / halfLife).
 *
 * Only ratios matter for a ranking, so instead of shrinking every count as time goes by, a new interaction counts
 * 2^((t − t0) / halfLife) times as much as one at t0; the counts are scaled down before they could overflow. An interaction
 * costs O(1).
 */
import { pow } from "../core/math.ts";
import type { UserHistories } from "../core/sample.ts";

/** Half-lives after which counts are scaled down: far below the 1,023 binary orders of a float64. */
const rescaleAfter = 512;

export class DecayedCounts {
  /** Shape [items]: up to a factor that is the same for all. */
  readonly values: Float64Array;
  readonly #halfLifeMs: number;
  /** The time at which an interaction counts 1. */
  #originMs = Number.NaN;

  constructor(items: number, halfLifeMs: number) {
    this.values = new Float64Array(items);
    this.#halfLifeMs = halfLifeMs;
  }

  add(item: number, timestampMs: number): void {
    if (Number.isNaN(this.#originMs)) this.#originMs = timestampMs;
    let halfLives = (timestampMs - this.#originMs) / this.#halfLifeMs;
    if (halfLives > rescaleAfter) {
      const factor = pow(2, -halfLives);
      for (let i = 0; i < this.values.length; i++) this.values[i] *= factor;
      this.#originMs = timestampMs;
      halfLives = 0;
    }
    this.values[item] += pow(2, halfLives);
  }

  /** Shape [items]: what the counts have become by a time. */
  asOf(timestampMs: number): Float64Array {
    const factor = pow(2, (this.#originMs - timestampMs) / this.#halfLifeMs);
    return this.values.map((value) => value * factor);
  }
}

/** Shape [items]: the decayed counts of all interactions of the histories, as of the newest. */
export function decayedCounts(
  { items, timestampsMs }: Pick<UserHistories, "items" | "timestampsMs">,
  catalogueSize: number,
  halfLifeMs: number,
): Float64Array {
  const counts = new DecayedCounts(catalogueSize, halfLifeMs);
  let newestMs = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < items.length; i++) {
    counts.add(items[i], timestampsMs[i]);
    newestMs = Math.max(newestMs, timestampsMs[i]);
  }
  return items.length === 0 ? counts.values : counts.asOf(newestMs);
}
