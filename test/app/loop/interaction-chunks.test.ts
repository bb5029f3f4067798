import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryInteractionLog } from "../../../src/adapters/local/memory-interaction-log.ts";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { ParquetInteractionChunks } from "../../../src/adapters/parquet/parquet-interaction-chunks.ts";
import { keepInteractions, readInteractions } from "../../../src/app/loop/interaction-chunks.ts";
import { encodeWireEvent } from "../../../src/streaming/interaction-event.ts";

const place = { topic: "interactions", partition: 0, group: "g" };
const prefix = "interactions/g/0/";

/** So many records, of which every seventh does not parse; `commit` moves the group's offset. */
async function logOf(records: number) {
  const log = new MemoryInteractionLog();
  await log.createTopic(place.topic, 1);
  const values = Array.from({ length: records }, (_, i) =>
    i % 7 === 6
      ? new Uint8Array([123])
      : encodeWireEvent({ userId: i % 3, itemId: `film ${i}`, timestampMs: i - 5, rating: i % 2 === 0 ? 4.5 : null }),
  );
  await log.append(
    place.topic,
    values.map((value) => ({ key: null, value })),
  );
  const producer = await log.openProducer("t");
  const commit = (offset: number) => producer.commit({ records: [], offsets: [{ ...place, offset, metadata: "" }] });
  return { log, commit };
}

class CrashingStore extends MemoryObjectStore {
  crashes: boolean[] = [];

  override async putIfAbsent(...call: Parameters<MemoryObjectStore["putIfAbsent"]>) {
    const crash = this.crashes.shift();
    if (crash === true) throw new Error("crash before");
    const info = await super.putIfAbsent(...call);
    if (crash === false) throw new Error("crash after");
    return info;
  }
}

describe("kept interactions", () => {
  it("hold what the group has committed and what parses, as the source wrote it", async () => {
    const { log, commit } = await logOf(20);
    const chunks = new ParquetInteractionChunks(new MemoryObjectStore(), prefix);
    await commit(10);
    expect(await keepInteractions({ log, chunks }, { ...place, chunkOffsets: 4 })).toBe(10);
    expect(await chunks.list()).toEqual([
      { from: 0, to: 4 },
      { from: 4, to: 8 },
      { from: 8, to: 10 },
    ]);
    const found = await readInteractions(chunks, { from: 2, to: 9 });
    expect(found.map(({ offset }) => offset)).toEqual([2, 3, 4, 5, 7, 8]);
    expect(found[0]).toMatchObject({ userText: "2", userId: 2, itemText: "film 2", timestampMs: -3, rating: 4.5 });
    expect(found[1].rating).toBeNull();
  });

  it("have neither hole nor repeat, wherever the copier crashes and whoever copies beside it", async () => {
    const crash = fc.oneof(fc.constant(true), fc.constant(false));
    const run = fc.record({
      committed: fc.integer({ min: 0, max: 40 }),
      chunkOffsets: fc.integer({ min: 1, max: 15 }),
      crashes: fc.array(crash, { maxLength: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(run, { maxLength: 6 }), async (runs) => {
        const { log, commit } = await logOf(40);
        const store = new CrashingStore();
        const chunks = new ParquetInteractionChunks(store, prefix);
        for (const { committed, chunkOffsets, crashes } of runs) {
          await commit(committed);
          store.crashes = crashes;
          await Promise.allSettled([
            keepInteractions({ log, chunks }, { ...place, chunkOffsets }),
            keepInteractions({ log, chunks }, { ...place, chunkOffsets: chunkOffsets + 1 }),
          ]);
        }
        store.crashes = [];
        await commit(40);
        expect(await keepInteractions({ log, chunks }, { ...place, chunkOffsets: 9 })).toBe(40);
        const found = await readInteractions(chunks, { from: 0, to: 40 });
        expect(found.map(({ offset }) => offset)).toEqual([...Array(40).keys()].filter((i) => i % 7 !== 6));
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  it("begin where the group began, and go on behind what the log has removed since", async () => {
    const { log, commit } = await logOf(20);
    const chunks = new ParquetInteractionChunks(new MemoryObjectStore(), prefix);
    await commit(5);
    expect(await keepInteractions({ log, chunks }, { ...place, startOffset: 3, chunkOffsets: 9 })).toBe(5);
    let reads = 0;
    const cut = new Proxy(log, {
      get: (of, name) => {
        if (name === "startOffset") return async () => 8;
        const method = Reflect.get(of, name) as (...args: unknown[]) => unknown;
        return (...args: unknown[]) => {
          if (name === "read") reads += 1;
          if (name === "read" && Number(args[2]) < 8) expect.fail(`offset ${args[2]} was removed`);
          return method.apply(of, args);
        };
      },
    });
    await commit(10);
    expect(await keepInteractions({ log: cut, chunks }, { ...place, startOffset: 3, chunkOffsets: 9 })).toBe(10);
    expect(await chunks.list()).toEqual([
      { from: 3, to: 5 },
      { from: 8, to: 10 },
    ]);
    const before = reads;
    expect(await keepInteractions({ log: cut, chunks }, { ...place, startOffset: 3, chunkOffsets: 9 })).toBe(10);
    expect(reads).toBe(before);
  });

  it("are without what lies too far ahead of its record: a wrong clock would make all else look old", async () => {
    const { log, commit } = await logOf(0);
    for (const [itemId, timestampMs] of [
      [1, 1_100],
      [2, 1_101],
      [3, 900],
    ]) {
      const value = encodeWireEvent({ userId: 1, itemId, timestampMs, rating: null });
      await log.append(place.topic, [{ key: "1", value, timestampMs: 1_000 }]);
    }
    await commit(3);
    const chunks = new ParquetInteractionChunks(new MemoryObjectStore(), prefix);
    await keepInteractions({ log, chunks }, { ...place, maxAheadMs: 100, chunkOffsets: 9 });
    expect((await readInteractions(chunks, { from: 0, to: 3 })).map(({ offset }) => offset)).toEqual([0, 2]);
  });

  it("are refused where some are missing, or a file is not theirs", async () => {
    const { log, commit } = await logOf(20);
    const store = new MemoryObjectStore();
    const chunks = new ParquetInteractionChunks(store, prefix);
    await commit(10);
    await keepInteractions({ log, chunks }, { ...place, chunkOffsets: 5 });
    await expect(readInteractions(chunks, { from: 3, to: 12 })).rejects.toMatchObject({
      code: "CHUNKS_MISSING",
      data: { offset: 10 },
    });
    const [key] = await store.list(prefix);
    await store.put(key, new Uint8Array(100));
    await expect(readInteractions(chunks, { from: 0, to: 3 })).rejects.toMatchObject({ code: "FILE_DAMAGED" });
  });
});
