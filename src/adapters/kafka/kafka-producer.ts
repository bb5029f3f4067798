/** A transactional producer: one open transaction at a time, each commit all or nothing. */
import { NcfError } from "../../core/errors.ts";
import { type OffsetCommit, producerFenced } from "../../ports/interaction-log.ts";
import { type Broker, type KafkaClient, type PartitionLeaders, type ProducerIdentity, sleep } from "./kafka-client.ts";
import { failureOf, isConnectionFailure } from "./kafka-failures.ts";
import { BatchSender, type PlacedRecord, requestsOf } from "./kafka-records.ts";

/** A checked transaction. */
export interface PlacedTransaction {
  readonly records: readonly PlacedRecord[];
  readonly offsets: readonly OffsetCommit[];
}

const closingMs = 2_000;

export class KafkaProducer {
  readonly #client: KafkaClient;
  readonly #transactionalId: string;
  readonly #identity: ProducerIdentity;
  readonly #sender: BatchSender;
  #state: "idle" | "busy" | "closed" | "fenced" | "failed" = "idle";
  #settled: Promise<unknown> = Promise.resolve();

  private constructor(client: KafkaClient, leaders: PartitionLeaders, identity: ProducerIdentity) {
    this.#client = client;
    this.#transactionalId = identity.transactionalId;
    this.#identity = identity;
    this.#sender = new BatchSender(client, leaders, identity);
  }

  /** Takes the id; when this resolves, the former owner's transaction is over. */
  static async open(
    client: KafkaClient,
    leaders: PartitionLeaders,
    transactionalId: string,
    transactionTimeout: number,
  ): Promise<KafkaProducer> {
    await client.connect();
    // Kafka answers CONCURRENT_TRANSACTIONS, and so is asked again, until the former owner's markers are written.
    const { producerId, producerEpoch } = await client.attempt(`open producer ${transactionalId}`, async () =>
      (await client.transactionCoordinator(transactionalId)).initProducerId({ transactionalId, transactionTimeout }),
    );
    return new KafkaProducer(client, leaders, { transactionalId, producerId, producerEpoch });
  }

