/** One's own topic on a real Kafka, the broker that `NCF_KAFKA` (HOST:PORT) names: inspected, then copied keyed by user. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KafkaInteractionLog } from "../../src/adapters/kafka/kafka-interaction-log.ts";
import { committedRecords } from "../../src/app/stream/committed-records.ts";
import { ncf, startNcf } from "./ncf.ts";

const broker = process.env.NCF_KAFKA || undefined;
const skipped = broker === undefined ? " (set NCF_KAFKA to a broker's HOST:PORT)" : "";
const count = 20_000;

describe("one's own topic", () => {
  it("is named when it is copied, and has no need of a registry", async () => {
    const { code, stderr } = await ncf(["stream", "rekey", "--brokers", "127.0.0.1:9"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/required option '--topic <name>'/);
  });
});

describe.skipIf(broker === undefined)(`one's own topic${skipped}`, () => {
  const own = `shop-${randomUUID()}`;
  const to = `interactions-${randomUUID()}`;
  let log: KafkaInteractionLog;

  beforeAll(async () => {
    log = await KafkaInteractionLog.open({ brokers: [broker ?? ""] });
    await log.createTopic(own, 3);
    await log.createTopic(to, 2);
    const startMs = Date.now() - 3_600_000;
    const record = (i: number) => {
      const time = { occurredAt: new Date(startMs + i).toISOString() };
      const event = { type: i % 2 ? "view" : "buy", customer: { id: `c${i % 97}` }, sku: i, ...time };
      const value = i % 500 === 0 ? "nonsense" : JSON.stringify(event);
      return { key: null, value: new TextEncoder().encode(value), timestampMs: startMs + i };
    };
    for (let i = 0; i < count; i += 2000) {
      await log.append(
        own,
        Array.from({ length: 2000 }, (_, j) => record(i + j)),
      );
    }
  });
  afterAll(() => log.close());

  /** Offsets of the topic so far. */
  async function endOf(topic: string): Promise<number> {
    const ends = Array.from({ length: await log.partitions(topic) }, (_, partition) => log.endOffset(topic, partition));
    return (await Promise.all(ends)).reduce((sum, end) => sum + end, 0);
  }

  /** Records of the topic that are committed. */
  async function recordsOf(topic: string): Promise<{ key: string | null; text: string }[]> {
    const records: { key: string | null; text: string }[] = [];
    for (let partition = 0; partition < (await log.partitions(topic)); partition++) {
      const stretch = { from: 0, to: await log.endOffset(topic, partition), atOnce: 5000 };
      for await (const { key, value } of committedRecords(log, { topic, partition }, stretch)) {
        records.push({ key, text: new TextDecoder().decode(value ?? undefined) });
      }
    }
    return records;
  }

  it("is inspected: how to map it, that it is not keyed by user, and the commands to run", async () => {
    const words = ["stream", "inspect", "--brokers", broker ?? "", "--topic", own];
    const { code, stdout, stderr } = await ncf(words);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/user at customer\.id, item at sku, time at occurredAt \(iso\)/);
    expect(stdout).toMatch(/parsed +99\.80 % \(40 are no events\)/);
    expect(stdout).toMatch(/NOT keyed by user: 97 are in several partitions/);
    expect(stdout).toMatch(/type: (?:buy|view) \(\d+\), (?:buy|view) \(\d+\)/);
    expect(stdout).toContain(
      `npx ncf stream rekey --brokers ${broker} --topic ${own} --to interactions --field user=customer.id`,
    );
    const json = await ncf([...words, "--json", "--only", "type=buy", "--sample", "1000"]);
    const inspection = JSON.parse(json.stdout);
    expect(inspection).toMatchObject({ partitions: 3, mappingSuggested: true, statistics: { keyedByUser: false } });
    expect(inspection.statistics.records).toBeLessThanOrEqual(3000);
    expect(inspection.commands).toHaveLength(3);
  });

  it("is copied exactly once through kill -9, and then found keyed by user", async () => {
    const fields = ["--field", "user=$.customer.id", "--field", "item=$.sku", "--field", "time=$.occurredAt"];
    const words = [
      "stream",
      "rekey",
      "--brokers",
      broker ?? "",
      "--topic",
      own,
      "--to",
      to,
      "--time-format",
      "iso",
      ...fields,
    ];
    for (let kills = 0; kills < 2; kills++) {
      const before = await endOf(to);
      const running = startNcf(words);
      while ((await endOf(to)) === before && before < count) await sleep(5);
      running.child.kill("SIGKILL");
      await running.outcome;
    }
    expect((await recordsOf(to)).length).toBeLessThan(count);
    const { code, stdout, stderr } = await ncf([...words, "--until-end"]);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/copied [\d,]+ events to interactions-/);
    const records = await recordsOf(to);
    expect(records).toHaveLength(count);
    expect(records.filter(({ key }) => key === null).map(({ text }) => text)).toEqual(Array(40).fill("nonsense"));
    const items = records.filter(({ key }) => key !== null).map(({ text }) => JSON.parse(text).itemId as string);
    expect(new Set(items).size).toBe(count - 40);

    const inspected = await ncf(["stream", "inspect", "--brokers", broker ?? "", "--topic", to, "--json"]);
    expect(JSON.parse(inspected.stdout)).toMatchObject({
      mappingSuggested: false,
      statistics: { keyedByUser: true, defaultPartitionShare: 1, events: count - 40, invalid: 40 },
    });
  });

  it("is copied on until SIGTERM, which ends it with 0 and a summary", async () => {
    const target = `${to}-live`;
    await log.createTopic(target, 1);
    const running = startNcf(["stream", "rekey", "--brokers", broker ?? "", "--topic", to, "--to", target, "--json"]);
    while ((await endOf(target)) < count) await sleep(50);
    await log.append(to, [
      { key: "c1", value: new TextEncoder().encode('{"userId":"c1","itemId":1,"timestampMs":1}') },
    ]);
    while (!(await recordsOf(target)).some(({ text }) => text.includes('"timestampMs":1}'))) await sleep(50);
    running.child.kill("SIGTERM");
    const { code, stdout } = await running.outcome;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ from: to, to: target, events: count - 39, invalid: 40 });
  });
});
