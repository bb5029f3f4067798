/**
 * Three brokers that keep each record three times, one of which dies while a stream runs: it goes on with the other two, and publishes
 * what it would have without.
 */
import { setTimeout as sleep } from "node:timers/promises";
import kafkajs from "kafkajs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ncf } from "../cli/ncf.ts";
import { EagerReaders } from "./eager-readers.ts";
import { chaosRecords } from "./events.ts";
import { ChaosStand, hourMs } from "./stand.ts";

const noBroker = "set NCF_KAFKA to own, or to a broker's HOST:PORT: the test starts its own three all the same";
const enabled = Boolean(process.env.NCF_KAFKA);
const count = 1_200;

if (!enabled && process.env.CI_REQUIRE_SERVICES === "1") {
  it("may start brokers, as CI_REQUIRE_SERVICES=1 demands", () => expect.fail(noBroker));
}

describe.skipIf(!enabled)(`a stream on three brokers${enabled ? "" : ` (${noBroker})`}`, () => {
  let stand: ChaosStand;
  beforeAll(async () => {
    stand = await ChaosStand.open({ brokers: 3 });
  }, 180_000);
  afterAll(() => stand.close());

  it("has its topics on all of them", async () => {
    const prefix = "copied.";
    const words = ["topics", "create", "--brokers", stand.brokers[1].address, "--topic-prefix", prefix];
    const { code, stderr } = await ncf([...words, "--partitions", "2", "--replication-factor", "3"]);
    expect(code, stderr).toBe(0);
    const { Kafka, logLevel } = kafkajs;
    const admin = new Kafka({ brokers: [stand.broker.address], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: [`${prefix}interactions`, `${prefix}outcomes`] });
    await admin.disconnect();
    const copies = topics.flatMap(({ partitions }) => partitions.map(({ replicas }) => replicas.length));
    expect(copies).toEqual([3, 3, 3, 3]);

    const tooMany = await ncf([...words.with(-1, "more."), "--replication-factor", "4"]);
    expect(tooMany.code).toBe(1);
    expect(tooMany.stderr).toMatch(/^ncf: .*INVALID_REPLICATION_FACTOR[^\n]*\n$/);
  });

  it("goes on when one of them is killed, and loses and doubles nothing", async () => {
    const records = chaosRecords({
      count,
      startMs: Math.floor(Date.now() / hourMs) * hourMs - 72 * hourMs,
      stepMs: Math.floor((48 * hourMs) / count),
      graceMs: 600_000,
      users: 150,
      items: await stand.items(),
      seed: 3,
    });
    const args = ["--commit-records", "40", "--commit-interval", "100", "--session-timeout", "6000"];
    const members = [stand.processor("three", { args }), stand.processor("three", { args })];
    await Promise.all(members.map(({ stderrHas }) => stderrHas("Assigned")));
    const addresses = stand.brokers.map(({ address }) => address);
    const readers = await EagerReaders.start(stand.log, addresses);
    const killAt = Math.floor(records.length / 3);
    for (let sent = 0; sent < records.length; sent += 40) {
      if (sent <= killAt && killAt < sent + 40) stand.broker.kill();
      await stand.send(records.slice(sent, sent + 40));
      await sleep(50);
    }
    await stand.caughtUp("three", members);
    expect(await readers.end()).toEqual([]);
    for (const { child, said } of members) expect(child.exitCode, said()).toBe(null);
    await stand.stop(members);
    const published = await stand.expectUndisturbed("three", args);
    expect(published("outcomes")).toBeGreaterThan(records.length / 2);
    expect(published("windows")).toBeGreaterThan(20);
  }, 300_000);
});
