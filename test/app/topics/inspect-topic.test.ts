import { beforeEach, describe, expect, it } from "vitest";
import { MemoryInteractionLog } from "../../../src/adapters/local/memory-interaction-log.ts";
import { inspectTopic } from "../../../src/app/topics/inspect-topic.ts";
import { inspectionText, lengthText } from "../../../src/app/topics/inspection-text.ts";
import type { EventMapping } from "../../../src/streaming/event-mapping.ts";
import { encodeEndOfStream, encodeWireEvent } from "../../../src/streaming/interaction-event.ts";

const topic = "events";
const startMs = 1_700_000_000_000;
const bytes = (text: string) => new TextEncoder().encode(text);
const event = (userId: string, itemId: number, afterMs: number) => ({
  key: userId,
  value: encodeWireEvent({ userId, itemId, timestampMs: startMs + afterMs }),
  timestampMs: startMs + afterMs,
});

let log: MemoryInteractionLog;
const inspect = (mapping: EventMapping = {}, sample = 1000) =>
  inspectTopic({ log }, { topic, mapping, sample, maxAheadMs: 60_000 });

beforeEach(() => {
  log = new MemoryInteractionLog();
});

describe("inspecting a topic", () => {
  it("counts events, repeats, users and time, and finds it keyed by user", async () => {
    await log.createTopic(topic, 3);
    for (let i = 0; i < 300; i++) await log.append(topic, [event(`u${i % 20}`, i % 40, i * 1000)]);
    const { statistics, suggested, offsets, mappingSuggested } = await inspect();
    expect({ offsets, mappingSuggested }).toEqual({ offsets: 300, mappingSuggested: false });
    expect(statistics).toMatchObject({
      records: 300,
      events: 300,
      invalid: 0,
      users: 20,
      usersInSeveralPartitions: 0,
      defaultPartitionShare: 1,
      keyedByUser: true,
      // Each user has two items.
      repeats: 260,
      firstEventMs: startMs,
      lastEventMs: startMs + 299_000,
      disorderMs: { p50: 0, p99: 0, p999: 0, max: 0 },
    });
    expect(statistics.recordsPerSecond).toBeGreaterThan(0.9);
    expect(statistics.recordsPerSecond).toBeLessThan(1.1);
    expect(suggested).toEqual({ graceMs: 60_000, windowMs: 3_600_000, partitions: 1 });
  });

  it("finds users in several partitions", async () => {
    await log.createTopic(topic, 3);
    for (let i = 0; i < 90; i++) await log.append(topic, [{ ...event(`u${i % 10}`, i, i), key: null }]);
    const { statistics } = await inspect();
    expect(statistics).toMatchObject({ keyedByUser: false, users: 10, usersInSeveralPartitions: 10 });
    expect(statistics.defaultPartitionShare).toBeLessThan(0.6);
  });

  it("takes another partitioner for keyed by user, too, and cannot tell from one event a user", async () => {
    await log.createTopic(topic, 2);
    for (let i = 0; i < 40; i++) await log.append(topic, [{ ...event(`u${i}`, i, i), key: `shop ${i}` }]);
    expect((await inspect()).statistics.keyedByUser).toBeNull();
    for (let i = 0; i < 40; i++) await log.append(topic, [{ ...event(`u${i}`, i + 50, i), key: `shop ${i}` }]);
    const { statistics } = await inspect();
    expect(statistics.keyedByUser).toBe(true);
    expect(statistics.defaultPartitionShare).toBeLessThan(1);
  });

  it("tells what is no event, by reason, and what is left aside", async () => {
    await log.createTopic(topic, 1);
    const invalid = [
      "nonsense",
      '{"userId":"","itemId":1,"timestampMs":"a; b, found c"}',
      '{"userId":"","itemId":2,"timestampMs":"d"}',
    ];
    await log.append(topic, [
      ...invalid.map((text) => ({ key: null, value: bytes(text), timestampMs: startMs })),
      { key: null, value: null, timestampMs: startMs },
      { key: null, value: encodeEndOfStream(), timestampMs: startMs },
      { ...event("1", 1, 61_000), timestampMs: startMs },
      event("1", 1, 0),
      event("1", 2, 5),
    ]);
    const inspection = await inspect();
    expect(inspection.statistics).toMatchObject({ invalid: 3, tombstones: 1, endOfStream: 1, ahead: 1, events: 2 });
    const { reasons } = inspection.statistics;
    expect(reasons.map(({ count }) => count)).toEqual([2, 1]);
    expect(reasons[0].reason).toMatch(/^userId: expected .*; timestampMs: expected [^"]*$/);
    expect(reasons[0].example).toContain('found "a; b, found c"');
    const text = inspectionText(inspection);
    expect(text).toMatch(/parsed +50\.00 % \(3 are no events\); 1 without a value; 1 that end a replay; 1 ahead/);
    expect(text).toMatch(/1 such as: expected a JSON object, found bytes that are no JSON/);
    expect(text).toMatch(/keyed by user/);
  });

  it("measures how far events come behind stream time, and suggests a grace that nearly all keep", async () => {
    await log.createTopic(topic, 1);
    const records = Array.from({ length: 2000 }, (_, i) => event(`u${i}`, 1, i * 1000 - (i % 20 === 19 ? 200_000 : 0)));
    records.push(event("late", 1, 0));
    await log.append(topic, records);
    const { statistics, suggested } = await inspect({}, 5000);
    expect(statistics.disorderMs).toEqual({ p50: 0, p99: 199_000, p999: 199_000, max: 1_998_000 });
    expect(suggested?.graceMs).toBe(300_000);
  });

  it("looks at the newest records only", async () => {
    await log.createTopic(topic, 1);
    for (let i = 0; i < 50; i++) await log.append(topic, [event(`u${i}`, i, i)]);
    const { statistics, offsets, samplePerPartition } = await inspect({}, 10);
    expect({ offsets, samplePerPartition, records: statistics.records }).toEqual({
      offsets: 50,
      samplePerPartition: 10,
      records: 10,
    });
    expect(statistics.firstEventMs).toBe(startMs + 40);
  });

  it("suggests a mapping where none is given and ours does not fit, and judges the topic by it", async () => {
    await log.createTopic(topic, 1);
    const own = (i: number) => ({
      type: i % 2 ? "view" : "buy",
      customer: { id: i % 3 },
      sku: i,
      ts: startMs / 1000 + i,
    });
    await log.append(
      topic,
      Array.from({ length: 12 }, (_, i) => ({ key: null, value: bytes(JSON.stringify(own(i))) })),
    );
    const inspection = await inspect({ only: [{ path: "type", value: "buy" }] });
    expect(inspection.mappingSuggested).toBe(true);
    expect(inspection.mapping).toEqual({
      fields: { userId: "customer.id", itemId: "sku", timestampMs: "ts" },
      time: "s",
      only: [{ path: "type", value: "buy" }],
    });
    expect(inspection.statistics).toMatchObject({ events: 6, leftOut: 6, users: 3 });
    expect(inspectionText(inspection)).toMatch(/type: buy \(6\), view \(6\); --only type=VALUE/);
    const given = { fields: { userId: "nowhere" } };
    expect(await inspect(given)).toMatchObject({ mapping: given, mappingSuggested: false, suggested: null });
  });

  it("says so of an empty topic, and refuses one that is not there", async () => {
    await expect(inspect()).rejects.toMatchObject({ code: "TOPIC_UNKNOWN" });
    await log.createTopic(topic, 2);
    const inspection = await inspect();
    expect(inspection).toMatchObject({ suggested: null, statistics: { records: 0, keyedByUser: null } });
    expect(inspectionText(inspection)).toMatch(/No records/);
  });

  it.each([
    [0, "0ms"],
    [250, "250ms"],
    [90_000, "90s"],
    [900_000, "15m"],
    [129_600_000, "36h"],
    [604_800_000, "7d"],
    [3_600_001 * 5, "5h"],
  ])("writes %d ms as %s", (ms, text) => {
    expect(lengthText(ms)).toBe(text);
  });
});
