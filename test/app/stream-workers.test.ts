import { afterEach, describe, expect, it, vi } from "vitest";
import { MemoryInteractionLog } from "../../src/adapters/local/memory-interaction-log.ts";
import { MemoryObjectStore } from "../../src/adapters/local/memory-object-store.ts";
import { PartitionWorker } from "../../src/app/stream/partition-worker.ts";
import {
  createTopics,
  defaultTopics,
  type StreamDeps,
  type StreamSettings,
} from "../../src/app/stream/stream-settings.ts";
import { WindowWorker } from "../../src/app/stream/window-worker.ts";
import { NcfError } from "../../src/core/errors.ts";
import { partitionOfKey } from "../../src/core/murmur2.ts";
import { mix } from "../../src/core/rng.ts";
import { type InteractionLog, maxRecordBytes, type TransactionalProducer } from "../../src/ports/interaction-log.ts";
import { encodeEndOfStream, encodeWireEvent, type WireEvent } from "../../src/streaming/interaction-event.ts";
import { TimeWindows } from "../../src/streaming/time-windows.ts";
import { settings as liveSettings } from "./stream/member-in-process.ts";

const settings: StreamSettings = {
  ...liveSettings,
  group: "test",
  windows: TimeWindows.ofSizeAndGrace(2000, 200),
  endOfStream: "ends",
  leak: "refuse",
  commitRecords: 7,
  snapshotRecords: 20,
  snapshotPartials: 1000,
};
const partitions = 2;

/**
 * Events with repeats, late ones and two that are no events, in a log of two partitions.
 *
 * @param change what becomes of the i-th event, which stays in its place
 */
