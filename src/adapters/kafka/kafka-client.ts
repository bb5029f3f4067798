/**
 * Connections to Kafka below kafkajs' consumers and producers. Those cannot do what the log needs: read at any offset
 * without a group, know the last stable offset, and wait until a transaction's markers are written. So this takes the
 * cluster that every kafkajs client works on (brokers, protocol, SASL, TLS, coordinators), which is not public: the
 * version of kafkajs is pinned.
 */
import { setMaxListeners } from "node:events";
import kafkajs, { type KafkaConfig } from "kafkajs";
import { NcfError } from "../../core/errors.ts";
import { topicUnknown } from "../../ports/interaction-log.ts";
import { readCompressedBatches } from "./compressed-batches.ts";
import { type KafkaConnection, KafkaSockets, kafkaConfig } from "./kafka-connection.ts";
import {
  type Failure,
  failureOf,
  isConnectionFailure,
  isTransient,
  isTurnedAway,
  requestFailed,
} from "./kafka-failures.ts";

export interface FetchedMessage {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly isControlRecord?: boolean;
  /** Not there in messages of Kafka 0.10 and older. */
  readonly batchContext?: {
    readonly firstOffset: string;
    readonly lastOffsetDelta: number;
    readonly producerId: string;
    readonly inTransaction: boolean;
  };
}

export interface FetchedPartition {
  readonly lastStableOffset: string;
  readonly abortedTransactions: readonly { readonly producerId: string; readonly firstOffset: string }[] | null;
  readonly messages: readonly FetchedMessage[];
}

export interface ProducedMessage {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp: string;
}

/** A transactional producer, as brokers know it. */
export interface ProducerIdentity {
  readonly transactionalId: string;
  readonly producerId: string;
  readonly producerEpoch: number;
}

interface TopicPartitions<T> {
  readonly topic: string;
  readonly partitions: readonly T[];
}

interface BrokerMetadata {
  readonly topicMetadata: readonly {
    readonly topic: string;
    readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number }[];
  }[];
}

/** kafkajs' requests to one broker. */
export interface Broker {
  metadata(topics: readonly string[]): Promise<BrokerMetadata>;
  createTopics(request: {
    readonly topics: readonly {
      readonly topic: string;
      readonly numPartitions: number;
      readonly replicationFactor: number;
      readonly configEntries: readonly { readonly name: string; readonly value: string }[];
    }[];
    readonly timeout: number;
  }): Promise<unknown>;
  fetch(request: {
    readonly isolationLevel: number;
    readonly maxWaitTime: number;
    readonly minBytes: number;
    readonly maxBytes: number;
    readonly topics: readonly TopicPartitions<{ partition: number; fetchOffset: string; maxBytes: number }>[];
  }): Promise<{ readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[] }>;
  listOffsets(request: {
    readonly isolationLevel: number;
    readonly topics: readonly TopicPartitions<{ partition: number; timestamp: number }>[];
  }): Promise<{ readonly responses: readonly { readonly partitions: readonly { readonly offset: string }[] }[] }>;
  offsetFetch(request: {
    readonly groupId: string;
    readonly topics: readonly TopicPartitions<{ partition: number }>[];
  }): Promise<{
    readonly responses: readonly {
      readonly partitions: readonly { readonly offset: string; readonly metadata: string | null }[];
    }[];
  }>;
  produce(
    request: Partial<ProducerIdentity> & {
      readonly acks: number;
      readonly timeout: number;
      readonly topicData: readonly TopicPartitions<{
        partition: number;
        firstSequence: number;
        messages: readonly ProducedMessage[];
      }>[];
    },
  ): Promise<unknown>;
  initProducerId(request: {
    readonly transactionalId?: string;
    readonly transactionTimeout: number;
  }): Promise<{ readonly producerId: string; readonly producerEpoch: number }>;
  addPartitionsToTxn(
    request: ProducerIdentity & { readonly topics: readonly TopicPartitions<number>[] },
  ): Promise<unknown>;
  addOffsetsToTxn(request: ProducerIdentity & { readonly groupId: string }): Promise<unknown>;
  txnOffsetCommit(
    request: ProducerIdentity & {
      readonly groupId: string;
      readonly topics: readonly TopicPartitions<{ partition: number; offset: string; metadata: string }>[];
    },
  ): Promise<unknown>;
  endTxn(request: ProducerIdentity & { readonly transactionResult: boolean }): Promise<unknown>;
}

