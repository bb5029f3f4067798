import { beforeEach, describe, expect, it } from "vitest";
import { MemoryInteractionLog } from "../../../src/adapters/local/memory-interaction-log.ts";
import { type RekeyDeps, type RekeyRequest, rekeyTopic } from "../../../src/app/topics/rekey-topic.ts";
import { partitionOfKey } from "../../../src/core/murmur2.ts";
import type { LogRecord, NewRecord } from "../../../src/ports/interaction-log.ts";
import { decodeRecord } from "../../../src/streaming/interaction-event.ts";

const text = (value: Uint8Array | null) => new TextDecoder().decode(value ?? undefined);
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const mapping = {
  fields: { userId: "who.id", itemId: "sku", timestampMs: "ts" },
  time: "s",
  only: [{ path: "type", value: "buy" }],
} as const;

let log: MemoryInteractionLog;
let deps: RekeyDeps;
const request = (more: Partial<RekeyRequest> = {}): RekeyRequest => ({
  from: "shop",
  to: "interactions",
  mapping,
  untilEnd: true,
  signal: new AbortController().signal,
  ...more,
});

beforeEach(async () => {
  log = new MemoryInteractionLog();
  await log.createTopic("shop", 3);
  await log.createTopic("interactions", 4);
  deps = { log, monotonicMs: () => 0, sleep: async () => {} };
});

/** An event of the shop, one a second. */
function bought(i: number): NewRecord {
  const value = json({ type: "buy", who: { id: `u${i % 11}` }, sku: i, ts: 1_700_000_000 + i });
  return { key: null, value, timestampMs: 1_700_000_000_000 + 1000 * i };
}

async function readAll(topic: string, partitions: number): Promise<(readonly LogRecord[])[]> {
  const all = Array.from({ length: partitions }, (_, p) => log.read(topic, p, 0, 1e6));
  return (await Promise.all(all)).map(({ records }) => records);
}

