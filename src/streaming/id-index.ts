/** Dense indices for numeric ids, in order of first appearance. */
export class IdIndex {
  readonly #indices = new Map<number, number>();
  #ids = new Float64Array(64);

  get length(): number {
    return this.#indices.size;
  }

  idAt(index: number): number {
    return this.#ids[index];
  }

  /** −1 for an id that was never added. */
  find(id: number): number {
    return this.#indices.get(id) ?? -1;
  }

  findOrAdd(id: number): number {
    const known = this.#indices.get(id);
    if (known !== undefined) return known;
    const index = this.#indices.size;
    if (index === this.#ids.length) {
      const grown = new Float64Array(2 * index);
      grown.set(this.#ids);
      this.#ids = grown;
    }
    this.#ids[index] = id;
    this.#indices.set(id, index);
    return index;
  }
}
