import { describe, expect, it } from "vitest";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { MemoryStreamGroup } from "../../../src/adapters/local/memory-stream-group.ts";
import { encodeJson } from "../../../src/core/json.ts";
import type { InteractionLog } from "../../../src/ports/interaction-log.ts";
import type { ObjectStore } from "../../../src/ports/object-store.ts";
import type { WindowReport } from "../../../src/streaming/window-report.ts";
import { refusing } from "../refusing-store.ts";
import { emptyLog, isRead, outputs, send, start, until } from "./member-in-process.ts";

/** The latest report of each window by its start, as the topic has it. */
async function reportsOfTopic(log: InteractionLog): Promise<Map<number, WindowReport>> {
  const { records } = await log.read(outputs.windows, 0, 0, 100_000);
  const reports = records.map(
    ({ value }) => JSON.parse(new TextDecoder().decode(value ?? new Uint8Array())) as WindowReport,
  );
  return new Map(reports.map((report) => [report.startMs, report]));
}

async function storedReports(store: ObjectStore): Promise<Map<number, WindowReport>> {
  const reports = new Map<number, WindowReport>();
  for (const key of await store.list("reports/live/")) {
    const { report } = JSON.parse(new TextDecoder().decode(await store.get(key))) as { report: WindowReport };
    reports.set(report.startMs, report);
  }
  return reports;
}

const byStart = (reports: Map<number, WindowReport>) => [...reports].sort(([a], [b]) => a - b);

describe("a stream whose store refuses", () => {
  it("folds windows on where their snapshot is refused, and stores one later", async () => {
    const log = await emptyLog();
    const store = new MemoryObjectStore();
    let away = true;
    const refuses = (method: string, key: string) => away && method === "put" && key.startsWith("snapshots/");
    const member = start({ log, store: refusing(store, refuses), groups: new MemoryStreamGroup(log) });
    const failures = () =>
      member.events.filter((event) => event.event === "snapshotFailed" && event.who === "windows").length;
    for (let sent = 0; failures() < 3; sent += 60) {
      await send(log, sent, sent + 60);
      await until(() => isRead(log));
    }
    expect(member.status.snapshotFailures).toBeGreaterThanOrEqual(failures());
    expect(await store.list("snapshots/live/windows/")).toEqual([]);
    away = false;
    for (let sent = 10_000; (await store.list("snapshots/live/windows/")).length === 0; sent += 60) {
      await send(log, sent, sent + 60);
      await until(() => isRead(log));
    }
    await member.stop();
    // It was never given up and opened anew.
    const opened = member.events.filter((event) => event.event === "opened" && event.who === "windows");
    expect(opened).toHaveLength(1);
    expect(member.events.some(({ event }) => event === "waiting")).toBe(false);
  });

  it("stores refused reports later, a successor those of a member that has ended meanwhile", async () => {
    const log = await emptyLog();
    const [store, groups] = [new MemoryObjectStore(), new MemoryStreamGroup(log)];
    let away = true;
    const refuses = (_method: string, key: string) => away && key.startsWith("reports/");
    await send(log, 0, 400);
    const first = start({ log, store: refusing(store, refuses), groups });
    await until(() => isRead(log));
    await until(() => first.status.waiting.has("reports"));
    expect(first.status.finalWindows).toBeGreaterThan(2);
    await first.stop();
    expect(await store.list("reports/")).toEqual([]);

    const second = start({ log, store: refusing(store, refuses), groups });
    await send(log, 400, 500);
    await until(() => isRead(log));
    await until(() => second.status.waiting.has("reports"));
    expect(await store.list("reports/")).toEqual([]);
    away = false;
    await until(async () => (await storedReports(store)).size === (await reportsOfTopic(log)).size);
    await until(() => !second.status.waiting.has("reports"));
    await second.stop();
    expect(byStart(await storedReports(store))).toEqual(byStart(await reportsOfTopic(log)));
  });

  it("waits no longer for what another member has taken on meanwhile", async () => {
    const log = await emptyLog();
    const [store, groups] = [new MemoryObjectStore(), new MemoryStreamGroup(log)];
    const first = start({ log, store: refusing(store, () => true), groups });
    const waits = () => [...first.status.waiting.keys()].filter((who) => who.startsWith("partition ")).sort();
    await until(() => waits().length === 4);
    const second = start({ log, store, groups });
    await until(() => second.status.partitions.size > 0);
    await until(() => waits().length === 4 - second.status.partitions.size);
    expect(waits().filter((who) => second.status.partitions.has(Number(who.split(" ")[1])))).toEqual([]);
    await Promise.all([first.stop(), second.stop()]);
    expect(first.status.waiting.size).toBe(0);
  });

  it("ends a member without waiting for the reports that a slow store has not taken yet", async () => {
    const log = await emptyLog();
    const store = new MemoryObjectStore();
    let waited = 0;
    const slow = new Proxy(store, {
      get: (of, name) => {
        const method = Reflect.get(of, name) as (...args: unknown[]) => Promise<unknown>;
        return async (...args: unknown[]) => {
          if (String(args[0]).startsWith("reports/")) {
            waited += 1;
            await new Promise((resolve) => setTimeout(resolve, 200));
          }
          return method.apply(of, args);
        };
      },
    });
    await send(log, 0, 600);
    const member = start({ log, store: slow, groups: new MemoryStreamGroup(log) });
    await until(() => isRead(log));
    await until(() => waited > 0);
    await member.stop();
    const stored = (await store.list("reports/live/")).length;
    expect(stored).toBeLessThan((await reportsOfTopic(log)).size);
    const next = start({ log, store, groups: new MemoryStreamGroup(log) });
    await until(async () => (await storedReports(store)).size === (await reportsOfTopic(log)).size);
    await next.stop();
  });

  it("names a record that is no report, and the way out", async () => {
    const log = await emptyLog();
    await log.append(outputs.windows, [{ key: "0", value: encodeJson({}) }]);
    const member = start({ log, store: new MemoryObjectStore(), groups: new MemoryStreamGroup(log) });
    await expect(member.ended).rejects.toMatchObject({
      code: "REPORT_INVALID",
      message: expect.stringMatching(/offset 0.*start a new group/),
    });
  });
});
