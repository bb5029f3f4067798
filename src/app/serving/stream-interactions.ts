/**
 * What users did since, as far as a stream's processors have put it into snapshots of their partitions: for services without
 * access to the log. Such an answer is behind the stream by up to a snapshot's distance.
 */
import { NcfError } from "../../core/errors.ts";
import { labelOf, numericId } from "../../core/ids.ts";
import { partitionOfKey } from "../../core/murmur2.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { RecordedInteraction } from "./recorded-interactions.ts";
import { StoredSnapshot } from "./stored-histories.ts";

export interface StreamInteractionsDeps {
  readonly store: ObjectStore;
  /** The consumer group whose snapshots are read; null while there is none. */
  readonly group: () => Promise<string | null>;
  readonly monotonicMs: () => number;
  /** Newer snapshots are looked for after so long. */
  readonly refreshMs: number;
}

export class StreamInteractions {
  readonly #deps: StreamInteractionsDeps;
  /** By partition, the newest. */
  #snapshots: ReadonlyMap<number, StoredSnapshot> = new Map();
  #refreshedMs = Number.NEGATIVE_INFINITY;

  constructor(deps: StreamInteractionsDeps) {
    this.#deps = deps;
  }

  /**
   * The user's interactions in the order of the stream, what they did before it included; none where no snapshot holds them.
   *
   * @param labels of items whose ids are text
   * @throws NcfError `ID_INVALID`, `FILE_DAMAGED`, those of the store
   */
  async of(userId: string, labels: ReadonlyMap<number, string>): Promise<RecordedInteraction[]> {
    const history = await this.#historyOf(userId);
    if (history === null) return [];
    const { itemIds, timesMs } = history;
    return Array.from(itemIds, (id, i) => ({ itemId: labelOf(id, labels), timestampMs: timesMs[i] }));
  }

  async #historyOf(userId: string) {
    for (let again = false; ; again = true) {
      await this.refresh(again);
      const [any] = this.#snapshots.values();
      if (any === undefined) return null;
      const snapshot = this.#snapshots.get(partitionOfKey(userId, any.head.partitionCount));
      try {
        return (await snapshot?.historyOf(numericId(userId))) ?? null;
      } catch (error) {
        // Its processor has replaced it by a newer one.
        if (again || !(error instanceof NcfError && error.code === "OBJECT_NOT_FOUND")) throw error;
      }
    }
  }

  /**
   * Looks for newer snapshots, now or only where it is time to.
   *
   * @throws NcfError `FILE_DAMAGED`, those of the store
   */
  async refresh(now = false): Promise<void> {
    const nowMs = this.#deps.monotonicMs();
    if (!now && nowMs - this.#refreshedMs < this.#deps.refreshMs) return;
    const group = await this.#deps.group();
    const prefix = `snapshots/${group}/`;
    const newest = new Map<number, string>();
    for (const key of group === null ? [] : await this.#deps.store.list(prefix)) {
      const [, partition] = /^(\d+)\/\d+$/.exec(key.slice(prefix.length)) ?? [];
      // Ascending by offset.
      if (partition !== undefined) newest.set(Number(partition), key);
    }
    const opened = [...newest].map(async ([partition, key]) => {
      const known = this.#snapshots.get(partition);
      return [partition, known?.key === key ? known : await StoredSnapshot.open(this.#deps.store, key)] as const;
    });
    this.#snapshots = new Map(await Promise.all(opened));
    this.#refreshedMs = nowMs;
  }
}
