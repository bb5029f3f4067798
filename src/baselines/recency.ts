import { pow } from "../core/math.ts";

/**
 * How much the items of a history count by their place in it: the newest 1, and half as much after every `halfLife` newer
 * ones.
 */
export class RecencyWeights {
  readonly #halfLife: number | null;
  /** By the number of newer items. */
  readonly #weights: number[] = [];

  /** @param halfLife in places; null lets all count 1 */
  constructor(halfLife: number | null) {
    this.#halfLife = halfLife;
  }

  of(newer: number): number {
    if (this.#halfLife === null) return 1;
    while (this.#weights.length <= newer) this.#weights.push(pow(2, -this.#weights.length / this.#halfLife));
    return this.#weights[newer];
  }
}