async function filledLog(
  change: (event: WireEvent, i: number) => WireEvent = (event) => event,
): Promise<MemoryInteractionLog> {
  const log = new MemoryInteractionLog();
  await log.createTopic(defaultTopics.interactions, partitions);
  await createTopics(log, defaultTopics);
  const records = Array.from({ length: 150 }, (_, i) => {
    const late = i % 23 === 22;
    const userId = String(mix(i, 1, 1) % 9);
    const timestampMs = 1000 + 60 * i - (late ? 5000 : 0);
    const event = { userId, itemId: String(1 + (mix(i, 2, 2) % 200)), timestampMs };
    const value = encodeWireEvent(change(event, i));
    return { key: userId, value: i === 40 ? new TextEncoder().encode("{") : value, timestampMs: 1000 + 60 * i };
  });
  const producer = await log.openProducer("source");
  const topic = defaultTopics.interactions;
  const all = [...records, { key: "x", value: null, timestampMs: 9999 }];
  // In transactions, whose ends take offsets that hold no record.
  for (let from = 0; from < all.length; from += 10) {
    const some = all.slice(from, from + 10).map((record) => ({ ...record, topic }));
    await producer.commit({ records: some, offsets: [] });
  }
  const end = (partition: number) => ({ topic, partition, key: null, value: encodeEndOfStream() });
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
    expect(count("dead-letters")).toBe(1);
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
      (event) => ({ ...event, userId: "2" }),
    ];
    for (const other of others) {
      const ofOthers = (event: WireEvent) => partitionOfKey(String(event.userId), partitions) === 1;
      const found = await run(await filledLog((event) => (ofOthers(event) ? other(event) : event)));
      expect(found["outcomes 1"]).not.toEqual(expected["outcomes 1"]);
      for (const topic of ["outcomes 0", "late 0", "dead-letters 0"]) expect(found[topic]).toEqual(expected[topic]);
    }
  });

  it("publish of an event the same whatever comes after it, in the same commit or later", async () => {
    const expected = await undisturbed();
    let compared = 0;
    for (const first of [1, 3, 30, 75, 110, 149]) {
      // Other items, and times that close windows at once.
      const log = await filledLog((event, i) =>
        i < first ? event : { ...event, itemId: "7", timestampMs: event.timestampMs + 900 },
      );
      const found = await run(log);
      for (let p = 0; p < partitions; p++) {
        const until = await firstDifference(log, await filledLog(), p);
        const upTo = (texts: readonly string[]) => texts.filter((text) => JSON.parse(text).offset < until);
        for (const topic of [`outcomes ${p}`, `late ${p}`, `dead-letters ${p}`]) {
          expect(upTo(found[topic])).toEqual(upTo(expected[topic]));
        }
        compared += upTo(expected[`outcomes ${p}`]).length;
      }
    }
    expect(compared).toBeGreaterThan(200);
  });

  it("write nothing more once a step has failed, so that a step tried again skips no event", async () => {
    const log = await filledLog();
    const deps = { log, store: new MemoryObjectStore() };
    const full = { code: "LOG_NOT_WRITTEN", retriable: true };
    const failing = await PartitionWorker.open(withFailingCommit(deps, 2), settings, 0);
    await failing.step();
    await expect(failing.step()).rejects.toMatchObject(full);
    await expect(failing.step()).rejects.toMatchObject({ code: "WORKER_FAILED" });
    await expect(failing.step()).rejects.toThrow(/Close it and open another/);
    for (let p = 0; p < partitions; p++) {
      const worker = await PartitionWorker.open(deps, settings, p);
      while ((await worker.step()) > 0);
    }
    const windows = await WindowWorker.open(withFailingCommit(deps, 1), settings);
    await expect(windows.step()).rejects.toMatchObject(full);
    await expect(windows.step()).rejects.toMatchObject({ code: "WORKER_FAILED" });
    const next = await WindowWorker.open(deps, settings);
    while ((await next.step()).length > 0);
    expect(await published(log)).toEqual(await undisturbed());
  });

  it("go on behind offsets that hold no record", async () => {
    const log = await filledLog();
    const deps = { log: withEmptyBatches(log), store: new MemoryObjectStore() };
    for (let p = 0; p < partitions; p++) {
      const worker = await PartitionWorker.open(deps, settings, p);
      while ((await worker.step()) > 0);
    }
    const windows = await WindowWorker.open(deps, settings);
    while ((await windows.step()).length > 0);
    expect(await published(log)).toEqual(await undisturbed());
  });

  it("refuse a committed offset that the log does not reach, as of a topic that was made anew", async () => {
    const log = await filledLog();
    const { interactions, windowPartials } = defaultTopics;
    const producer = await log.openProducer("before");
    const place = { group: "test", partition: 0, offset: 100_000, metadata: "" };
    for (const topic of [interactions, windowPartials]) {
      await producer.commit({ records: [], offsets: [{ ...place, topic }] });
    }
    const deps = { log, store: new MemoryObjectStore() };
    const refused = { code: "OFFSET_OUT_OF_RANGE", message: expect.stringContaining("start a new group") };
    await expect(PartitionWorker.open(deps, settings, 0)).rejects.toMatchObject(refused);
    await expect(WindowWorker.open(deps, settings)).rejects.toMatchObject(refused);
  });

  it("read partials on until a report changes", async () => {
    const log = new MemoryInteractionLog();
    await log.createTopic(defaultTopics.interactions, 1);
    await createTopics(log, defaultTopics);
    const junk = Array.from({ length: 5 }, () => ({ key: null, value: new Uint8Array(0) }));
    const value = encodeWireEvent({ userId: 1, itemId: 2, timestampMs: 3 });
    await log.append(defaultTopics.interactions, [...junk, { key: "1", value, timestampMs: 3 }]);
    const deps = { log, store: new MemoryObjectStore() };
    const oneByOne = { ...settings, commitRecords: 1 };
    const worker = await PartitionWorker.open(deps, oneByOne, 0);
    while ((await worker.step()) > 0);
    const windows = await WindowWorker.open(deps, oneByOne);
    expect(await windows.step()).toMatchObject([{ startMs: 0, cases: 1 }]);
  });

  it("name a partial that is none, and the way out", async () => {
    const log = await filledLog();
    await log.append(defaultTopics.windowPartials, [{ key: "0", value: new TextEncoder().encode('{"partition":-1}') }]);
    const windows = await WindowWorker.open({ log, store: new MemoryObjectStore() }, settings);
    await expect(windows.step()).rejects.toMatchObject({
      code: "PARTIAL_INVALID",
      message: expect.stringMatching(/window-partials.*offset 0.*start a new group/s),
    });
  });

  it("fit events into records that Kafka takes, however many windows they lie in", async () => {
    const log = new MemoryInteractionLog();
    await log.createTopic(defaultTopics.interactions, 1);
    await createTopics(log, defaultTopics);
    // Popular items, which popularity hits: so the sums have many digits.
    const events = Array.from({ length: 400 }, (_, i) => ({
      userId: i,
      itemId: 200 - (i % 5),
      // Now and then a leap, which brings windows that the commit has none of.
      timestampMs: 1000 * i + (i % 50 === 49 ? 100_000 : 0),
    }));
    await log.append(
      defaultTopics.interactions,
      events.map((event) => ({ key: null, value: encodeWireEvent(event), timestampMs: event.timestampMs })),
    );
    const deps = { log, store: new MemoryObjectStore() };
    const wide = {
      ...settings,
      windows: TimeWindows.ofSizeAndGrace(60_000, 1_000_000).advanceBy(1000),
      commitRecords: 1000,
      snapshotRecords: 10_000,
    };
    const worker = await PartitionWorker.open(deps, wide, 0);
    let done = 0;
    for (let folded = await worker.step(); folded > 0; folded = await worker.step()) done += folded;
    expect(done).toBe(400);
    const windows = await WindowWorker.open(deps, wide);
    const reports = new Map<number, number>();
    for (let list = await windows.step(); list.length > 0; list = await windows.step()) {
      for (const { startMs, cases } of list) reports.set(startMs, cases);
    }
    expect([...reports.values()].reduce((sum, cases) => sum + cases, 0)).toBe(400 * 60);
  });

  it("fit the largest records that are no events into the dead letters, by their beginning", async () => {
    const log = new MemoryInteractionLog();
    await log.createTopic(defaultTopics.interactions, 1);
    await createTopics(log, defaultTopics);
    const junk = [
      { key: null, value: new Uint8Array(maxRecordBytes).fill(65) },
      { key: "k".repeat(maxRecordBytes - 2), value: new TextEncoder().encode("{}") },
    ];
    await log.append(defaultTopics.interactions, junk);
    const worker = await PartitionWorker.open({ log, store: new MemoryObjectStore() }, settings, 0);
    expect(await worker.step()).toBe(2);
    const { records } = await log.read(defaultTopics.deadLetters, 0, 0, 9);
    const letters = records.map(({ value }) => JSON.parse(new TextDecoder().decode(value ?? new Uint8Array())));
    expect(letters).toMatchObject([
      { offset: 0, valueBytes: maxRecordBytes, value: expect.stringMatching(/^QUFB/) },
      { offset: 1, valueBytes: 2, value: "e30=" },
    ]);
    expect(records.map(({ key }) => key)).toEqual([null, null]);
  });

  it("keep the two newest snapshots of a partition", async () => {
    const deps = { log: await filledLog(), store: new MemoryObjectStore() };
    const worker = await PartitionWorker.open(deps, { ...settings, snapshotRecords: 7 }, 0);
    while ((await worker.step()) > 0);
    expect(await deps.store.list("snapshots/test/0/")).toHaveLength(2);
  });

  it("go on with the windows of the newest snapshot, reading the partials from there", async () => {
    const log = await filledLog();
    const deps = { log, store: new MemoryObjectStore() };
    const often = { ...settings, snapshotPartials: 3, commitRecords: 2 };
    for (let p = 0; p < partitions; p++) {
      const worker = await PartitionWorker.open(deps, settings, p);
      while ((await worker.step()) > 0);
    }
    const reads = vi.spyOn(log, "read");
    const starts: number[] = [];
    for (let steps = 3; steps === 3; ) {
      reads.mockClear();
      const worker = await WindowWorker.open(deps, often);
      starts.push(reads.mock.calls[0]?.[2] ?? 0);
      for (steps = 0; steps < 3 && (await worker.step()).length > 0; ) steps += 1;
    }
    expect(starts.at(-1)).toBeGreaterThan(10);
    expect((await deps.store.list("snapshots/test/windows/")).length).toBe(2);
    expect(await published(log)).toEqual(await undisturbed());
    await expect(WindowWorker.open(deps, { ...often, windows: TimeWindows.ofSizeAndGrace(1000, 200) })).rejects.toThrow(
      /expected window state of/,
    );
    for (const key of await deps.store.list("snapshots/test/windows/")) await deps.store.put(key, Uint8Array.of(123));
    await expect(WindowWorker.open(deps, often)).rejects.toMatchObject({
      code: "FILE_DAMAGED",
      message: expect.stringContaining("Remove it"),
    });
  });

  it("are not misled by snapshots of a log that was made anew or set back", async () => {
    const deps = { log: await filledLog(), store: new MemoryObjectStore() };
    const worker = await PartitionWorker.open(deps, { ...settings, snapshotRecords: 30 }, 0);
    while ((await worker.step()) > 0);
    expect((await deps.store.list("snapshots/test/0/")).length).toBeGreaterThan(0);
    // The same group on another log: what its snapshots hold never happened there.
    const anew = { log: await filledLog(), store: deps.store };
    await expect(PartitionWorker.open(anew, settings, 0)).rejects.toMatchObject({ code: "OFFSETS_LOST" });
    // Set back to before them: they are of what is to come.
    const producer = await deps.log.openProducer("somebody");
    const { group, topics } = settings;
    const start = { group, topic: topics.interactions, partition: 0, offset: 0, metadata: "" };
    await producer.commit({ records: [], offsets: [start] });
    await PartitionWorker.open(deps, settings, 0);
    expect(await deps.store.list("snapshots/test/0/")).toEqual([]);
  });
});