interface Cluster {
  readonly brokerPool: { findConnectedBroker(): Promise<Broker> };
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  refreshMetadata(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  removeBroker(address: { readonly host: string; readonly port: number }): void;
  findBroker(node: { readonly nodeId: number }): Promise<Broker>;
  findControllerBroker(): Promise<Broker>;
  findGroupCoordinator(of: { readonly groupId: string; readonly coordinatorType: number }): Promise<Broker>;
}

const metadataMaxAgeMs = 300_000;
/** A broker that turns everybody away so long is not just starting. */
const turnedAwayMs = 3_000;
export const readCommitted = 1;

function createCluster(config: KafkaConfig): Cluster {
  readCompressedBatches();
  const kafka = new kafkajs.Kafka(config);
  const symbol = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === "private:Kafka:createCluster",
  );
  if (symbol === undefined) throw new Error("expected kafkajs 2.2.4, found another version");
  const create = (kafka as unknown as Record<symbol, (options: object) => Cluster>)[symbol];
  return create({ metadataMaxAge: metadataMaxAgeMs, allowAutoTopicCreation: false });
}

/** A cluster's connections, closed together. Requests are repeated while that can help. */
export class KafkaClient {
  readonly #cluster: Cluster;
  readonly #sockets = new KafkaSockets();
  readonly #retryMs: number;
  readonly #closing = new AbortController();

