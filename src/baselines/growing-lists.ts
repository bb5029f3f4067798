/** Lists of integers that grow, one for each index: what an inverted index is made of. */

const firstCapacity = 4;

export class GrowingLists {
  readonly #values: Int32Array[] = [];
  readonly #lengths: number[] = [];

  length(index: number): number {
    return this.#lengths[index] ?? 0;
  }

  /** The list's values in the order in which they came; valid until the next `add`. */
  values(index: number): Int32Array {
    return this.#values[index]?.subarray(0, this.#lengths[index]) ?? new Int32Array(0);
  }

  add(index: number, value: number): void {
    while (this.#values.length <= index) {
      this.#values.push(new Int32Array(0));
      this.#lengths.push(0);
    }
    const length = this.#lengths[index];
    if (length === this.#values[index].length) {
      const grown = new Int32Array(Math.max(firstCapacity, 2 * length));
      grown.set(this.#values[index]);
      this.#values[index] = grown;
    }
    this.#values[index][length] = value;
    this.#lengths[index] = length + 1;
  }
}
