/** Readers that ask for more the moment they have read all: they meet a partition's new leader before it knows what is committed. */
import { setTimeout as sleep } from "node:timers/promises";
import type { InteractionLog } from "../../src/ports/interaction-log.ts";

const topic = "read-eagerly";

export class EagerReaders {
  readonly #log: InteractionLog;
  readonly #partitions: number;
  readonly #failures: unknown[] = [];
  readonly #ending = new AbortController();
  readonly #allSent = new AbortController();
  readonly #read = new Set<string>();
  #sent = 0;
  #sending: Promise<void> = Promise.resolve();
  #reading: Promise<unknown> = Promise.resolve();

  constructor(log: InteractionLog, partitions: number) {
    this.#log = log;
    this.#partitions = partitions;
  }

  async start(): Promise<void> {
    await this.#log.createTopic(topic, this.#partitions);
    const readers = Array.from({ length: this.#partitions }, (_, partition) => this.#follow(partition));
    this.#reading = Promise.all(readers);
    this.#sending = this.#send();
  }

  /** @returns what a reader or the sender was told instead of records, and what was sent and not read */
  async end(): Promise<unknown[]> {
    this.#ending.abort();
    await this.#sending;
    this.#allSent.abort();
    await this.#reading;
    const unread = Array.from({ length: this.#sent }, (_, i) => String(i)).filter((key) => !this.#read.has(key));
    return [...this.#failures, ...unread];
  }

  async #send(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const records = Array.from({ length: 2 * this.#partitions }, (_, i) => ({
        key: String(this.#sent + i),
        value: null,
      }));
      await this.#log.append(topic, records).catch((error) => this.#failures.push(error));
      this.#sent += records.length;
      await sleep(200);
    }
  }

  async #follow(partition: number): Promise<void> {
    for (let offset = 0; ; await sleep(5)) {
      const isOver = this.#allSent.signal.aborted && offset >= (await this.#log.endOffset(topic, partition));
      try {
        const { records, nextOffset } = await this.#log.read(topic, partition, offset, 500);
        for (const { key } of records) this.#read.add(key ?? "");
        offset = nextOffset;
      } catch (error) {
        this.#failures.push(error);
      }
      if (isOver) return;
    }
  }
}
