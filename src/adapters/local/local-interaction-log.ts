/** What the logs in memory and in a file have in common: checks, placement of records, fencing, waiting. */
import { NcfError } from "../../core/errors.ts";
import { partitionOfKey } from "../../core/murmur2.ts";
import {
  type CommittedOffset,
  checkOffsetCommit,
  checkPartition,
  checkRecord,
  checkTopic,
  type InteractionLog,
  type LogBatch,
  type NewRecord,
  type OffsetCommit,
  offsetOutOfRange,
  partitionCountChanged,
  producerFenced,
  type TopicSettings,
  type Transaction,
  type TransactionalProducer,
  topicUnknown,
} from "../../ports/interaction-log.ts";

export interface LocalLogOptions {
  /** The time of records that bring none, ms since 1970; the system's clock by default. */
  readonly nowMs?: () => number;
}

/** A checked record and its place. */
export interface PlacedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly timestampMs: number;
  readonly key: string | null;
  readonly value: Uint8Array | null;
}

export interface LogWrite {
  readonly records: readonly PlacedRecord[];
  readonly offsets: readonly OffsetCommit[];
  readonly transactional: boolean;
  readonly durable: boolean;
}

/** What is known of a topic; these logs compact none. */
export interface LocalTopic {
  readonly partitions: number;
  readonly timestamps: "create" | "append";
}

/** Where a log keeps what it was given. Arguments are checked already. */
export interface LogStorage {
  readonly topics: ReadonlyMap<string, LocalTopic>;
  createTopic(name: string, topic: LocalTopic): Promise<void>;
  /** Writes all or nothing, in the order of the calls; visible to `read`, `endOffset` and `committed` when it resolves. */
  write(write: LogWrite): Promise<void>;
  /** Settles when every write called before has. */
  settled(): Promise<void>;
  read(topic: string, partition: number, fromOffset: number, maxRecords: number): Promise<LogBatch>;
  endOffset(topic: string, partition: number): number;
  committed(group: string, topic: string, partition: number): CommittedOffset | null;
  close(): Promise<void>;
}

export class LocalInteractionLog implements InteractionLog {
  readonly #storage: LogStorage;
  readonly #nowMs: () => number;
  /** How often each transactional id was opened: the latest opening owns it. */
  readonly #openings = new Map<string, number>();
  readonly #waiting = new Set<() => void>();
  #topicsMade: Promise<unknown> = Promise.resolve();
  #withoutKey = 0;
  #closed = false;

  constructor(storage: LogStorage, { nowMs = Date.now }: LocalLogOptions) {
    this.#storage = storage;
    this.#nowMs = nowMs;
  }