/** The first offset of a partition at which the interactions of two logs differ. */
async function firstDifference(log: InteractionLog, other: InteractionLog, partition: number): Promise<number> {
  const [one, two] = await Promise.all(
    [log, other].map((from) => from.read(defaultTopics.interactions, partition, 0, 1000)),
  );
  const at = one.records.findIndex(({ value }, i) => String(value) !== String(two.records[i].value));
  return at < 0 ? one.nextOffset : one.records[at].offset;
}

/** The world of a worker whose n-th commit fails, as on a full disk. */
function withFailingCommit({ log, store }: StreamDeps, nth: number): StreamDeps {
  const openProducer = async (id: string): Promise<TransactionalProducer> => {
    const producer = await log.openProducer(id);
    let commits = 0;
    return {
      commit: async (transaction) => {
        commits += 1;
        if (commits === nth) throw new NcfError("LOG_NOT_WRITTEN", "the disk is full", { retriable: true });
        return producer.commit(transaction);
      },
      close: () => producer.close(),
    };
  };
  return { store, log: forwarding(log, { openProducer }) };
}

function forwarding(log: InteractionLog, changes: Partial<InteractionLog>): InteractionLog {
  return new Proxy(log, {
    get: (target, name) => {
      const found = changes[name as keyof InteractionLog] ?? target[name as keyof InteractionLog];
      return typeof found === "function" ? found.bind(target) : found;
    },
  });
}

/** Where a read starts in a gap of the offsets, it comes back without a record, at the gap's end. */
function withEmptyBatches(log: InteractionLog): InteractionLog {
  const read: InteractionLog["read"] = async (topic, partition, fromOffset, maxRecords) => {
    const batch = await log.read(topic, partition, fromOffset, maxRecords);
    const [first] = batch.records;
    return first === undefined || first.offset === fromOffset ? batch : { records: [], nextOffset: first.offset };
  };
  return forwarding(log, { read });
}
