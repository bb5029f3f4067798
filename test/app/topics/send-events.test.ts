import { beforeEach, describe, expect, it } from "vitest";
import { MemoryInteractionLog } from "../../../src/adapters/local/memory-interaction-log.ts";
import { type SendDeps, type SendRequest, sendEvents } from "../../../src/app/topics/send-events.ts";
import { NcfError } from "../../../src/core/errors.ts";
import { partitionOfKey } from "../../../src/core/murmur2.ts";
import type { InteractionLog, TransactionalProducer } from "../../../src/ports/interaction-log.ts";
import { decodeRecord } from "../../../src/streaming/interaction-event.ts";

const topic = "interactions";
const hourMs = 3_600_000;
const length = 12_000;
const events = {
  id: "sequence",
  length,
  at: (i: number) => ({ eventId: `d-${i}`, userId: `u${i % 7}`, itemId: i, timestampMs: i * hourMs, rating: 4.5 }),
};

let log: MemoryInteractionLog;
let wallMs: number;
let deps: SendDeps;
const never = new AbortController().signal;
const request = (more: Partial<SendRequest> = {}): SendRequest => ({
  topic,
  events,
  speed: null,
  signal: never,
  ...more,
});

beforeEach(async () => {
  log = new MemoryInteractionLog();
  await log.createTopic(topic, 3);
  wallMs = 500;
  deps = {
    log,
    monotonicMs: () => wallMs,
    sleep: async (ms) => {
      wallMs += ms;
    },
  };
});

/** Event ids as sent, by partition. */
async function sent(): Promise<string[][]> {
  const partitions = await Promise.all([0, 1, 2].map((partition) => log.read(topic, partition, 0, 1e6)));
  return partitions.map(({ records }) =>
    records.map(({ value }) => {
      const decoded = decodeRecord(value);
      if (decoded.kind !== "event") throw new Error("expected an event");
      return decoded.event.eventId ?? "";
    }),
  );
}

/** Each event once, a user's in order in the partition of the user's key. */
function expected(): string[][] {
  const byPartition: string[][] = [[], [], []];
  for (let i = 0; i < length; i++) byPartition[partitionOfKey(`u${i % 7}`, 3)].push(`d-${i}`);
  return byPartition;
}

/** The log, but `fails` is asked before and after each commit. */
function failing(fails: (when: "before" | "after") => Error | null): InteractionLog {
  const openProducer = async (id: string): Promise<TransactionalProducer> => {
    const producer = await log.openProducer(id);
    return {
      close: () => producer.close(),
      commit: async (transaction) => {
        const before = fails("before");
        if (before !== null) throw before;
        await producer.commit(transaction);
        const after = fails("after");
        if (after !== null) throw after;
      },
    };
  };
  return new Proxy(log, {
    get: (target, name) => {
      if (name === "openProducer") return openProducer;
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

describe("sending events", () => {
  it("sends each once, keyed by user, in order, and nothing when asked again", async () => {
    expect(await sendEvents(deps, request())).toEqual({ events: length, sentBefore: 0 });
    expect(await sent()).toEqual(expected());
    expect(await sendEvents(deps, request())).toEqual({ events: length, sentBefore: length });
    expect(await sent()).toEqual(expected());
  });

  it("goes on after a crash before or after a commit, without a hole or a repeat", async () => {
    for (const [when, crashAt] of [
      ["after", 1],
      ["before", 2],
      ["before", 1],
    ] as const) {
      let commits = 0;
      const crashing = failing((now) => (now === when && ++commits === crashAt ? new Error("killed") : null));
      await expect(sendEvents({ ...deps, log: crashing }, request())).rejects.toThrow("killed");
    }
    const { sentBefore } = await sendEvents(deps, request());
    expect(sentBefore).toBe(10_000);
    expect(await sent()).toEqual(expected());
  });

  it("keeps sequences and topics apart", async () => {
    await log.createTopic("other", 1);
    const few = { ...events, length: 10 };
    await sendEvents(deps, request({ events: few }));
    expect(await sendEvents(deps, request({ events: { ...few, id: "another" } }))).toMatchObject({ sentBefore: 0 });
    expect(await sendEvents(deps, request({ events: few, topic: "other" }))).toMatchObject({ sentBefore: 0 });
    expect((await sent()).flat()).toHaveLength(20);
    expect(await sendEvents(deps, request({ events: few }))).toMatchObject({ sentBefore: 10 });
  });

  it("waits ever longer for a log that is away, says so, and starts over with short waits once it answered", async () => {
    const waits: number[] = [];
    const gone = new NcfError("LOG_UNAVAILABLE", "away", { retriable: true });
    // Commits that are lost, on the way there or back; the others pass.
    const lost = new Map([
      [1, "before"],
      [2, "before"],
      [4, "before"],
      [5, "after"],
    ]);
    let commit = 0;
    const flaky = failing((when) => {
      if (when === "before") commit++;
      return lost.get(commit) === when ? gone : null;
    });
    const onWait = (_: NcfError, ms: number) => waits.push(ms);
    await sendEvents({ ...deps, log: flaky, onWait }, request());
    expect(await sent()).toEqual(expected());
    expect(waits).toEqual([500, 1000, 500, 1000]);
  });

  it("keeps the events' own pace times the speed, gaps included", async () => {
    // One event an hour, 3,600,000 times as fast: one a millisecond.
    const marks: [ms: number, events: number][] = [];
    const progress = { start: () => ({ update: (done: number) => void marks.push([wallMs, done]), end: () => {} }) };
    await sendEvents({ ...deps, progress }, request({ speed: hourMs }));
    expect(wallMs).toBeGreaterThanOrEqual(500 + length - 1);
    expect(wallMs).toBeLessThan(500 + length + 200);
    for (const [ms, done] of marks) expect(done).toBeLessThanOrEqual(ms - 500 + 1);
    expect(await sent()).toEqual(expected());
  });

  it("stops on request, also while it waits, and says where it came from", async () => {
    const stop = new AbortController();
    const reason = new NcfError("INTERRUPTED", "stopped");
    const sleep = async () => stop.abort(reason);
    await expect(sendEvents({ ...deps, sleep }, request({ speed: 1, signal: stop.signal }))).rejects.toBe(reason);
    expect((await sent()).flat()).toEqual([]);
  });

  it("stops when another process sends the same", async () => {
    let commits = 0;
    const overtaken = failing((when) => {
      if (when === "before" && ++commits === 2) void log.openProducer(`ncf-replay-${events.id}-${topic}`);
      return null;
    });
    await expect(sendEvents({ ...deps, log: overtaken }, request())).rejects.toMatchObject({ code: "SENT_ELSEWHERE" });
    await expect(sendEvents(deps, request({ topic: "none" }))).rejects.toMatchObject({ code: "TOPIC_UNKNOWN" });
  });
});
