/**
 * An interaction log in memory, for tests and for one-process use. As in Kafka, a transaction takes one more offset in
 * each partition that it wrote to, so a reader that counts records instead of following offsets fails here too.
 */
import { type CommittedOffset, firstFrom, type LogBatch, type LogRecord } from "../../ports/interaction-log.ts";
import {
  LocalInteractionLog,
  type LocalLogOptions,
  type LocalTopic,
  type LogStorage,
  type LogWrite,
} from "./local-interaction-log.ts";

export class MemoryInteractionLog extends LocalInteractionLog {
  constructor(options: LocalLogOptions = {}) {
    super(new MemoryLogStorage(), options);
  }
}

interface Partition {
  /** Ascending by offset. */
  readonly records: LogRecord[];
  endOffset: number;
}

class MemoryLogStorage implements LogStorage {
  readonly topics = new Map<string, LocalTopic>();
  readonly #partitions = new Map<string, Partition>();
  readonly #committed = new Map<string, CommittedOffset>();

  async createTopic(name: string, topic: LocalTopic): Promise<void> {
    this.topics.set(name, topic);
  }

  async write({ records, offsets, transactional }: LogWrite): Promise<void> {
    const written = new Set<Partition>();
    for (const { topic, partition, timestampMs, key, value } of records) {
      const found = this.#partition(topic, partition);
      found.records.push({ offset: found.endOffset, timestampMs, key, value: value?.slice() ?? null });
      found.endOffset += 1;
      written.add(found);
    }
    if (transactional) for (const partition of written) partition.endOffset += 1;
    for (const { group, topic, partition, offset, metadata } of offsets) {
      this.#committed.set(JSON.stringify([group, topic, partition]), { offset, metadata });
    }
  }

  async settled(): Promise<void> {}

  async read(topic: string, partition: number, fromOffset: number, maxRecords: number): Promise<LogBatch> {
    const { records, endOffset } = this.#partition(topic, partition);
    const start = firstFrom(records, fromOffset);
    const found = records.slice(start, start + maxRecords);
    const atEnd = start + found.length === records.length;
    return {
      records: found.map((record) => ({ ...record, value: record.value?.slice() ?? null })),
      nextOffset: atEnd ? endOffset : (found.at(-1)?.offset ?? fromOffset - 1) + 1,
    };
  }

  endOffset(topic: string, partition: number): number {
    return this.#partition(topic, partition).endOffset;
  }

  committed(group: string, topic: string, partition: number): CommittedOffset | null {
    return this.#committed.get(JSON.stringify([group, topic, partition])) ?? null;
  }

  async close(): Promise<void> {}

  #partition(topic: string, partition: number): Partition {
    const key = `${topic}/${partition}`;
    let found = this.#partitions.get(key);
    if (found === undefined) {
      found = { records: [], endOffset: 0 };
      this.#partitions.set(key, found);
    }
    return found;
  }
}
