import { NcfError } from "../core/errors.ts";

/**
 * Partitioned, append-only topics with transactions: what the streaming design needs of Kafka, in Kafka's terms.
 *
 * - A keyed record goes to Kafka's default partition for its key (src/core/murmur2.ts), so the records of one key stay
 *   in order; records without a key are spread.
 * - Offsets ascend within a partition, but some hold no record (in Kafka, the markers that end transactions): a reader
 *   goes on at a batch's `nextOffset`, never at a count of records.
 * - A producer's commit writes records to several topics and a group's offsets, all or nothing, also across a crash.
 *   Opening a producer takes its transactional id from the former owner, whose next commit fails.
 *
 * A topic may be compacted: Kafka then removes, some time later, records after which another came with the same key, and
 * their offsets hold none from then on. Other logs keep them, so who wants the latest of each key folds the topic.
 *
 * Not offered: retention, headers, consumer groups that share out partitions.
 */

export interface TopicSettings {
  /**
   * Whose clock a record's time is from: `create`, the default, the producer's, who may give any; `append`, the log's own
   * when it takes the record, whatever the producer gave.
   */
  readonly timestamps?: "create" | "append";
  /** `compact`: the latest record of each key is enough, so every record needs a key. By default, all are kept. */
  readonly cleanup?: "keep" | "compact";
}

export interface NewRecord {
  readonly key: string | null;
  /** Null is Kafka's tombstone. */
  readonly value: Uint8Array | null;
  /** Ms since 1970; now by default. A topic of append times does not ask for it. */
  readonly timestampMs?: number;
}

export interface LogRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: string | null;
  readonly value: Uint8Array | null;
}

export interface LogBatch {
  readonly records: readonly LogRecord[];
  /** Where to read on: beyond the last record; beyond `fromOffset` even without a record where offsets hold none. */
  readonly nextOffset: number;
}

/** A record of a transaction. */
export interface TopicRecord extends NewRecord {
  readonly topic: string;
  /** By key, or spread, where it is not given. */
  readonly partition?: number;
}

/** How far a group has read a partition. */
export interface OffsetCommit {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** The next offset to read. */
  readonly offset: number;
  /** The group's own words, up to 4,096 bytes. */
  readonly metadata: string;
}

export interface CommittedOffset {
  readonly offset: number;
  readonly metadata: string;
}

export interface Transaction {
  readonly records: readonly TopicRecord[];
  readonly offsets: readonly OffsetCommit[];
}

export interface TransactionalProducer {
  /**
   * Writes the records and the offsets, all of them or none; when this resolves they outlive a crash and can be read.
   * One commit at a time.
   *
   * @throws NcfError `PRODUCER_FENCED` when another producer was opened with the id: nothing was written, and nothing will be
   * @throws NcfError `PRODUCER_BUSY` while the commit before has not settled, `PRODUCER_CLOSED`
   * @throws NcfError `TOPIC_UNKNOWN`, `PARTITION_UNKNOWN`, `RECORD_INVALID`: nothing was written
   */
  commit(transaction: Transaction): Promise<void>;
  close(): Promise<void>;
}

/**
 * Any method of a log that lies elsewhere may also throw NcfError `LOG_UNAVAILABLE`, when it does not answer (try again; of a
 * commit, open the producer again and look at what is committed), and `LOG_REFUSED`, when it turns the caller away.
 */
export interface InteractionLog {
  /**
   * Makes a topic; nothing happens when it is there, also with other settings.
   *
   * @returns whether it was made by this call
   * @throws NcfError `PARTITION_COUNT_CHANGED` when it is there with another number of partitions; `TOPIC_INVALID` for a
   *   name or number that Kafka would refuse
   */
  createTopic(topic: string, partitions: number, settings?: TopicSettings): Promise<boolean>;
  /** The number of partitions. @throws NcfError `TOPIC_UNKNOWN` */
  partitions(topic: string): Promise<number>;
  /**
   * Adds records outside any transaction, in order within each partition. When this resolves they can be read and
   * outlive the process; with `durable` (the default) also a power failure, without it only some time later.
   *
   * @throws NcfError `TOPIC_UNKNOWN`, `RECORD_INVALID`
   */
  append(topic: string, records: readonly NewRecord[], options?: { readonly durable?: boolean }): Promise<void>;
  /**
   * Up to `maxRecords` committed records at `fromOffset` or later, ascending; none at the end.
   *
   * @throws NcfError `TOPIC_UNKNOWN`, `PARTITION_UNKNOWN`; `OFFSET_OUT_OF_RANGE` before the first or beyond the end offset
   */
  read(topic: string, partition: number, fromOffset: number, maxRecords: number): Promise<LogBatch>;
  /** The first offset that is still there: 0, or what Kafka's retention left. */
  startOffset(topic: string, partition: number): Promise<number>;
  /** The offset that a record committed next would have, or a lower bound of it. A reader that got here has read all. */
  endOffset(topic: string, partition: number): Promise<number>;
  /** True as soon as `endOffset` is above `offset`; false when the time is up, `signal` is given or the log is closed. */
  waitForRecords(
    topic: string,
    partition: number,
    offset: number,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<boolean>;
  /**
   * Makes this the only producer with the id. What the former owner had committed, or was committing, is decided when
   * this resolves: fetch `committed` after it, not before.
   */
  openProducer(transactionalId: string): Promise<TransactionalProducer>;
  /** The latest committed offset; null before the first. */
  committed(group: string, topic: string, partition: number): Promise<CommittedOffset | null>;
  /** Ends waiting readers and producers, and what the log holds of files and connections. */
  close(): Promise<void>;
}

/** Kafka's default limits, which every log keeps. */
export const maxRecordBytes = 1_000_000;
export const maxMetadataBytes = 4_096;

const encoder = new TextEncoder();

/** @throws NcfError `TOPIC_INVALID` */
export function checkTopic(topic: string, partitions: number): void {
  if (!/^[A-Za-z0-9._-]{1,249}$/.test(topic) || topic === "." || topic === "..") {
    throw new NcfError(
      "TOPIC_INVALID",
      `expected a topic of 1 to 249 letters, digits, ".", "_" and "-", found "${topic}"`,
    );
  }
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > 10_000) {
    throw new NcfError("TOPIC_INVALID", `topic ${topic}: expected 1 to 10,000 partitions, found ${partitions}`);
  }
}

