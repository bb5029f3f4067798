/** Records as Kafka's brokers take and give them. */
import type { LogRecord } from "../../ports/interaction-log.ts";
import type { FetchedPartition, KafkaClient, PartitionLeaders, ProducedMessage } from "./kafka-client.ts";

/** A checked record and its place. */
export interface PlacedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly message: ProducedMessage;
}

export function messageOf(key: string | null, value: Uint8Array | null, timestampMs: number): ProducedMessage {
  return {
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value.buffer, value.byteOffset, value.length),
    // kafkajs takes the first and the last of a batch by sorting these as text.
    timestamp: String(timestampMs).padStart(16, "0"),
  };
}

/** Records for one partition that a broker stores as one batch, all or none. */
export interface PartitionBatch {
  readonly topic: string;
  readonly partition: number;
  readonly messages: ProducedMessage[];
  bytes: number;
}

/** The broker refuses larger batches; one record of the port's size fits in any case. */
const maxBatchBytes = 900_000;
const maxRequestBytes = 8_000_000;
const recordOverheadBytes = 40;

/** Requests of a bounded size, to be sent one after the other, which keeps the order within each partition. */
export function* requestsOf(records: readonly PlacedRecord[]): Generator<readonly PartitionBatch[]> {
  let batches = new Map<string, PartitionBatch>();
  let requestBytes = 0;
  for (const record of records) {
    const { topic, partition, message } = record;
    const bytes = (message.key?.length ?? 0) + (message.value?.length ?? 0) + recordOverheadBytes;
    const key = partitionKey(record);
    if (requestBytes + bytes > maxRequestBytes || (batches.get(key)?.bytes ?? 0) + bytes > maxBatchBytes) {
      if (batches.size > 0) yield [...batches.values()];
      batches = new Map();
      requestBytes = 0;
    }
    let batch = batches.get(key);
    if (batch === undefined) {
      batch = { topic, partition, messages: [], bytes: 0 };
      batches.set(key, batch);
    }
    batch.messages.push(message);
    batch.bytes += bytes;
    requestBytes += bytes;
  }
  if (batches.size > 0) yield [...batches.values()];
}

export interface SenderIdentity {
  readonly transactionalId?: string;
  readonly producerId: string;
  readonly producerEpoch: number;
}

const produceTimeoutMs = 30_000;
const allInSyncReplicas = -1;

/**
 * Sends batches as one idempotent producer: a batch that is sent again keeps its sequence number, by which brokers know
 * it. One call at a time; after one that failed, the sequence numbers are unknown and the identity is of no more use.
 */
export class BatchSender {
  readonly #client: KafkaClient;
  readonly #leaders: PartitionLeaders;
  readonly #identity: SenderIdentity;
  readonly #sequences = new Map<string, number>();

  constructor(client: KafkaClient, leaders: PartitionLeaders, identity: SenderIdentity) {
    this.#client = client;
    this.#leaders = leaders;
    this.#identity = identity;
  }

  /** Stores each batch with its leader. Errors that `pass` chooses are thrown as they are. */
  async send(batches: readonly PartitionBatch[], pass?: (error: unknown) => boolean): Promise<void> {
    let pending = [...batches];
    const sendPending = async () => {
      const byLeader = new Map<number, PartitionBatch[]>();
      for (const batch of pending) {
        const leader = (await this.#leaders.of(batch.topic))[batch.partition];
        byLeader.set(leader, [...(byLeader.get(leader) ?? []), batch]);
      }
      const send = async (own: readonly PartitionBatch[]) => {
        await this.#sendToLeader(own);
        pending = pending.filter((batch) => !own.includes(batch));
      };
      const sent = await Promise.allSettled([...byLeader.values()].map(send));
      const failed = sent.find((result) => result.status === "rejected");
      if (failed === undefined) return;
      for (const { topic } of pending) this.#leaders.forget(topic);
      throw failed.reason;
    };
    await this.#client.attempt("store records", sendPending, pass);
    for (const batch of batches) {
      this.#sequences.set(partitionKey(batch), (this.#sequence(batch) + batch.messages.length) % 2 ** 31);
    }
  }

  async #sendToLeader(batches: readonly PartitionBatch[]): Promise<void> {
    const topics = new Map<string, { partition: number; firstSequence: number; messages: ProducedMessage[] }[]>();
    for (const batch of batches) {
      const { topic, partition, messages } = batch;
      const entry = { partition, firstSequence: this.#sequence(batch), messages };
      topics.set(topic, [...(topics.get(topic) ?? []), entry]);
    }
    const topicData = [...topics].map(([topic, partitions]) => ({ topic, partitions }));
    const request = { ...this.#identity, acks: allInSyncReplicas, timeout: produceTimeoutMs, topicData };
    const [{ topic, partition }] = batches;
    await this.#leaders.send(this.#client, topic, partition, (broker) => broker.produce(request));
  }

  #sequence(batch: PartitionBatch): number {
    return this.#sequences.get(partitionKey(batch)) ?? 0;
  }
}

function partitionKey({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}/${partition}`;
}

const controlTypeAt = 2;
const abortMarker = 0;

/** Committed records from `fromOffset` on, and the offset after everything that was looked at. */
export function committedRecords(
  { messages, abortedTransactions }: FetchedPartition,
  fromOffset: number,
): { records: LogRecord[]; nextOffset: number } {
  const records: LogRecord[] = [];
  let nextOffset = fromOffset;
  const aborted = (abortedTransactions ?? []).map((of) => ({ ...of, firstOffset: Number(of.firstOffset) }));
  aborted.sort((a, b) => b.firstOffset - a.firstOffset);
  const aborting = new Set<string>();
  for (const { offset: offsetText, timestamp, key, value, isControlRecord = false, batchContext } of messages) {
    const offset = Number(offsetText);
    const end = batchContext ? Number(batchContext.firstOffset) + batchContext.lastOffsetDelta + 1 : offset + 1;
    nextOffset = Math.max(nextOffset, end);
    for (let next = aborted.at(-1); next !== undefined && next.firstOffset <= offset; next = aborted.at(-1)) {
      aborting.add(next.producerId);
      aborted.pop();
    }
    const producer = batchContext?.producerId ?? "";
    if (isControlRecord) {
      if (key?.readInt16BE(controlTypeAt) === abortMarker) aborting.delete(producer);
    } else if (offset >= fromOffset && !(batchContext?.inTransaction && aborting.has(producer))) {
      records.push({ offset, timestampMs: Number(timestamp), key: key === null ? null : key.toString(), value });
    }
  }
  return { records, nextOffset };
}
