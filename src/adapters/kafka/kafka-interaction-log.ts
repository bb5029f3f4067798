/**
 * The interaction log on Kafka, from version 2.4 on; tested with 4.3.
 *
 * Readers see what is committed, up to the last stable offset: the end of the log, or the first record of the oldest
 * transaction that is still open. Appends wait for all in-sync replicas, durable or not, and are sent again while brokers
 * are away; those know a repeated batch by its number.
 *
 * Our groups have no members, so a broker forgets a committed offset that was not committed anew for its
 * `offsets.retention.minutes`, 7 days by default.
 */
import { setMaxListeners } from "node:events";
import { NcfError } from "../../core/errors.ts";
import { partitionOfKey } from "../../core/murmur2.ts";
import {
  type CommittedOffset,
  checkOffsetCommit,
  checkPartition,
  checkRecord,
  checkTopic,
  firstFrom,
  type InteractionLog,
  type LogBatch,
  type LogRecord,
  type NewRecord,
  offsetOutOfRange,
  partitionCountChanged,
  type TopicSettings,
  type Transaction,
  type TransactionalProducer,
  topicUnknown,
} from "../../ports/interaction-log.ts";
import { KafkaClient, logClosed, PartitionLeaders, readCommitted, sleep } from "./kafka-client.ts";
import type { KafkaConnection } from "./kafka-connection.ts";
import { failureOf } from "./kafka-failures.ts";
import { KafkaProducer } from "./kafka-producer.ts";
import { committedRecords, messageOf, type PlacedRecord } from "./kafka-records.ts";
import { TopicAppender } from "./topic-appender.ts";

export interface KafkaLogOptions extends KafkaConnection {
  /** How long a request is repeated while brokers are away or change. */
  readonly retryMs?: number;
  /** How long a transaction may stay open, and hold back readers, when its producer has perished. */
  readonly transactionTimeoutMs?: number;
  /** Copies of each record in topics that are made here; by default as the broker is set. */
  readonly replicationFactor?: number;
  /** The time of records that bring none, ms since 1970; the system's clock by default. */
  readonly nowMs?: () => number;
}

/** Records that were fetched from one partition, and not read yet. */
interface Chunk {
  readonly fromOffset: number;
  readonly records: readonly LogRecord[];
  readonly nextOffset: number;
}

const earliest = -2;
const latest = -1;
const fetchBytes = 1_000_000;
const createTimeoutMs = 30_000;

export class KafkaInteractionLog implements InteractionLog {
  readonly #options: KafkaLogOptions;
  readonly #nowMs: () => number;
  readonly #client: KafkaClient;
  readonly #leaders: PartitionLeaders;
  readonly #producers = new Set<KafkaProducer>();
  /** Connections of producers that are being opened. */
  readonly #opening = new Set<KafkaClient>();
  readonly #appenders = new Map<string, TopicAppender>();
  readonly #chunks = new Map<string, Chunk>();
  #withoutKey = 0;
  readonly #closing = new AbortController();

