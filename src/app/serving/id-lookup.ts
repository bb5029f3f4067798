import { indexOfId, labelOf, numericId } from "../../core/ids.ts";

/** Finds the dense index of an id in a sample's ascending list, and the id as the source wrote it. */
export class IdLookup {
  readonly #ids: Float64Array;
  readonly #labels: ReadonlyMap<number, string>;

  /** @param ids ascending */
  constructor(ids: Float64Array, labels: ReadonlyMap<number, string>) {
    this.#ids = ids;
    this.#labels = labels;
  }

  get length(): number {
    return this.#ids.length;
  }

  /** −1 for an id that is not in the list. @throws NcfError `ID_INVALID` */
  indexOf(id: string): number {
    return this.indexOfNumber(numericId(id));
  }

  /** The index of a numeric id, −1 for none. */
  indexOfNumber(id: number): number {
    return indexOfId(this.#ids, id);
  }

  textOf(index: number): string {
    return labelOf(this.#ids[index], this.#labels);
  }
}
