import { afterEach, describe, expect, it, vi } from "vitest";
import { MemoryInteractionLog } from "../../src/adapters/local/memory-interaction-log.ts";
import { MemoryObjectStore } from "../../src/adapters/local/memory-object-store.ts";
import { PartitionWorker } from "../../src/app/stream/partition-worker.ts";
import { createTopics, defaultTopics, type StreamSettings } from "../../src/app/stream/stream-settings.ts";
import { WindowWorker } from "../../src/app/stream/window-worker.ts";
import { partitionOfKey } from "../../src/core/murmur2.ts";
import { mix } from "../../src/core/rng.ts";
import { encodeEndOfStream, encodeWireEvent, type WireEvent } from "../../src/streaming/interaction-event.ts";
import { TimeWindows } from "../../src/streaming/time-windows.ts";
import { UserHistories } from "../../src/streaming/user-histories.ts";
import { VersionSchedule } from "../../src/streaming/version-schedule.ts";
import { modelOf, touchyScore } from "../streaming/fixtures.ts";

const settings: StreamSettings = {
  group: "test",
  topics: defaultTopics,
  windows: TimeWindows.ofSizeAndGrace(2000, 200),
  schedule: new VersionSchedule(modelOf(200, { score: touchyScore(9) })),
  base: { id: "none", histories: new UserHistories() },
  seed: 1,
  maxAheadMs: 1000,
  allowLeak: false,
  commitRecords: 7,
  snapshotRecords: 20,
};
const partitions = 2;

/**
 * Events with repeats, late ones and two that are no events, in a log of two partitions.
 *
 * @param elsewhere what becomes of the events of partition 1
 */
async function filledLog(elsewhere: (event: WireEvent) => WireEvent = (event) => event): Promise<MemoryInteractionLog> {
  const log = new MemoryInteractionLog();
  await log.createTopic(defaultTopics.interactions, partitions);
  await createTopics(log, defaultTopics);
  const records = Array.from({ length: 150 }, (_, i) => {
    const late = i % 23 === 22;
    const userId = String(mix(i, 1, 1) % 9);
    const timestampMs = 1000 + 60 * i - (late ? 5000 : 0);
    const event = { userId, itemId: String(1 + (mix(i, 2, 2) % 200)), timestampMs };
    const value = encodeWireEvent(partitionOfKey(userId, partitions) === 1 ? elsewhere(event) : event);
    return { key: userId, value: i === 40 ? new TextEncoder().encode("{") : value, timestampMs: 1000 + 60 * i };
  });
  await log.append(defaultTopics.interactions, [...records, { key: "x", value: null, timestampMs: 9999 }]);
  const producer = await log.openProducer("end");
  const end = (partition: number) => ({
    topic: defaultTopics.interactions,
    partition,
    key: null,
    value: encodeEndOfStream(),
  });
  await producer.commit({ records: [end(0), end(1)], offsets: [] });
  return log;
}

/** All that a reader of our topics sees; of windows, the final reports. */
async function published(log: MemoryInteractionLog): Promise<Record<string, string[]>> {
  const { outcomes, late, deadLetters, windows } = defaultTopics;
  const seen: Record<string, string[]> = {};
  for (const topic of [outcomes, late, deadLetters, windows]) {
    for (let partition = 0; partition < (await log.partitions(topic)); partition++) {
      const { records } = await log.read(topic, partition, 0, 10_000);
      const texts = records.map(({ value }) => new TextDecoder().decode(value ?? new Uint8Array()));
      seen[`${topic} ${partition}`] = topic === windows ? texts.filter((text) => JSON.parse(text).final) : texts;
    }
  }
  return seen;
}

async function undisturbed(): Promise<Record<string, string[]>> {
  return run(await filledLog());
}

async function run(log: MemoryInteractionLog): Promise<Record<string, string[]>> {
  const deps = { log, store: new MemoryObjectStore() };
  for (let p = 0; p < partitions; p++) {
    const worker = await PartitionWorker.open(deps, settings, p);
    while ((await worker.step()) > 0);
  }
  const windows = await WindowWorker.open(deps, settings);
  while ((await windows.step()).length > 0);
  return published(log);
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("stream workers", () => {
  it("publish outcomes, late events, dead letters and final windows", async () => {
    const seen = await undisturbed();
    const count = (topic: string) =>
      Object.entries(seen).reduce((sum, [key, list]) => sum + (key.startsWith(topic) ? list.length : 0), 0);
    expect(count("late")).toBeGreaterThan(0);
    expect(count("dead-letters")).toBe(2);
    expect(count("outcomes")).toBeGreaterThan(100);
    expect(count("hit-ratio-windows")).toBeGreaterThan(3);
  });

  it("publish the same when every commit is another worker's", async () => {
    const log = await filledLog();
    const deps = { log, store: new MemoryObjectStore() };
    for (let p = 0; p < partitions; p++) {
      while ((await (await PartitionWorker.open(deps, settings, p)).step()) > 0);
    }
    while ((await (await WindowWorker.open(deps, settings)).step()).length > 0);
    expect(await published(log)).toEqual(await undisturbed());
    expect((await deps.store.list("snapshots/test/0/")).length).toBe(0);
  });

  it("go on from the newest snapshot at or below the committed offset", async () => {
    const log = await filledLog();
    const deps = { log, store: new MemoryObjectStore() };
    for (let p = 0; p < partitions; p++) {
      for (;;) {
        const worker = await PartitionWorker.open(deps, settings, p);
        let steps = 0;
        while (steps < 4 && (await worker.step()) > 0) steps += 1;
        if (steps < 4) break;
      }
    }
    expect((await deps.store.list("snapshots/test/0/")).length).toBeGreaterThan(0);
    while ((await (await WindowWorker.open(deps, settings)).step()).length > 0);
    expect(await published(log)).toEqual(await undisturbed());
  });

  it("are fenced by whoever takes their partition over, and then write nothing", async () => {
    const log = await filledLog();
    const deps = { log, store: new MemoryObjectStore() };
    const former = await PartitionWorker.open(deps, settings, 0);
    await former.step();
    const owner = await PartitionWorker.open(deps, settings, 0);
    await expect(former.step()).rejects.toMatchObject({ code: "PRODUCER_FENCED" });
    while ((await owner.step()) > 0);
    const expected = await undisturbed();
    expect((await published(log))["outcomes 0"]).toEqual(expected["outcomes 0"]);
  });

  it("publish the same whatever the wall clock shows", async () => {
    const expected = await undisturbed();
    let turn = 0;
    const wild = () => [0, -8e14, 8e14, 1.5e12, -1, 2 ** 45][turn++ % 6];
    vi.spyOn(Date, "now").mockImplementation(wild);
    vi.spyOn(performance, "now").mockImplementation(wild);
    expect(await undisturbed()).toEqual(expected);
    expect(turn).toBeGreaterThan(0);
  });

  it("publish of a partition the same whatever the others hold", async () => {
    const expected = await undisturbed();
    const others: ((event: WireEvent) => WireEvent)[] = [
      (event) => ({ ...event, itemId: "7" }),
      (event) => ({ ...event, timestampMs: event.timestampMs - 3000 }),
      // Users of partition 0 in records of partition 1: another history than theirs.
      (event) => ({ ...event, userId: "1" }),
    ];
    for (const other of others) {
      const found = await run(await filledLog(other));
      expect(found["outcomes 1"]).not.toEqual(expected["outcomes 1"]);
      for (const topic of ["outcomes 0", "late 0", "dead-letters 0"]) expect(found[topic]).toEqual(expected[topic]);
    }
  });
});