  private constructor(options: KafkaLogOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
    // One for each partition that is waited for.
    setMaxListeners(0, this.#closing.signal);
    this.#client = this.#newClient();
    this.#leaders = new PartitionLeaders(this.#client);
  }

  /** @throws NcfError `LOG_UNAVAILABLE` when no broker answers, `LOG_REFUSED` when they turn us away */
  static async open(options: KafkaLogOptions): Promise<KafkaInteractionLog> {
    const log = new KafkaInteractionLog(options);
    try {
      await log.#client.connect();
    } catch (error) {
      await log.close();
      throw error;
    }
    return log;
  }

  async createTopic(topic: string, partitions: number, settings: TopicSettings = {}): Promise<boolean> {
    this.#checkOpen();
    checkTopic(topic, partitions);
    let leaders = await this.#client.leaders(topic);
    let made = false;
    if (leaders === null) {
      made = await this.#create(topic, partitions, settings);
      // The controller has it before the brokers know.
      const deadline = performance.now() + createTimeoutMs;
      for (let pauseMs = 2; ; pauseMs = Math.min(2 * pauseMs, 200)) {
        leaders = await this.#client.leaders(topic);
        if (leaders?.every((leader) => leader >= 0)) break;
        if (performance.now() > deadline) throw topicUnknown(topic, await this.#client.topics());
        await sleep(pauseMs, this.#closing.signal);
      }
    }
    if (leaders.length !== partitions) throw partitionCountChanged(topic, partitions, leaders.length);
    return made;
  }

  async partitions(topic: string): Promise<number> {
    this.#checkOpen();
    return (await this.#leaders.refresh(topic)).length;
  }

  async append(topic: string, records: readonly NewRecord[]): Promise<void> {
    this.#checkOpen();
    let appender = this.#appenders.get(topic);
    if (appender === undefined) {
      appender = new TopicAppender(this.#client, this.#leaders);
      this.#appenders.set(topic, appender);
    }
    const own = records.map((record) => ({ ...record, value: record.value && Buffer.from(record.value) }));
    await appender.append(async () => {
      const { length } = await this.#leaders.of(topic);
      return own.map((record) => this.#place(topic, record, length));
    });
  }

  async read(topic: string, partition: number, fromOffset: number, maxRecords: number): Promise<LogBatch> {
    await this.#check(topic, partition);
    if (!Number.isSafeInteger(fromOffset) || fromOffset < 0) throw await this.#outOfRange(topic, partition, fromOffset);
    const key = `${topic}/${partition}`;
    const records: LogRecord[] = [];
    let nextOffset = fromOffset;
    while (records.length < maxRecords) {
      let chunk = this.#chunks.get(key);
      if (chunk === undefined || nextOffset < chunk.fromOffset || nextOffset >= chunk.nextOffset) {
        const fetched = await this.#fetch(topic, partition, nextOffset);
        if (fetched === null) break;
        chunk = fetched;
        this.#chunks.set(key, chunk);
      }
      const start = firstFrom(chunk.records, nextOffset);
      const found = chunk.records.slice(start, start + maxRecords - records.length);
      records.push(...withOwnBytes(found));
      if (start + found.length < chunk.records.length) {
        nextOffset = chunk.records[start + found.length].offset;
      } else {
        nextOffset = chunk.nextOffset;
        if (this.#chunks.get(key) === chunk) this.#chunks.delete(key);
      }
    }
    return { records, nextOffset };
  }

  async startOffset(topic: string, partition: number): Promise<number> {
    await this.#check(topic, partition);
    return this.#offsetAt(topic, partition, earliest);
  }

  async endOffset(topic: string, partition: number): Promise<number> {
    await this.#check(topic, partition);
    return this.#offsetAt(topic, partition, latest);
  }

  async waitForRecords(
    topic: string,
    partition: number,
    offset: number,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<boolean> {
    await this.#check(topic, partition);
    const deadline = performance.now() + timeoutMs;
    // Asked for, not waited for at the broker: a request that waits there holds back all others of its connection.
    for (let pauseMs = 5; ; pauseMs = Math.min(1.5 * pauseMs, 100)) {
      try {
        if ((await this.#offsetAt(topic, partition, latest)) > offset) return true;
      } catch (error) {
        if (this.#closing.signal.aborted) return false;
        throw error;
      }
      const leftMs = deadline - performance.now();
      if (leftMs <= 0 || signal?.aborted || this.#closing.signal.aborted) return false;
      await sleep(Math.min(pauseMs, leftMs), signal, this.#closing.signal);
      if (signal?.aborted || this.#closing.signal.aborted) return false;
    }
  }

  async openProducer(transactionalId: string): Promise<TransactionalProducer> {
    this.#checkOpen();
    const client = this.#newClient();
    const timeoutMs = this.#options.transactionTimeoutMs ?? 30_000;
    let producer: KafkaProducer;
    this.#opening.add(client);
    try {
      producer = await KafkaProducer.open(client, this.#leaders, transactionalId, timeoutMs);
      this.#producers.add(producer);
    } catch (error) {
      await client.close();
      throw error;
    } finally {
      this.#opening.delete(client);
    }
    return {
      commit: (transaction) => producer.commit(() => this.#placeAll(transaction)),
      close: async () => {
        this.#producers.delete(producer);
        await producer.close();
      },
    };
  }

  async committed(group: string, topic: string, partition: number): Promise<CommittedOffset | null> {
    this.#checkOpen();
    const topics = [{ topic, partitions: [{ partition }] }];
    const { responses } = await this.#client.attempt(`tell the offsets of group ${group}`, async () =>
      (await this.#client.groupCoordinator(group)).offsetFetch({ groupId: group, topics }),
    );
    const found = responses[0]?.partitions[0];
    if (found === undefined || Number(found.offset) < 0) return null;
    return { offset: Number(found.offset), metadata: found.metadata ?? "" };
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    await Promise.all([...this.#producers, ...this.#opening].map((open) => open.close()));
    await this.#client.close();
    this.#chunks.clear();
  }

  /** @returns false when another one has made it in the meantime */
  async #create(topic: string, partitions: number, { timestamps, cleanup }: TopicSettings): Promise<boolean> {
    const refusal = (error: unknown) => failureOf(error).type ?? "";
    const decided = ["TOPIC_ALREADY_EXISTS", "INVALID_TOPIC_EXCEPTION"];
    const request = {
      topics: [
        {
          topic,
          numPartitions: partitions,
          replicationFactor: this.#options.replicationFactor ?? -1,
          // Kafka's retention goes by the records' times: a replay of old interactions would vanish within minutes.
          configEntries: [
            { name: "cleanup.policy", value: cleanup === "compact" ? "compact" : "delete" },
            { name: "retention.ms", value: "-1" },
            { name: "message.timestamp.type", value: timestamps === "append" ? "LogAppendTime" : "CreateTime" },
          ],
        },
      ],
      timeout: createTimeoutMs,
    };
    try {
      const create = async () => (await this.#client.controller()).createTopics(request);
      await this.#client.attempt(`create topic ${topic}`, create, (error) => decided.includes(refusal(error)));
      return true;
    } catch (error) {
      if (refusal(error) === "INVALID_TOPIC_EXCEPTION") {
        throw new NcfError(
          "TOPIC_INVALID",
          `expected a name that Kafka takes, found "${topic}". "." and "_" count as the same character: choose another`,
          { cause: error },
        );
      }
      if (refusal(error) !== "TOPIC_ALREADY_EXISTS") throw error;
      return false;
    }
  }

  /** What lies at `fromOffset` and after it; null at the end. */
  async #fetch(topic: string, partition: number, fromOffset: number): Promise<Chunk | null> {
    const partitions = [{ partition, fetchOffset: String(fromOffset), maxBytes: fetchBytes }];
    const request = {
      isolationLevel: readCommitted,
      maxWaitTime: 0,
      minBytes: 0,
      maxBytes: fetchBytes,
      topics: [{ topic, partitions }],
    };
    const isOutOfRange = (error: unknown) => failureOf(error).type === "OFFSET_OUT_OF_RANGE";
    try {
      const { responses } = await this.#client.attempt(
        `read topic ${topic}`,
        () => this.#leaders.send(this.#client, topic, partition, (broker) => broker.fetch(request)),
        isOutOfRange,
      );
      const fetched = responses[0].partitions[0];
      const end = Number(fetched.lastStableOffset);
      if (fromOffset > end) {
        // A new leader learns a moment late how much is committed. Asked for offsets, it answers only when it knows.
        if (fromOffset > (await this.#offsetAt(topic, partition, latest))) {
          throw await this.#outOfRange(topic, partition, fromOffset);
        }
        return null;
      }
      if (fromOffset === end) return null;
      const { records, nextOffset } = committedRecords(fetched, fromOffset);
      // Batches whose records were all removed are not among the messages: look behind them.
      return { fromOffset, records, nextOffset: Math.max(nextOffset, fromOffset + 1) };
    } catch (error) {
      throw isOutOfRange(error) ? await this.#outOfRange(topic, partition, fromOffset) : error;
    }
  }

  async #outOfRange(topic: string, partition: number, offset: number): Promise<NcfError> {
    const start = await this.#offsetAt(topic, partition, earliest);
    return offsetOutOfRange(topic, partition, offset, start, await this.#offsetAt(topic, partition, latest));
  }

  async #offsetAt(topic: string, partition: number, timestamp: number): Promise<number> {
    const topics = [{ topic, partitions: [{ partition, timestamp }] }];
    const { responses } = await this.#client.attempt(`tell the offsets of topic ${topic}`, () =>
      this.#leaders.send(this.#client, topic, partition, (broker) =>
        broker.listOffsets({ isolationLevel: readCommitted, topics }),
      ),
    );
    return Number(responses[0].partitions[0].offset);
  }

  async #placeAll({ records, offsets }: Transaction) {
    for (const commit of offsets) {
      await this.#check(commit.topic, commit.partition);
      checkOffsetCommit(commit);
    }
    const placed: PlacedRecord[] = [];
    for (const record of records) {
      const { length } = await this.#leaders.of(record.topic);
      placed.push(this.#place(record.topic, record, length));
    }
    return { records: placed, offsets };
  }

  #place(topic: string, record: NewRecord & { readonly partition?: number }, partitions: number): PlacedRecord {
    checkRecord(topic, record);
    const { key, value, timestampMs = this.#nowMs() } = record;
    if (timestampMs < 0) {
      throw new NcfError("RECORD_INVALID", `topic ${topic}: expected a time from 1970 on, found ${timestampMs} ms`);
    }
    let { partition } = record;
    if (partition !== undefined) checkPartition(topic, partition, partitions);
    else if (key !== null) partition = partitionOfKey(key, partitions);
    else partition = this.#withoutKey++ % partitions;
    return { topic, partition, message: messageOf(key, value, timestampMs) };
  }

  async #check(topic: string, partition: number): Promise<void> {
    this.#checkOpen();
    checkPartition(topic, partition, (await this.#leaders.of(topic)).length);
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw logClosed();
  }

  #newClient(): KafkaClient {
    return new KafkaClient(this.#options, this.#options.retryMs ?? 30_000);
  }
}

/** The records with values of their own, which a caller may change, in views of one allocation. */
function withOwnBytes(records: readonly LogRecord[]): LogRecord[] {
  const bytes = new Uint8Array(records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0));
  let at = 0;
  return records.map(({ offset, timestampMs, key, value }) => {
    if (value === null) return { offset, timestampMs, key, value };
    bytes.set(value, at);
    at += value.length;
    return { offset, timestampMs, key, value: bytes.subarray(at - value.length, at) };
  });
}
