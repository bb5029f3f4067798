/** Interning: external ids (integers or text) to dense indices in order of first appearance. */
import { hash53, isIntegerId } from "../ids.ts";

/** Integer ids below this are looked up in an array, others in a map. */
const directLimit = 2 ** 22;
const encoder = new TextEncoder();

/** Gives each distinct id the next index. Ids that are not integers are held by their hash and keep their text. */
export class IdTable {
  #direct = new Int32Array(1024);
  #ids = new Float64Array(1024);
  #length = 0;
  readonly #byNumber = new Map<number, number>();
  readonly #byText = new Map<string, number>();
  /** Original text of the ids that are not integers, by numeric id. */
  labels = new Map<number, string>();
  /** Ids whose number was already taken by a different id; they share its index. */
  collisions = new Set<string>();

  /** Forgets all ids but keeps the memory. Labels and collisions handed out before stay as they are. */
  clear(): void {
    for (let index = 0; index < this.#length; index++) {
      if (this.#ids[index] < this.#direct.length) this.#direct[this.#ids[index]] = 0;
    }
    this.#length = 0;
    this.#byNumber.clear();
    this.#byText.clear();
    if (this.labels.size > 0) this.labels = new Map();
    if (this.collisions.size > 0) this.collisions = new Set();
  }

  get length(): number {
    return this.#length;
  }

  /** Integer id → index + 1, 0 for none; stale once a new id was added. */
  get slots(): Int32Array {
    return this.#direct;
  }

  /** Shape [length]: index → numeric id. */
  ids(): Float64Array {
    return this.#ids.slice(0, this.#length);
  }

  /** The index of the integer id `id` (0 … 2^53 − 1). */
  indexOf(id: number): number {
    if (id < this.#direct.length) {
      const slot = this.#direct[id];
      if (slot !== 0) return slot - 1;
    }
    return this.#findInteger(id);
  }

  /** The index of an id that was given to `indexOfText` before, −1 for any other. */
  knownIndexOfText(text: string): number {
    return this.#byText.get(text) ?? -1;
  }

  /** The index of an id given as text of 1 to 128 bytes. */
  indexOfText(text: string): number {
    let index = this.#byText.get(text) ?? -1;
    if (index >= 0) return index;
    index = isIntegerId(text) ? this.indexOf(Number(text)) : this.#indexOfLabel(text);
    this.#byText.set(text, index);
    return index;
  }

  #indexOfLabel(text: string): number {
    const id = hash53(encoder.encode(text));
    let index = this.#find(id);
    if (index >= 0) this.collisions.add(text);
    else {
      index = this.#append(id);
      this.#byNumber.set(id, index);
      this.labels.set(id, text);
    }
    return index;
  }

  #find(id: number): number {
    if (id < this.#direct.length && this.#direct[id] !== 0) return this.#direct[id] - 1;
    return this.#byNumber.get(id) ?? -1;
  }

  #findInteger(id: number): number {
    let index = this.#byNumber.get(id) ?? -1;
    if (index >= 0 && this.labels.has(id)) this.collisions.add(String(id));
    if (index < 0) {
      index = this.#append(id);
      if (id < directLimit) this.#setDirect(id, index);
      else this.#byNumber.set(id, index);
    }
    return index;
  }

  #setDirect(id: number, index: number): void {
    if (id >= this.#direct.length) {
      const grown = new Int32Array(Math.min(directLimit, 2 ** (32 - Math.clz32(id))));
      grown.set(this.#direct);
      this.#direct = grown;
    }
    this.#direct[id] = index + 1;
  }

  #append(id: number): number {
    if (this.#length === this.#ids.length) {
      const grown = new Float64Array(this.#length * 2);
      grown.set(this.#ids);
      this.#ids = grown;
    }
    this.#ids[this.#length] = id;
    return this.#length++;
  }
}