  createTopic(topic: string, partitions: number, { timestamps = "create" }: TopicSettings = {}): Promise<boolean> {
    // One after the other, so that of two creations in the same moment the second sees the first.
    const made = this.#topicsMade.then(async () => {
      this.#checkOpen();
      checkTopic(topic, partitions);
      const found = this.#storage.topics.get(topic);
      if (found === undefined) await this.#storage.createTopic(topic, { partitions, timestamps });
      else if (found.partitions !== partitions) throw partitionCountChanged(topic, partitions, found.partitions);
      return found === undefined;
    });
    this.#topicsMade = made.catch(() => undefined);
    return made;
  }

  async partitions(topic: string): Promise<number> {
    this.#checkOpen();
    return this.#topic(topic).partitions;
  }

  async append(topic: string, records: readonly NewRecord[], { durable = true } = {}): Promise<void> {
    this.#checkOpen();
    const placed = records.map((record) => this.#place({ ...record, topic }));
    if (placed.length > 0) await this.#write({ records: placed, offsets: [], transactional: false, durable });
  }

  async read(topic: string, partition: number, fromOffset: number, maxRecords: number): Promise<LogBatch> {
    const end = await this.endOffset(topic, partition);
    if (!Number.isInteger(fromOffset) || fromOffset < 0 || fromOffset > end) {
      throw offsetOutOfRange(topic, partition, fromOffset, 0, end);
    }
    return this.#storage.read(topic, partition, fromOffset, maxRecords);
  }

  async startOffset(topic: string, partition: number): Promise<number> {
    await this.endOffset(topic, partition);
    return 0;
  }

  async endOffset(topic: string, partition: number): Promise<number> {
    this.#checkOpen();
    checkPartition(topic, partition, this.#topic(topic).partitions);
    return this.#storage.endOffset(topic, partition);
  }

  async waitForRecords(
    topic: string,
    partition: number,
    offset: number,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<boolean> {
    if ((await this.endOffset(topic, partition)) > offset) return true;
    return new Promise((resolve) => {
      const settle = (found: boolean) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", giveUp);
        this.#waiting.delete(look);
        resolve(found);
      };
      const giveUp = () => settle(false);
      const look = () => {
        if (this.#closed) giveUp();
        else if (this.#storage.endOffset(topic, partition) > offset) settle(true);
      };
      const timer = setTimeout(giveUp, timeoutMs);
      signal?.addEventListener("abort", giveUp);
      this.#waiting.add(look);
      if (signal?.aborted === true) giveUp();
      else look();
    });
  }

  async openProducer(transactionalId: string): Promise<TransactionalProducer> {
    this.#checkOpen();
    const opening = (this.#openings.get(transactionalId) ?? 0) + 1;
    this.#openings.set(transactionalId, opening);
    await this.#storage.settled();
    let state: "idle" | "busy" | "closed" = "idle";
    return {
      commit: async (transaction) => {
        if (this.#openings.get(transactionalId) !== opening) throw producerFenced(transactionalId);
        if (state !== "idle" || this.#closed) throw notIdle(transactionalId, state);
        state = "busy";
        try {
          await this.#commit(transaction);
        } finally {
          if (state === "busy") state = "idle";
        }
      },
      close: async () => {
        state = "closed";
        await this.#storage.settled();
      },
    };
  }

  async committed(group: string, topic: string, partition: number): Promise<CommittedOffset | null> {
    this.#checkOpen();
    return this.#storage.committed(group, topic, partition);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const look of this.#waiting) look();
    await this.#storage.settled();
    await this.#storage.close();
  }

  async #commit({ records, offsets }: Transaction): Promise<void> {
    for (const commit of offsets) {
      checkPartition(commit.topic, commit.partition, this.#topic(commit.topic).partitions);
      checkOffsetCommit(commit);
    }
    const placed = records.map((record) => this.#place(record));
    if (placed.length + offsets.length === 0) return;
    await this.#write({ records: placed, offsets, transactional: true, durable: true });
  }

  async #write(write: LogWrite): Promise<void> {
    await this.#storage.write(write);
    for (const look of this.#waiting) look();
  }

  #place(record: NewRecord & { readonly topic: string; readonly partition?: number }): PlacedRecord {
    const { topic, key, value } = record;
    const { partitions, timestamps } = this.#topic(topic);
    checkRecord(topic, record);
    const timestampMs = timestamps === "append" ? this.#nowMs() : (record.timestampMs ?? this.#nowMs());
    let { partition } = record;
    if (partition !== undefined) checkPartition(topic, partition, partitions);
    else if (key !== null) partition = partitionOfKey(key, partitions);
    else partition = this.#withoutKey++ % partitions;
    return { topic, partition, timestampMs, key, value };
  }

  #topic(name: string): LocalTopic {
    const topic = this.#storage.topics.get(name);
    if (topic === undefined) throw topicUnknown(name, this.#storage.topics.keys());
    return topic;
  }

  #checkOpen(): void {
    if (this.#closed) throw new NcfError("LOG_CLOSED", "expected an open log, but it was closed. Open it again");
  }
}

function notIdle(transactionalId: string, state: "idle" | "busy" | "closed"): NcfError {
  if (state === "busy") {
    return new NcfError(
      "PRODUCER_BUSY",
      `producer ${transactionalId}: expected one commit at a time, found one that has not settled. Await it first`,
    );
  }
  return new NcfError(
    "PRODUCER_CLOSED",
    `producer ${transactionalId}: expected it open, but it was closed. Open another`,
  );
}