  async commit(place: () => Promise<PlacedTransaction>): Promise<void> {
    if (this.#state === "fenced") throw producerFenced(this.#transactionalId);
    if (this.#state !== "idle") throw notIdle(this.#transactionalId, this.#state);
    this.#state = "busy";
    const committing = this.#commit(place);
    this.#settled = committing.catch(() => undefined);
    await committing;
  }

  /** Waits for a commit that has begun, but not for brokers that are away. */
  async close(): Promise<void> {
    if (this.#state === "idle" || this.#state === "busy") this.#state = "closed";
    const settled = new AbortController();
    const settling = this.#settled.then(() => settled.abort());
    await sleep(closingMs, settled.signal);
    await this.#client.close();
    await settling;
  }

  async #commit(place: () => Promise<PlacedTransaction>): Promise<void> {
    let begun = false;
    try {
      const transaction = await place();
      begun = transaction.records.length + transaction.offsets.length > 0;
      if (begun) await this.#write(transaction);
      if (this.#state === "busy") this.#state = "idle";
    } catch (error) {
      if (isFenced(error)) {
        this.#state = "fenced";
        throw producerFenced(this.#transactionalId, error);
      }
      // Which sequence numbers the brokers have seen is not known any more, so no transaction can follow.
      if (this.#state === "busy") this.#state = begun ? "failed" : "idle";
      if (begun) await this.#abort();
      throw error;
    }
  }

  async #write({ records, offsets }: PlacedTransaction): Promise<void> {
    if (records.length > 0) {
      await this.#inTransaction("add partitions to a transaction", async (coordinator) =>
        coordinator.addPartitionsToTxn({ ...this.#identity, topics: partitionsOf(records) }),
      );
      for (const batches of requestsOf(records)) await this.#sender.send(batches, isFenced);
    }
    for (const [groupId, commits] of byGroup(offsets)) {
      await this.#inTransaction("add offsets to a transaction", async (coordinator) =>
        coordinator.addOffsetsToTxn({ ...this.#identity, groupId }),
      );
      await this.#client.attempt(
        "store offsets",
        async () =>
          (await this.#client.groupCoordinator(groupId)).txnOffsetCommit({
            ...this.#identity,
            groupId,
            topics: offsetsByTopic(commits),
          }),
        isFenced,
      );
    }
    await this.#end();
  }

  /**
   * Decides the transaction, then waits until readers see it: Kafka writes the markers after its answer. Asked to commit
   * again, it answers CONCURRENT_TRANSACTIONS until that is done, and nothing more comes of it.
   */
  async #end(): Promise<void> {
    let perhapsDecided = false;
    const commit = async () => {
      try {
        await (await this.#client.transactionCoordinator(this.#transactionalId)).endTxn({
          ...this.#identity,
          transactionResult: true,
        });
      } catch (error) {
        if (isConnectionFailure(error)) perhapsDecided = true;
        throw error;
      }
    };
    try {
      await this.#client.attempt("commit a transaction", commit, isFenced);
    } catch (error) {
      if (perhapsDecided && isFenced(error)) throw undecided(this.#transactionalId, error);
      throw error;
    }
    try {
      await this.#client.attempt("complete a transaction", commit, isFenced);
    } catch (error) {
      // Who took the id over has waited for the markers.
      if (!isFenced(error)) throw error;
      this.#state = "fenced";
    }
  }

  /** So that readers need not wait for the transaction's timeout; that ends it where this fails. */
  async #abort(): Promise<void> {
    try {
      await (await this.#client.transactionCoordinator(this.#transactionalId)).endTxn({
        ...this.#identity,
        transactionResult: false,
      });
    } catch {
      // The first error is the one to tell.
    }
  }

  async #inTransaction(what: string, request: (coordinator: Broker) => Promise<unknown>): Promise<void> {
    const send = async () => request(await this.#client.transactionCoordinator(this.#transactionalId));
    await this.#client.attempt(what, send, isFenced);
  }
}

function partitionsOf(records: readonly PlacedRecord[]) {
  const topics = new Map<string, Set<number>>();
  for (const { topic, partition } of records) {
    const partitions = topics.get(topic) ?? new Set();
    topics.set(topic, partitions.add(partition));
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions: [...partitions] }));
}

function byGroup(offsets: readonly OffsetCommit[]): Map<string, OffsetCommit[]> {
  const groups = new Map<string, OffsetCommit[]>();
  for (const commit of offsets) groups.set(commit.group, [...(groups.get(commit.group) ?? []), commit]);
  return groups;
}

function offsetsByTopic(commits: readonly OffsetCommit[]) {
  const topics = new Map<string, { partition: number; offset: string; metadata: string }[]>();
  for (const { topic, partition, offset, metadata } of commits) {
    topics.set(topic, [...(topics.get(topic) ?? []), { partition, offset: String(offset), metadata }]);
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }));
}

const fenced = new Set(["INVALID_PRODUCER_EPOCH", "INVALID_PRODUCER_ID_MAPPING", "PRODUCER_FENCED"]);

function isFenced(error: unknown): boolean {
  const { type = "", message = "" } = failureOf(error);
  // 90 is PRODUCER_FENCED, which kafkajs has no name for.
  return fenced.has(type) || message === "Unknown error code 90";
}

function undecided(transactionalId: string, cause: unknown): NcfError {
  return new NcfError(
    "LOG_UNAVAILABLE",
    `producer ${transactionalId}: expected an answer to a commit, but the connection was lost, and then another ` +
      "producer took the id over. Whether this transaction was written, the committed offset tells",
    { cause, retriable: true },
  );
}

function notIdle(transactionalId: string, state: "busy" | "closed" | "failed"): NcfError {
  if (state === "busy") {
    return new NcfError(
      "PRODUCER_BUSY",
      `producer ${transactionalId}: expected one commit at a time, found one that has not settled. Await it first`,
    );
  }
  const found = state === "closed" ? "it was closed" : "a commit before this one failed";
  return new NcfError(
    "PRODUCER_CLOSED",
    `producer ${transactionalId}: expected it open, but ${found}. Open another, then ask for the committed offset`,
  );
}
