/** A worker's snapshots in the object store, named by the offset that they stand at. */
import type { ObjectStore } from "../../ports/object-store.ts";

/** Digits of an offset in a name, so that names sort by offset. */
const offsetDigits = 16;
/** The newest, and one that a worker which is taking over may be about to read. */
const keptSnapshots = 2;

/** After a snapshot that could not be stored, this share of the usual distance counts as gone already. */
export const retrySnapshotAfter = 0.9;

export interface FoundSnapshot {
  readonly key: string;
  readonly bytes: Uint8Array;
}

export class Snapshots {
  readonly #store: ObjectStore;
  readonly #prefix: string;

  /** @param prefix such as "snapshots/group/0/" */
  constructor(store: ObjectStore, prefix: string) {
    this.#store = store;
    this.#prefix = prefix;
  }

  /**
   * The newest snapshot at or below the committed offset, or null. Removes those beyond it: they are of a log that was made
   * anew or set back, and would be taken for this one's as soon as it gets there.
   */
  async newest(committed: number): Promise<FoundSnapshot | null> {
    const limit = this.#key(committed);
    const keys = await this.#keys();
    for (const key of keys) if (key > limit) await this.#store.delete(key);
    const key = keys.findLast((found) => found <= limit);
    return key === undefined ? null : { key, bytes: await this.#store.get(key) };
  }

  async none(): Promise<boolean> {
    return (await this.#keys()).length === 0;
  }

  /** Stores one that stands at a committed offset, and removes those that nobody needs any more. */
  async write(offset: number, bytes: Uint8Array): Promise<void> {
    await this.#store.put(this.#key(offset), bytes);
    for (const key of (await this.#keys()).slice(0, -keptSnapshots)) await this.#store.delete(key);
  }

  /** Oldest first. */
  async #keys(): Promise<string[]> {
    const { length } = this.#key(0);
    return (await this.#store.list(this.#prefix)).filter((key) => key.length === length);
  }

  #key(offset: number): string {
    return `${this.#prefix}${String(offset).padStart(offsetDigits, "0")}`;
  }
}
