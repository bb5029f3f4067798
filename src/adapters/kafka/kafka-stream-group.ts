/**
 * Membership of a Kafka consumer group, by kafkajs' consumer with all partitions paused: it sends the heartbeats and takes part
 * in rebalances, and fetches nothing. What the member reads and commits goes through the log.
 */
import kafkajs, { type PartitionAssigner } from "kafkajs";
import { aborted } from "../../core/aborted.ts";
import { NcfError } from "../../core/errors.ts";
import {
  type GroupMembership,
  type JoinOptions,
  type StreamGroup,
  shareOut,
  type TopicPartition,
} from "../../ports/stream-group.ts";
import { sleep } from "./kafka-client.ts";
import { type KafkaConnection, KafkaSockets, kafkaConfig } from "./kafka-connection.ts";
import { canPass, failureOf } from "./kafka-failures.ts";

export interface KafkaGroupOptions extends KafkaConnection {
  /** A member that was not heard of for so long is taken for dead, and its partitions go to the others. */
  readonly sessionTimeoutMs?: number;
}

const { AssignerProtocol } = kafkajs;
/** How often the consumer looks whether a heartbeat is due. */
const lookEveryMs = 250;
/** So long a member that leaves waits for brokers. */
const leavingMs = 5_000;
/** So long one that is told to stop waits until it has joined, to leave in good order. */
const joiningMs = 2_000;
const version = 1;

export class KafkaStreamGroup implements StreamGroup {
  readonly #options: KafkaGroupOptions;

  constructor(options: KafkaGroupOptions) {
    this.#options = options;
  }

  async join({ group, topics, onAssigned, signal }: JoinOptions): Promise<GroupMembership> {
    const { sessionTimeoutMs = 20_000 } = this.#options;
    const sockets = new KafkaSockets();
    const leaving = new AbortController();
    let owned: readonly TopicPartition[] = [];
    const consumer = new kafkajs.Kafka(kafkaConfig(this.#options, sockets)).consumer({
      groupId: group,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.min(3_000, Math.floor(sessionTimeoutMs / 4)),
      // Nobody needs more time to get ready for a rebalance: who keeps on working on a lost partition is fenced.
      rebalanceTimeout: sessionTimeoutMs,
      maxWaitTimeInMs: lookEveryMs,
      partitionAssigners: [stickyAssigner(topics, () => owned)],
      retry: {
        initialRetryTime: 100,
        maxRetryTime: 2_000,
        retries: 5,
        // One that is leaving must not come back.
        restartOnFailure: async () => !leaving.signal.aborted,
      },
      allowAutoTopicCreation: false,
    });
    const assigned = new Promise<void>((resolve) => {
      consumer.on(consumer.events.GROUP_JOIN, ({ payload: { memberAssignment } }) => {
        if (leaving.signal.aborted) return;
        // Each time, as a restarted consumer has forgotten it.
        consumer.pause(topics.map((topic) => ({ topic })));
        owned = Object.entries(memberAssignment).flatMap(([topic, partitions]) =>
          partitions.map((partition) => ({ topic, partition })),
        );
        onAssigned(owned);
        resolve();
      });
    });
    const lost = new Promise<NcfError>((resolve) => {
      consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
        if (!restart) resolve(outOfGroup(group, error));
      });
    });
    /** Given when the joining has ended, well or not. */
    const joined = new AbortController();
    const leave = async (): Promise<void> => {
      leaving.abort();
      // A connection that is gone already is closed, too; the group then misses the heartbeats. One that has not joined yet has
      // nothing to give back.
      await settledWithin(joined.signal.aborted ? leavingMs : 0, consumer.disconnect());
      sockets.destroy();
    };
    const joining = (async () => {
      await consumer.connect();
      await consumer.subscribe({ topics: [...topics], fromBeginning: true });
      await consumer.run({ autoCommit: false, eachBatch: async () => undefined });
      await Promise.race([assigned, lost.then((reason) => Promise.reject(reason))]);
    })();
    joining.finally(() => joined.abort()).catch(() => undefined);
    try {
      await aborted(AbortSignal.any([signal, joined.signal]));
      signal.throwIfAborted();
      await joining;
    } catch (cause) {
      // A member that leaves while it joins would hold the others up until the group misses its heartbeats.
      if (signal.aborted) await settledWithin(joiningMs, joining);
      await leave();
      signal.throwIfAborted();
      throw cause instanceof NcfError ? cause : outOfGroup(group, cause);
    }
    return { lost, leave };
  }
}

/** Waits for what may never settle, or may fail. */
async function settledWithin(ms: number, work: Promise<unknown>): Promise<void> {
  const settled = new AbortController();
  work.finally(() => settled.abort()).catch(() => undefined);
  await sleep(ms, settled.signal);
}

function outOfGroup(group: string, cause: unknown): NcfError {
  const { message = String(cause) } = failureOf(cause);
  // kafkajs gives up on a group whose coordinator has died; the next one will be found.
  const retriable = canPass(cause);
  return new NcfError(
    retriable ? "LOG_UNAVAILABLE" : "LOG_REFUSED",
    `expected Kafka to have this process in group ${group}, found: ${message}. Check that its brokers run, that the topics ` +
      "are there (ncf topics create), that the group may be read, and that no other program uses it",
    { cause, retriable },
  );
}

/** Members say what they own when they join; the leader shares out so that they keep most of it. */
function stickyAssigner(topics: readonly string[], owned: () => readonly TopicPartition[]): PartitionAssigner {
  const { MemberMetadata, MemberAssignment } = AssignerProtocol;
  return ({ cluster }) => ({
    name: "ncf-sticky",
    version,
    protocol: () => ({
      name: "ncf-sticky",
      metadata: MemberMetadata.encode({
        version,
        topics: [...topics],
        userData: Buffer.from(JSON.stringify(owned())),
      }),
    }),
    assign: async ({ members }) => {
      const partitions = topics.flatMap((topic) =>
        cluster.findTopicPartitionMetadata(topic).map(({ partitionId: partition }) => ({ topic, partition })),
      );
      const known = members.map(({ memberId, memberMetadata }) => ({ id: memberId, owned: ownedBy(memberMetadata) }));
      return [...shareOut(known, partitions)].map(([memberId, share]) => {
        const assignment: Record<string, number[]> = {};
        for (const { topic, partition } of share) {
          assignment[topic] ??= [];
          assignment[topic].push(partition);
        }
        const memberAssignment = MemberAssignment.encode({ version, assignment, userData: Buffer.alloc(0) });
        return { memberId, memberAssignment };
      });
    },
  });
}

function ownedBy(metadata: Buffer): TopicPartition[] {
  const { userData } = AssignerProtocol.MemberMetadata.decode(metadata) ?? {};
  try {
    return JSON.parse(userData?.toString() ?? "[]") as TopicPartition[];
  } catch {
    // A member of another program's: it owns nothing that is known.
    return [];
  }
}
