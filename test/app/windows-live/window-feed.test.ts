import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MemoryInteractionLog } from "../../../src/adapters/local/memory-interaction-log.ts";
import { LatestWindows } from "../../../src/app/windows-live/latest-windows.ts";
import { WindowFeed, type WindowFeedDeps } from "../../../src/app/windows-live/window-feed.ts";
import { NcfError } from "../../../src/core/errors.ts";
import type { InteractionLog } from "../../../src/ports/interaction-log.ts";
import type { WindowReport } from "../../../src/streaming/window-report.ts";
import { reportWith } from "../http-api/window-reports.ts";

const topic = "windows";
let log: MemoryInteractionLog;
let latest: LatestWindows;
let lines: string[];
let stop: AbortController;
let running: { feed: WindowFeed; ended: Promise<void> }[];

beforeEach(() => {
  log = new MemoryInteractionLog();
  latest = new LatestWindows({ source: "stream", instance: "test", limit: 1000 });
  lines = [];
  stop = new AbortController();
  running = [];
});
afterEach(async () => {
  stop.abort();
  await Promise.allSettled(running.map(({ ended }) => ended));
});

function start(openLog: WindowFeedDeps["openLog"] = async () => log): (typeof running)[number] {
  const feed = new WindowFeed({ openLog, topic, sink: latest, log: (line) => lines.push(line) });
  const started = { feed, ended: feed.run(stop.signal) };
  running.push(started);
  return started;
}

async function report(changes: Partial<WindowReport>, to: InteractionLog = log): Promise<void> {
  const written = reportWith(changes);
  const value = new TextEncoder().encode(JSON.stringify(written));
  await to.append(topic, [{ key: String(written.startMs), value }]);
}

const shown = () => latest.reports.map(({ startMs, final, revision }) => [startMs, final, revision]);

/** The log, but away while `away` says so. */
function flaky(of: InteractionLog, away: () => boolean): InteractionLog {
  const fail = (): void => {
    if (away())
      throw new NcfError("LOG_UNAVAILABLE", "expected a log that answers, found silence", { retriable: true });
  };
  return new Proxy(of, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (typeof value !== "function" || name === "close")
        return typeof value === "function" ? value.bind(target) : value;
      return async (...args: unknown[]) => {
        fail();
        return value.apply(target, args);
      };
    },
  });
}

