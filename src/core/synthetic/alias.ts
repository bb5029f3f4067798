/** Constant-time draws from discrete distributions by the alias method (Walker 1977, in Vose's linear-time form). */
import type { Rng } from "../rng.ts";

/** A distribution over the entries of `values`. */
export class AliasTable {
  readonly #size: number;
  /** Shape [n · 3]: threshold, value and alias side by side, so that a draw touches one place in memory. */
  readonly #slots: Uint32Array;

  /**
   * @param values shape [n], what is drawn, 0 or more; n below 2^20
   * @param weights shape [n], 0 or more, at least one above 0
   */
  constructor(values: Int32Array, weights: Float64Array) {
    const n = values.length;
    this.#size = n;
    this.#slots = new Uint32Array(3 * n);
    let total = 0;
    for (let i = 0; i < n; i++) total += weights[i];
    const scaled = new Float64Array(n);
    const stack = new Int32Array(n);
    let small = 0;
    let large = n;
    for (let i = n - 1; i >= 0; i--) {
      scaled[i] = (weights[i] * n) / total;
      if (scaled[i] < 1) stack[small++] = i;
      else stack[--large] = i;
    }
    while (small > 0 && large < n) {
      const less = stack[--small];
      const more = stack[large];
      this.#set(less, scaled[less], values[less], values[more]);
      scaled[more] -= 1 - scaled[less];
      if (scaled[more] < 1) {
        large++;
        stack[small++] = more;
      }
    }
    // Only rounding leaves entries in either pile: their true share is 1.
    while (small > 0) this.#set(stack[--small], 1, values[stack[small]], values[stack[small]]);
    for (; large < n; large++) this.#set(stack[large], 1, values[stack[large]], values[stack[large]]);
  }

  #set(slot: number, share: number, value: number, alias: number): void {
    this.#slots[3 * slot] = Math.min(2 ** 32 - 1, Math.floor(share * 2 ** 32));
    this.#slots[3 * slot + 1] = value;
    this.#slots[3 * slot + 2] = alias;
  }

  /** A copy of what is drawn from, shape [n · 3]: threshold, value and alias of each slot. */
  slots(): Uint32Array {
    return this.#slots.slice();
  }

  draw(rng: Rng): number {
    return this.at(rng.bits());
  }

  /** What a 32-bit draw gives: it picks the slot and, by what is left of it, the side. */
  at(bits: number): number {
    const product = bits * this.#size;
    const slot = Math.floor(product / 2 ** 32);
    const rest = product - slot * 2 ** 32;
    return this.#slots[3 * slot + (rest < this.#slots[3 * slot] ? 1 : 2)];
  }
}
