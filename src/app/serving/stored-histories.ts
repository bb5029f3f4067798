/** What users did before a model was made, in its snapshot 0 in the object store: a range request gets a user's. */
import { indexOfId } from "../../core/ids.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { bucketOf, decodeBucket } from "../../streaming/history-snapshot.ts";
import { decodeSnapshotHead, type SnapshotHead, snapshotHeadBytes } from "../../streaming/snapshot-head.ts";
import type { UserHistory } from "../../streaming/user-histories.ts";
import type { DecodedVersion } from "../published-model.ts";
import type { TrainedHistories, TrainedHistory } from "./trained-histories.ts";

/** Users whose histories are kept: a few MB. */
const keptUsers = 1000;

const nothing: TrainedHistory = { items: new Int32Array(0), timestampsMs: new Float64Array(0) };

/** A snapshot of which only the head is in memory. */
export class StoredSnapshot {
  readonly key: string;
  readonly head: SnapshotHead;
  readonly #store: ObjectStore;

  /** @throws NcfError `OBJECT_NOT_FOUND`, `FILE_DAMAGED`, `FILE_FOREIGN`, `FILE_VERSION` */
  static async open(store: ObjectStore, key: string): Promise<StoredSnapshot> {
    return new StoredSnapshot(store, key, decodeSnapshotHead(await store.getRange(key, 0, snapshotHeadBytes), key));
  }

  private constructor(store: ObjectStore, key: string, head: SnapshotHead) {
    this.#store = store;
    this.key = key;
    this.head = head;
  }

  /** Null for a user whom it does not hold. @throws NcfError `OBJECT_NOT_FOUND`, `FILE_DAMAGED` */
  async historyOf(userId: number): Promise<UserHistory | null> {
    const bucket = bucketOf(userId);
    const [start, end] = [this.head.bucketStarts[bucket], this.head.bucketStarts[bucket + 1]];
    if (start === end) return null;
    const bytes = await this.#store.getRange(this.key, start, end);
    return decodeBucket(this.head, bucket, bytes, this.key).get(userId) ?? null;
  }
}

export class StoredHistories implements TrainedHistories {
  readonly itemCounts: Int32Array;
  readonly interactions: number;
  readonly #snapshot: StoredSnapshot;
  readonly #sample: DecodedVersion["sample"];
  readonly #userCounts: readonly number[];
  /** By user, those asked for last at the end. */
  readonly #loaded = new Map<number, TrainedHistory>();

  constructor(
    snapshot: StoredSnapshot,
    sample: DecodedVersion["sample"],
    counts: NonNullable<DecodedVersion["counts"]>,
  ) {
    this.#snapshot = snapshot;
    this.#sample = sample;
    this.#userCounts = counts.users;
    this.itemCounts = Int32Array.from(counts.items);
    this.interactions = snapshot.head.entries;
  }

  count(user: number): number {
    return this.#userCounts[user];
  }

  of(user: number): TrainedHistory {
    const found = this.#loaded.get(user);
    if (found === undefined) throw new Error(`expected user ${user} to be loaded, found that nobody asked`);
    return found;
  }

  async load(user: number): Promise<void> {
    const loaded = this.#loaded.get(user) ?? this.#indexed(await this.#snapshot.historyOf(this.#sample.userIds[user]));
    this.#loaded.delete(user);
    this.#loaded.set(user, loaded);
    if (this.#loaded.size <= keptUsers) return;
    for (const oldest of this.#loaded.keys()) {
      this.#loaded.delete(oldest);
      break;
    }
  }

  #indexed(history: UserHistory | null): TrainedHistory {
    if (history === null) return nothing;
    const { itemIds, timesMs } = history;
    return { items: Int32Array.from(itemIds, (id) => indexOfId(this.#sample.itemIds, id)), timestampsMs: timesMs };
  }
}