describe("the feed of windows", () => {
  it("folds the topic from its start to the latest report of each window, and follows", async () => {
    await log.createTopic(topic, 1);
    await report({ startMs: 10, final: false });
    await report({ startMs: 0, final: true });
    await report({ startMs: 10, final: true });
    start();
    await expect.poll(shown).toEqual([
      [0, true, 0],
      [10, true, 0],
    ]);
    expect(latest.reading).toBe(true);
    await report({ startMs: 20, final: false });
    await report({ startMs: 0, final: true, revision: 1 });
    await expect.poll(shown).toEqual([
      [0, true, 1],
      [10, true, 0],
      [20, false, 0],
    ]);
    expect(lines).toEqual([]);
  });

  it("waits for a topic that is not there yet, and says so once", async () => {
    start();
    await expect.poll(() => lines).toEqual([`Waiting for topic ${topic}: ncf stream makes it.`]);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(latest.reading).toBe(false);
    await log.createTopic(topic, 1);
    await report({ startMs: 5 });
    await expect.poll(shown, { timeout: 5000 }).toEqual([[5, true, 0]]);
    expect(lines).toEqual([expect.anything(), `Reading windows from topic ${topic} now.`]);
  });

  it("outlives a log that is away, from the first moment and later, and loses nothing", async () => {
    await log.createTopic(topic, 1);
    let away = true;
    start(async () => {
      if (away) throw new NcfError("LOG_UNAVAILABLE", "expected brokers, found none", { retriable: true });
      return flaky(log, () => away);
    });
    await expect.poll(() => lines.length).toBe(1);
    away = false;
    await report({ startMs: 1 });
    await expect.poll(() => shown().length, { timeout: 5000 }).toBe(1);
    away = true;
    await report({ startMs: 2 });
    await expect.poll(() => latest.reading, { timeout: 5000 }).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 500));
    away = false;
    await expect.poll(() => shown().length, { timeout: 5000 }).toBe(2);
    await expect.poll(() => latest.reading).toBe(true);
    expect(lines.map((line) => line.split(" ")[0])).toEqual(["Waiting", "Reading", "Waiting", "Reading"]);
  });

  it("leaves out what is no window report, counts it, and says so once", async () => {
    await log.createTopic(topic, 1);
    for (const text of ["{", "{}", JSON.stringify({ ...reportWith({}), formatVersion: 99 }), "ÿ"]) {
      await log.append(topic, [{ key: "1", value: new TextEncoder().encode(text) }]);
    }
    await log.append(topic, [{ key: "1", value: Uint8Array.of(0xff) }]);
    await log.append(topic, [{ key: "1", value: null }]);
    await report({ startMs: 3 });
    const { feed } = start();
    await expect.poll(() => shown().length).toBe(1);
    expect(feed.skipped).toBe(5);
    expect(lines).toEqual([expect.stringContaining("offset 0: expected a window report")]);
  });

  it("starts over where the topic was made anew", async () => {
    const first = new MemoryInteractionLog();
    await first.createTopic(topic, 1);
    for (let startMs = 0; startMs < 5; startMs++) await report({ startMs }, first);
    await log.createTopic(topic, 1);
    await report({ startMs: 77 });
    let current: InteractionLog = first;
    const methods = ["startOffset", "read", "waitForRecords", "close"] as const;
    const either = methods.map((name) => [
      name,
      (...args: never[]) => (current[name] as (...a: never[]) => unknown).apply(current, args),
    ]);
    start(async () => Object.fromEntries(either) as InteractionLog);
    await expect.poll(() => shown().length).toBe(5);
    current = log;
    await expect.poll(shown, { timeout: 5000 }).toEqual([[77, true, 0]]);
    expect(lines).toEqual([`Topic ${topic} was made anew: its windows are read from the start.`]);
  });

  it("ends on the signal, and on an error that waiting does not mend", async () => {
    await log.createTopic(topic, 1);
    const { ended } = start();
    await expect.poll(() => latest.reading).toBe(true);
    stop.abort();
    await ended;
    expect(latest.reading).toBe(false);
    stop = new AbortController();
    const refusing = start(() => Promise.reject(new NcfError("LOG_REFUSED", "expected a right to read, found none")));
    await expect(refusing.ended).rejects.toMatchObject({ code: "LOG_REFUSED" });
  });
});

describe("the latest windows", () => {
  const changed = (cursor: string | null) => {
    const { fromStart, changes } = latest.changesAfter(cursor);
    return { fromStart, starts: changes.map(({ report: { startMs } }) => startMs), cursor: changes.at(-1)?.cursor };
  };

  it("tells who comes back what changed since, and each window once", () => {
    for (const startMs of [1, 2, 3]) latest.onReport(reportWith({ startMs, final: false }));
    const { fromStart, starts, cursor } = changed(null);
    expect([fromStart, starts]).toEqual([true, [1, 2, 3]]);
    for (const startMs of [2, 4, 2, 2]) latest.onReport(reportWith({ startMs, final: false }));
    expect(changed(cursor ?? "")).toMatchObject({ fromStart: false, starts: [4, 2] });
    expect(changed(changed(null).cursor ?? "")).toMatchObject({ fromStart: false, starts: [] });
  });

  it("gives all to whoever was told of something else", () => {
    latest.onReport(reportWith({ startMs: 1 }));
    const { cursor } = changed(null);
    for (const other of ["", "x", "other.0-1", "test.0-2", "test.0--1", "test.0-1.5", "test.0-1e0"]) {
      expect(changed(other), other).toMatchObject({ fromStart: true, starts: [1] });
    }
    latest.onReset();
    latest.onReport(reportWith({ startMs: 9 }));
    expect(changed(cursor ?? "")).toMatchObject({ fromStart: true, starts: [9] });
  });

  it("keeps the newest windows only", () => {
    latest = new LatestWindows({ source: "stream", instance: "test", limit: 3 });
    for (const startMs of [5, 1, 4, 2, 3, 0]) latest.onReport(reportWith({ startMs }));
    expect(shown().map(([startMs]) => startMs)).toEqual([3, 4, 5]);
    expect(changed(null).starts).toEqual([5, 4, 3]);
  });
});
