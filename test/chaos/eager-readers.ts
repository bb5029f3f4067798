/**
 * Readers that ask for more the moment they have read all, and again a moment after a failure: they meet a partition's new leader
 * before it knows what is committed.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { KafkaInteractionLog } from "../../src/adapters/kafka/kafka-interaction-log.ts";
import { NcfError } from "../../src/core/errors.ts";

const topic = "read-eagerly";
const partitions = 24;
/** Pauses between two tries of a request grow up to about that. */
const retryMs = 30;

export class EagerReaders {
  readonly #log: KafkaInteractionLog;
  readonly #readers: KafkaInteractionLog;
  readonly #failures: unknown[] = [];
  readonly #ending = new AbortController();
  readonly #allSent = new AbortController();
  readonly #read = new Set<string>();
  #sent = 0;
  #sending: Promise<void> = Promise.resolve();
  #reading: Promise<unknown> = Promise.resolve();

  /** @param log takes what is read */
  static async start(log: KafkaInteractionLog, brokers: readonly string[]): Promise<EagerReaders> {
    await log.createTopic(topic, partitions);
    return new EagerReaders(log, await KafkaInteractionLog.open({ brokers, retryMs }));
  }

  private constructor(log: KafkaInteractionLog, readers: KafkaInteractionLog) {
    this.#log = log;
    this.#readers = readers;
    this.#reading = Promise.all(Array.from({ length: partitions }, (_, partition) => this.#follow(partition)));
    this.#sending = this.#send();
  }

  /** @returns what a reader or the sender was told for good, and what was sent and not read */
  async end(): Promise<unknown[]> {
    this.#ending.abort();
    await this.#sending;
    this.#allSent.abort();
    await this.#reading;
    await this.#readers.close();
    const unread = Array.from({ length: this.#sent }, (_, i) => String(i)).filter((key) => !this.#read.has(key));
    return [...this.#failures, ...unread];
  }

  async #send(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const records = Array.from({ length: 2 * partitions }, (_, i) => ({ key: String(this.#sent + i), value: null }));
      await this.#log.append(topic, records).catch((error) => this.#failures.push(error));
      this.#sent += records.length;
      await sleep(200);
    }
  }

  async #follow(partition: number): Promise<void> {
    for (let offset = 0; ; await sleep(5)) {
      try {
        const isOver = this.#allSent.signal.aborted && offset >= (await this.#readers.endOffset(topic, partition));
        const { records, nextOffset } = await this.#readers.read(topic, partition, offset, 500);
        for (const { key } of records) this.#read.add(key ?? "");
        offset = nextOffset;
        if (isOver) return;
      } catch (error) {
        if (!(error instanceof NcfError && error.retriable)) this.#failures.push(error);
      }
    }
  }
}
