/** Constant-time draws from discrete distributions by the alias method (Walker 1977, in Vose's linear-time form). */
import { mulHigh, type Rng } from "../rng.ts";

/** A distribution over the entries of `values`. */
export class AliasTable {
  readonly #values: Int32Array;
  readonly #aliases: Int32Array;
  readonly #thresholds: Float64Array;

  /**
   * @param values shape [n], what is drawn
   * @param weights shape [n], 0 or more, at least one above 0
   */
  constructor(values: Int32Array, weights: Float64Array) {
    const n = values.length;
    this.#values = values;
    this.#aliases = new Int32Array(n);
    this.#thresholds = new Float64Array(n);
    let total = 0;
    for (let i = 0; i < n; i++) total += weights[i];
    const scaled = weights.map((weight) => (weight * n) / total);
    const stack = new Int32Array(n);
    let small = 0;
    let large = n;
    for (let i = n - 1; i >= 0; i--) {
      if (scaled[i] < 1) stack[small++] = i;
      else stack[--large] = i;
    }
    while (small > 0 && large < n) {
      const less = stack[--small];
      const more = stack[large];
      this.#thresholds[less] = scaled[less] * 2 ** 32;
      this.#aliases[less] = values[more];
      scaled[more] -= 1 - scaled[less];
      if (scaled[more] < 1) {
        large++;
        stack[small++] = more;
      }
    }
    // Only rounding leaves entries here: their true share is 1.
    while (small > 0) this.#thresholds[stack[--small]] = 2 ** 32;
    while (large < n) this.#thresholds[stack[large++]] = 2 ** 32;
  }

  draw(rng: Rng): number {
    const slot = mulHigh(rng.bits(), this.#values.length);
    return rng.bits() < this.#thresholds[slot] ? this.#values[slot] : this.#aliases[slot];
  }
}
