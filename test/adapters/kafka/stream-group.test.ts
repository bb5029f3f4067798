/** Membership of a group on a real Kafka, the broker that `NCF_KAFKA` (HOST:PORT) names; scripts/start-kafka.sh starts one. */
import { randomUUID } from "node:crypto";
import kafkajs from "kafkajs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KafkaClient } from "../../../src/adapters/kafka/kafka-client.ts";
import { KafkaInteractionLog } from "../../../src/adapters/kafka/kafka-interaction-log.ts";
import { KafkaStreamGroup } from "../../../src/adapters/kafka/kafka-stream-group.ts";
import type { GroupMembership, TopicPartition } from "../../../src/ports/stream-group.ts";

const broker = process.env.NCF_KAFKA || undefined;
const brokers = [broker ?? ""];
const noBroker = "set NCF_KAFKA to a broker's HOST:PORT; scripts/start-kafka.sh starts one";

if (broker === undefined && process.env.CI_REQUIRE_SERVICES === "1") {
  it("finds a Kafka, as CI_REQUIRE_SERVICES=1 demands", () => expect.fail(noBroker));
}

describe.skipIf(broker === undefined)(`a group on Kafka${broker === undefined ? ` (${noBroker})` : ""}`, () => {
  const { Kafka, logLevel } = kafkajs;
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
  let topic: string;
  let group: string;

  beforeEach(async () => {
    topic = `interactions-${randomUUID()}`;
    group = `g-${randomUUID()}`;
    const log = await KafkaInteractionLog.open({ brokers });
    await log.createTopic(topic, 3);
    // A new broker's first group waits for its coordinator: a stream tries again, this test waits before.
    await log.committed(group, topic, 0);
    await log.close();
  });
  const memberships: GroupMembership[] = [];
  afterEach(async () => {
    for (const membership of memberships.splice(0)) await membership.leave();
  });

  async function join(signal = new AbortController().signal) {
    const assigned: TopicPartition[][] = [];
    const onAssigned = (places: readonly TopicPartition[]) => void assigned.push([...places]);
    const membership = await new KafkaStreamGroup({ brokers, sessionTimeoutMs: 6_000 }).join({
      group,
      topics: [topic],
      onAssigned,
      signal,
    });
    memberships.push(membership);
    return { membership, assigned };
  }

  async function memberIds(): Promise<string[]> {
    const admin = kafka.admin();
    await admin.connect();
    const { groups } = await admin.describeGroups([group]);
    await admin.disconnect();
    return groups[0].members.map(({ memberId }) => memberId);
  }

  /** What the group's coordinator is asked of itself. */
  interface Coordinator {
    leaveGroup(request: { readonly groupId: string; readonly memberId: string }): Promise<unknown>;
    joinGroup(request: {
      readonly groupId: string;
      readonly sessionTimeout: number;
      readonly rebalanceTimeout: number;
      readonly groupProtocols: readonly { readonly name: string; readonly metadata: Buffer }[];
    }): Promise<unknown>;
  }

  async function ask(request: (coordinator: Coordinator) => Promise<unknown>): Promise<void> {
    const client = new KafkaClient({ brokers }, 10_000);
    await client.connect();
    await request((await client.groupCoordinator(group)) as unknown as Coordinator);
    await client.close();
  }

  /** Has the brokers forget a member, as if it had not been heard of for long. */
  function evict(memberId: string): Promise<void> {
    return ask((coordinator) => coordinator.leaveGroup({ groupId: group, memberId }));
  }

  it("takes a member that was taken for dead in again", async () => {
    const { assigned } = await join();
    expect(assigned.at(-1)).toHaveLength(3);
    const [memberId] = await memberIds();
    await evict(memberId);
    await expect.poll(() => assigned.length, { timeout: 20_000 }).toBe(2);
    expect(assigned.at(-1)).toHaveLength(3);
    expect(await memberIds()).not.toContain(memberId);
  }, 30_000);

  it("says so when a member is out for good", async () => {
    const { membership } = await join();
    await evict((await memberIds())[0]);
    // Another program takes the group before the member notices, and shares partitions out in another way.
    const other = kafka.consumer({ groupId: group });
    await other.connect();
    await other.subscribe({ topics: [topic] });
    await other.run({ eachMessage: async () => undefined });
    const reason = await membership.lost;
    expect(reason).toMatchObject({ code: "LOG_REFUSED", retriable: false });
    expect(reason.message).toContain(group);
    await expect(join()).rejects.toMatchObject({ code: "LOG_REFUSED" });
    await other.disconnect();
    expect((await join()).assigned.at(-1)).toHaveLength(3);
  }, 60_000);

  it("stops joining when it is told to, though others hold the group up", async () => {
    // A member that hangs: the group waits for it before it lets others in.
    const hanging = { sessionTimeout: 20_000, rebalanceTimeout: 20_000 };
    const groupProtocols = [{ name: "ncf-sticky", metadata: Buffer.alloc(0) }];
    await ask((coordinator) => coordinator.joinGroup({ groupId: group, ...hanging, groupProtocols }));
    const startMs = performance.now();
    await expect(join(AbortSignal.timeout(500))).rejects.toMatchObject({ name: "TimeoutError" });
    expect(performance.now() - startMs).toBeLessThan(10_000);
  }, 60_000);

  it("holds nobody up when it stops joining", async () => {
    await join();
    const stop = new AbortController();
    const joining = join(stop.signal);
    stop.abort(new Error("told to stop"));
    await expect(joining).rejects.toThrow("told to stop");
    await expect.poll(async () => (await memberIds()).length, { timeout: 20_000 }).toBe(1);
  }, 60_000);
});
