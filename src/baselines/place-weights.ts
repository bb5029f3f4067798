import { pow } from "../core/math.ts";

/** How much each place of a history counts: (1 + newer items)^−power, so that the newest counts 1; power 0 counts all alike. */
export class PlaceWeights {
  readonly #power: number;
  /** The newest last. */
  #weights = new Float64Array(0);

  constructor(power: number) {
    this.#power = power;
  }

  /** Shape [length], the oldest first; to be read only. */
  of(length: number): Float64Array {
    if (length > this.#weights.length) {
      const count = 2 * length;
      this.#weights = Float64Array.from({ length: count }, (_, i) => pow(count - i, -this.#power));
    }
    return this.#weights.subarray(this.#weights.length - length);
  }
}