describe("rekeying a topic", () => {
  it("copies each event once, as ours, into the partition of its user, and goes on where it stopped", async () => {
    await log.append(
      "shop",
      Array.from({ length: 5000 }, (_, i) => bought(i)),
    );
    expect(await rekeyTopic(deps, request())).toEqual({ events: 5000, invalid: 0, tombstones: 0, leftOut: 0 });
    expect(await rekeyTopic(deps, request())).toMatchObject({ events: 0 });
    await log.append(
      "shop",
      Array.from({ length: 700 }, (_, i) => bought(5000 + i)),
    );
    expect(await rekeyTopic(deps, request())).toMatchObject({ events: 700 });
    const partitions = await readAll("interactions", 4);
    const items = partitions.flat().map(({ value }) => JSON.parse(text(value)).itemId as string);
    expect(items.sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 5700 }, (_, i) => String(i)));
    for (const [partition, records] of partitions.entries()) {
      for (const { key, value, timestampMs } of records) {
        const decoded = decodeRecord(value);
        if (decoded.kind !== "event") throw new Error("expected an event");
        expect(key).toBe(decoded.event.userText);
        expect(partitionOfKey(key ?? "", 4)).toBe(partition);
        expect(timestampMs).toBe(decoded.event.timestampMs);
      }
    }
  });

  it("lets no partition of the input run ahead, though one holds more than the others", async () => {
    const users = Array.from({ length: 9 }, (_, i) => `u${i}`);
    const keyOf = (partition: number) => users.find((key) => partitionOfKey(key, 3) === partition) ?? "";
    const dense = Array.from({ length: 8000 }, (_, i) => ({ ...bought(i), key: keyOf(0) }));
    const sparse = Array.from({ length: 800 }, (_, i) => ({ ...bought(10 * i), key: keyOf(1) }));
    await log.append("shop", [...dense, ...sparse]);
    await rekeyTopic(deps, request());
    for (const records of await readAll("interactions", 4)) {
      let streamTimeMs = 0;
      for (const { timestampMs } of records) {
        // A batch is 1,000 records, 1,000 seconds of the dense one.
        expect(streamTimeMs - timestampMs).toBeLessThanOrEqual(1_000_000);
        streamTimeMs = Math.max(streamTimeMs, timestampMs);
      }
    }
  });

  it("passes what is no event on for the stream's dead letters, and leaves aside what is none of its business", async () => {
    const wire = { userId: "1", itemId: "2", timestampMs: 5 };
    await log.append("shop", [
      { key: "x", value: new TextEncoder().encode("nonsense") },
      { key: "x", value: json({ type: "buy", sku: 1 }) },
      { key: "x", value: json({ type: "buy", ...wire }) },
      { key: "x", value: json({ endOfStream: true }) },
      { key: "x", value: json({ type: "view" }) },
      { key: "x", value: null },
      bought(1),
    ]);
    const counts = await rekeyTopic(deps, request());
    expect(counts).toEqual({ events: 1, invalid: 4, tombstones: 1, leftOut: 1 });
    const invalid = (await readAll("interactions", 4)).flat().filter(({ key }) => key === null);
    expect(invalid.every(({ value }) => decodeRecord(value).kind === "invalid")).toBe(true);
    const texts = invalid.map(({ value }) => text(value)).sort();
    expect(texts).toContain("nonsense");
    expect(texts).toContain('{"type":"buy","sku":1}');
    expect(texts.filter((value) => value.includes('"record"'))).toHaveLength(2);
    expect(texts.join()).toContain("who.id");
  });

  it("copies what comes until it is told to stop", async () => {
    const stop = new AbortController();
    let sleeps = 0;
    const sleep = async () => {
      sleeps += 1;
      if (sleeps <= 3) await log.append("shop", [bought(sleeps)]);
      else stop.abort(new Error("stopped"));
    };
    const counts = await rekeyTopic({ ...deps, sleep }, request({ untilEnd: false, signal: stop.signal }));
    expect(counts).toMatchObject({ events: 3 });
  });

  it("ends at the end that was there when it began", async () => {
    await log.append(
      "shop",
      Array.from({ length: 10 }, (_, i) => bought(i)),
    );
    let grown = false;
    const growing = new Proxy(log, {
      get: (target, name) => {
        const value = Reflect.get(target, name);
        if (name !== "openProducer") return typeof value === "function" ? value.bind(target) : value;
        return async (id: string) => {
          if (!grown)
            await target.append(
              "shop",
              Array.from({ length: 10 }, (_, i) => bought(10 + i)),
            );
          grown = true;
          return target.openProducer(id);
        };
      },
    });
    expect(await rekeyTopic({ ...deps, log: growing }, request())).toMatchObject({ events: 10 });
    expect(await rekeyTopic(deps, request())).toMatchObject({ events: 10 });
  });

  it("refuses a topic into itself, and topics that are not there", async () => {
    await expect(rekeyTopic(deps, request({ to: "shop" }))).rejects.toMatchObject({ code: "USAGE" });
    await expect(rekeyTopic(deps, request({ to: "none" }))).rejects.toMatchObject({ code: "TOPIC_UNKNOWN" });
    await expect(rekeyTopic(deps, request({ from: "none" }))).rejects.toMatchObject({ code: "TOPIC_UNKNOWN" });
  });

  it("ends where another process takes over", async () => {
    const sleep = async () => void (await log.openProducer("ncf-rekey-shop-interactions-p1"));
    await log.append("shop", [bought(1)]);
    let more = 0;
    const growing = async () => {
      await sleep();
      await log.append(
        "shop",
        Array.from({ length: 9 }, () => bought(++more)),
      );
    };
    const copying = rekeyTopic({ ...deps, sleep: growing }, request({ untilEnd: false }));
    await expect(copying).rejects.toMatchObject({ code: "REKEYED_ELSEWHERE" });
  });
});