  constructor(connection: KafkaConnection, retryMs: number) {
    this.#cluster = createCluster(kafkaConfig(connection, this.#sockets));
    this.#retryMs = retryMs;
    // One for each request that pauses.
    setMaxListeners(0, this.#closing.signal);
  }

  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  async connect(): Promise<void> {
    let turnedAwaySince = Number.POSITIVE_INFINITY;
    const connect = async () => {
      try {
        await this.#cluster.connect();
        await this.#cluster.refreshMetadataIfNecessary();
      } catch (error) {
        const now = performance.now();
        turnedAwaySince = isTurnedAway(error) ? Math.min(turnedAwaySince, now) : Number.POSITIVE_INFINITY;
        if (now - turnedAwaySince > turnedAwayMs) throw requestFailed("connect", error);
        throw error;
      }
    };
    await this.attempt("connect", connect);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    // A connection that is gone already is closed, too.
    await this.#cluster.disconnect().catch(() => undefined);
    this.#sockets.destroy();
  }

  /**
   * @throws NcfError `LOG_CLOSED`; `LOG_UNAVAILABLE` after repeated attempts, `LOG_REFUSED` where none can help. Errors
   *   that `pass` chooses are thrown as they are
   */
  async attempt<T>(what: string, request: () => Promise<T>, pass: (error: unknown) => boolean = () => false) {
    const deadline = performance.now() + this.#retryMs;
    for (let pauseMs = 2; ; pauseMs = Math.min(2 * pauseMs, 500)) {
      try {
        if (this.closed.aborted) throw logClosed();
        return await request();
      } catch (error) {
        if (this.closed.aborted) throw logClosed();
        if (error instanceof NcfError || pass(error)) throw error;
        if (!isTransient(error) || performance.now() > deadline) throw requestFailed(what, error);
        await sleep(pauseMs, this.closed);
        if (isConnectionFailure(error)) await this.#reconnect(failureOf(error));
      }
    }
  }

  leader(nodeId: number): Promise<Broker> {
    return this.#cluster.findBroker({ nodeId });
  }

  controller(): Promise<Broker> {
    return this.#cluster.findControllerBroker();
  }

  groupCoordinator(group: string): Promise<Broker> {
    return this.#cluster.findGroupCoordinator({ groupId: group, coordinatorType: 0 });
  }

  transactionCoordinator(transactionalId: string): Promise<Broker> {
    return this.#cluster.findGroupCoordinator({ groupId: transactionalId, coordinatorType: 1 });
  }

  /** Each partition's leader, -1 where it has none just now; null where there is no such topic. */
  async leaders(topic: string): Promise<readonly number[] | null> {
    const notThere = (error: unknown) =>
      ["UNKNOWN_TOPIC_OR_PARTITION", "INVALID_TOPIC_EXCEPTION"].includes(failureOf(error).type ?? "");
    const ask = async () => (await this.#cluster.brokerPool.findConnectedBroker()).metadata([topic]);
    try {
      const { topicMetadata } = await this.attempt(`describe topic ${topic}`, ask, notThere);
      const leaders: number[] = [];
      for (const { partitionId, leader } of topicMetadata[0]?.partitionMetadata ?? []) leaders[partitionId] = leader;
      return leaders.length === 0 ? null : leaders;
    } catch (error) {
      if (notThere(error)) return null;
      throw error;
    }
  }

  async topics(): Promise<readonly string[]> {
    const ask = async () => (await this.#cluster.brokerPool.findConnectedBroker()).metadata([]);
    const { topicMetadata } = await this.attempt("list topics", ask);
    return topicMetadata.map(({ topic }) => topic).filter((topic) => !topic.startsWith("__"));
  }

  async #reconnect({ host, port }: Failure): Promise<void> {
    if (host !== undefined && port !== undefined) this.#cluster.removeBroker({ host, port });
    try {
      await this.#cluster.connect();
      await this.#cluster.refreshMetadata();
    } catch {
      // The next attempt tells.
    }
  }
}

/** Which broker leads each partition, remembered for all clients of a log. */
export class PartitionLeaders {
  readonly #client: KafkaClient;
  readonly #known = new Map<string, readonly number[]>();
  readonly #asking = new Map<string, Promise<readonly number[]>>();

  constructor(client: KafkaClient) {
    this.#client = client;
  }

  /** @throws NcfError `TOPIC_UNKNOWN` */
  async of(topic: string): Promise<readonly number[]> {
    return this.#known.get(topic) ?? this.refresh(topic);
  }

  /** Asks anew, once for all who do so at the same time. @throws NcfError `TOPIC_UNKNOWN` */
  refresh(topic: string): Promise<readonly number[]> {
    let asking = this.#asking.get(topic);
    if (asking === undefined) {
      asking = this.#ask(topic).finally(() => this.#asking.delete(topic));
      this.#asking.set(topic, asking);
    }
    return asking;
  }

  /** Sends a request to the leader of a partition; asks anew who leads it when that fails. */
  async send<T>(client: KafkaClient, topic: string, partition: number, request: (broker: Broker) => Promise<T>) {
    try {
      const leaders = await this.of(topic);
      return await request(await client.leader(leaders[partition]));
    } catch (error) {
      if (!(error instanceof NcfError)) this.forget(topic);
      throw error;
    }
  }

  forget(topic: string): void {
    this.#known.delete(topic);
  }

  async #ask(topic: string): Promise<readonly number[]> {
    this.#known.delete(topic);
    const leaders = await this.#client.leaders(topic);
    if (leaders === null) throw topicUnknown(topic, await this.#client.topics());
    if (leaders.every((leader) => leader >= 0)) this.#known.set(topic, leaders);
    return leaders;
  }
}

export function logClosed(): NcfError {
  return new NcfError("LOG_CLOSED", "expected an open log, but it was closed. Open it again");
}

/** Resolves when the time is up or the signal is given. */
export function sleep(ms: number, ...signals: readonly (AbortSignal | undefined)[]): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      for (const signal of signals) signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    for (const signal of signals) signal?.addEventListener("abort", end);
    if (signals.some((signal) => signal?.aborted)) end();
  });
}