/** @throws NcfError `RECORD_INVALID` */
export function checkRecord(topic: string, { key, value, timestampMs }: NewRecord): void {
  const bytes = (key === null ? 0 : encoder.encode(key).length) + (value?.length ?? 0);
  if (bytes > maxRecordBytes) {
    throw new NcfError(
      "RECORD_INVALID",
      `topic ${topic}: expected a record of at most ${maxRecordBytes} bytes, found ${bytes}. Put what is large into the object store`,
    );
  }
  if (timestampMs !== undefined && !Number.isSafeInteger(timestampMs)) {
    throw new NcfError("RECORD_INVALID", `topic ${topic}: expected a time in whole milliseconds, found ${timestampMs}`);
  }
}

/** @throws NcfError `RECORD_INVALID` */
export function checkOffsetCommit({ group, topic, partition, offset, metadata }: OffsetCommit): void {
  const where = `group ${group}, topic ${topic}, partition ${partition}`;
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new NcfError("RECORD_INVALID", `${where}: expected an offset of 0 or more to commit, found ${offset}`);
  }
  const bytes = encoder.encode(metadata).length;
  if (bytes > maxMetadataBytes) {
    throw new NcfError(
      "RECORD_INVALID",
      `${where}: expected metadata of at most ${maxMetadataBytes} bytes, found ${bytes}. Put what is large into a record`,
    );
  }
}

/** What a caller is told who asks for a topic that the log does not have. */
export function topicUnknown(topic: string, known: Iterable<string>): NcfError {
  const names = [...known].sort().join(", ") || "none";
  return new NcfError(
    "TOPIC_UNKNOWN",
    `expected topic ${topic} in the log, found ${names}. Create it first, or check the name`,
  );
}

/** @throws NcfError `PARTITION_UNKNOWN` */
export function checkPartition(topic: string, partition: number, partitions: number): void {
  if (!Number.isInteger(partition) || partition < 0 || partition >= partitions) {
    throw new NcfError(
      "PARTITION_UNKNOWN",
      `topic ${topic}: expected a partition from 0 to ${partitions - 1}, found ${partition}`,
    );
  }
}

/** What a caller is told who wants a topic with another number of partitions than it has. */
export function partitionCountChanged(topic: string, expected: number, found: number): NcfError {
  return new NcfError(
    "PARTITION_COUNT_CHANGED",
    `topic ${topic}: expected ${expected} partitions, found ${found}. A key's records would no longer lie in one ` +
      `partition, so this cannot be changed in place: go on with ${found}, or rebuild: create a topic of another name ` +
      `with ${expected} partitions, replay the interactions into it and start a new group on it`,
  );
}

/** What a producer is told whose transactional id another one has taken. */
export function producerFenced(transactionalId: string, cause?: unknown): NcfError {
  return new NcfError(
    "PRODUCER_FENCED",
    `expected to be the only producer with transactional id ${transactionalId}, but another was opened after it. ` +
      "Nothing of this transaction was written. Stop: the other one has taken over this partition",
    { cause },
  );
}

/** What a reader is told whose offset the partition does not have. */
export function offsetOutOfRange(
  topic: string,
  partition: number,
  offset: number,
  start: number,
  end: number,
): NcfError {
  return new NcfError(
    "OFFSET_OUT_OF_RANGE",
    `topic ${topic}, partition ${partition}: expected an offset from ${start} to ${end}, found ${offset}. If the topic ` +
      "was deleted and made anew, start a new group; if its retention removed the records, start at its first offset",
    { data: { start, end } },
  );
}

/** The index of the first record at `offset` or later, of records that ascend; their number where there is none. */
export function firstFrom(records: readonly LogRecord[], offset: number): number {
  let [low, high] = [0, records.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (records[middle].offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
