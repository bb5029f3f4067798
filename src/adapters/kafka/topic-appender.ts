/** Appends to one topic, one after the other in the order of the calls. */
import type { KafkaClient, PartitionLeaders } from "./kafka-client.ts";
import { BatchSender, type PlacedRecord, requestsOf } from "./kafka-records.ts";

export class TopicAppender {
  readonly #client: KafkaClient;
  readonly #leaders: PartitionLeaders;
  #sender: BatchSender | null = null;
  #settled: Promise<unknown> = Promise.resolve();

  constructor(client: KafkaClient, leaders: PartitionLeaders) {
    this.#client = client;
    this.#leaders = leaders;
  }

  append(place: () => Promise<readonly PlacedRecord[]>): Promise<void> {
    const appending = this.#settled.then(async () => this.#send(await place()));
    this.#settled = appending.catch(() => undefined);
    return appending;
  }

  async #send(records: readonly PlacedRecord[]): Promise<void> {
    if (records.length === 0) return;
    const sender = this.#sender ?? (await this.#newSender());
    this.#sender = null;
    for (const batches of requestsOf(records)) await sender.send(batches);
    this.#sender = sender;
  }

  async #newSender(): Promise<BatchSender> {
    const { producerId, producerEpoch } = await this.#client.attempt("name a producer", async () =>
      (await this.#client.controller()).initProducerId({ transactionTimeout: 0 }),
    );
    return new BatchSender(this.#client, this.#leaders, { producerId, producerEpoch });
  }
}
