import { setTimeout as timeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { MemoryJobQueue } from "../../../src/adapters/local/memory-job-queue.ts";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { MemoryStreamGroup } from "../../../src/adapters/local/memory-stream-group.ts";
import { ObjectStoreRegistry } from "../../../src/adapters/registry/object-store-registry.ts";
import { ModelUpdates } from "../../../src/app/stream/model-updates.ts";
import { defaultTopics } from "../../../src/app/stream/stream-settings.ts";
import { NcfError } from "../../../src/core/errors.ts";
import { mix } from "../../../src/core/rng.ts";
import type { StreamGroup } from "../../../src/ports/stream-group.ts";
import type { Outcome } from "../../../src/streaming/outcome.ts";
import { VersionSchedule } from "../../../src/streaming/version-schedule.ts";
import type { WindowReport } from "../../../src/streaming/window-report.ts";
import { publishedRecords } from "../../chaos/published.ts";
import { modelOf as publishable } from "../../conformance/model-cards.ts";
import { modelOf, touchyScore } from "../../streaming/fixtures.ts";
import { refusing } from "../refusing-store.ts";
import { emptyLog, isRead, outputs, partitions, send, settings, start, until } from "./member-in-process.ts";

async function undisturbed(count: number) {
  const log = await emptyLog();
  await send(log, 0, count);
  const member = start({ log, store: new MemoryObjectStore(), groups: new MemoryStreamGroup(log) });
  await until(() => isRead(log));
  await member.stop();
  return { seen: await publishedRecords(log, outputs), member };
}

describe("a member of a stream's group", () => {
  it("counts what it reads, and stores the latest report of each window", async () => {
    const log = await emptyLog();
    await send(log, 0, 600);
    const store = new MemoryObjectStore();
    const member = start({ log, store, groups: new MemoryStreamGroup(log) });
    await until(() => isRead(log));
    await until(async () => (await store.list("reports/live/")).length >= 6);
    expect(member.status.assigned && member.status.foldsWindows).toBe(true);
    const { tested, repeats, late: tooLate, deadLetters: dead } = member.status.counts;
    expect(tested + repeats + tooLate + dead).toBe(600);
    expect(dead).toBe(8);
    expect(member.status.finalWindows).toBeGreaterThan(3);
    await member.stop();
    expect(member.status.partitions.size).toBe(0);
    for (const key of await store.list("reports/live/")) {
      const { report } = JSON.parse(new TextDecoder().decode(await store.get(key))) as { report: WindowReport };
      expect(key).toBe(`reports/live/${report.startMs}.json`);
    }
    // It leaves a snapshot of each partition behind, so that the next one need not catch up.
    const again = start({ log, store, groups: new MemoryStreamGroup(log) });
    await until(() => again.status.partitions.size === partitions);
    await again.stop();
    expect(again.status.counts.tested).toBe(0);
  });

  it("publishes the same when members join and leave and the store refuses every fourth request", async () => {
    const { seen } = await undisturbed(600);
    const log = await emptyLog();
    let requests = 0;
    const store = refusing(new MemoryObjectStore(), () => {
      requests += 1;
      return mix(requests, 4, 4) % 4 === 0;
    });
    const deps = { log, store, groups: new MemoryStreamGroup(log) };
    let members = [start(deps), start(deps)];
    for (let turn = 0; turn < 12; turn++) {
      await send(log, 50 * turn, 50 * (turn + 1));
      await timeout(mix(turn, 3, 3) % 15);
      if (turn % 3 === 1) await members.shift()?.stop();
      if (turn % 3 !== 2) members = [...members, start(deps)];
    }
    await until(() => isRead(log));
    const events = members.flatMap((member) => member.events);
    for (const member of members) await member.stop();
    expect(events.some(({ event }) => event === "waiting")).toBe(true);
    expect(events.some(({ event }) => event === "snapshotFailed")).toBe(true);
    expect(await publishedRecords(log, outputs)).toEqual(seen);
  });

  it("declares a partition idle that has had no record for long, so that windows become final", async () => {
    const log = await emptyLog();
    const append = (timestampMs: number) =>
      log.append(defaultTopics.interactions, [
        {
          key: "1",
          value: new TextEncoder().encode(JSON.stringify({ userId: 1, itemId: timestampMs % 100, timestampMs })),
        },
      ]);
    for (let i = 0; i < 30; i++) await append(10_000 + 100 * i + i);
    const groups = new MemoryStreamGroup(log);
    const store = new MemoryObjectStore();
    const waiting = start({ log, store, groups });
    await until(() => isRead(log));
    expect(waiting.status.finalWindows).toBe(0);
    await waiting.stop();
    const member = start({ log, store, groups }, { ...settings, idleTimeoutMs: 30 });
    await until(() => member.status.finalWindows > 1);
    expect(member.events.filter(({ event }) => event === "idle").length).toBe(partitions);
    await member.stop();
  });

  it("ends with the reason where trying again cannot help, all closed", async () => {
    const log = await emptyLog();
    await send(log, 0, 50);
    const score = () => {
      throw new NcfError("SCORE_NAN", "no number");
    };
    const broken = { ...settings, schedule: new VersionSchedule(modelOf(200, { score })) };
    const member = start({ log, store: new MemoryObjectStore(), groups: new MemoryStreamGroup(log) }, broken);
    await expect(member.ended).rejects.toMatchObject({ code: "SCORE_NAN" });
    expect(member.status.partitions.size).toBe(0);
  });

  it("gives its work up when it has fallen out of the group, and joins again", async () => {
    const { seen } = await undisturbed(600);
    const log = await emptyLog();
    const memory = new MemoryStreamGroup(log);
    const falls: ((reason: NcfError) => void)[] = [];
    const groups: StreamGroup = {
      join: async (options) => {
        const { leave } = await memory.join(options);
        return { leave, lost: new Promise((resolve) => falls.push(resolve)) };
      },
    };
    const store = new MemoryObjectStore();
    const member = start({ log, store, groups });
    for (let turn = 0; turn < 4; turn++) {
      await send(log, 150 * turn, 150 * (turn + 1));
      if (turn % 2 === 1) await until(() => isRead(log));
      if (turn === 3) continue;
      falls.at(-1)?.(new NcfError("LOG_UNAVAILABLE", "no coordinator", { retriable: true }));
      await until(() => falls.length === turn + 2);
    }
    await until(() => isRead(log));
    const fell = member.events.filter((event) => event.event === "waiting" && event.who === "group");
    expect(fell.length).toBe(3);
    expect(await publishedRecords(log, outputs)).toEqual(seen);
    falls.at(-1)?.(new NcfError("LOG_REFUSED", "no right to be in the group"));
    await expect(member.ended).rejects.toMatchObject({ code: "LOG_REFUSED" });
    expect(member.status.partitions.size).toBe(0);
  });

  it("ends at once when it is told to before it belongs to the group", async () => {
    const log = await emptyLog();
    const groups: StreamGroup = {
      join: ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    };
    const member = start({ log, store: new MemoryObjectStore(), groups });
    await timeout(20);
    await member.stop();
    expect(member.events).toEqual([]);
  });

  it("ends in the same way where its interactions cannot be kept", async () => {
    const log = await emptyLog();
    await send(log, 0, 50);
    const store = new MemoryObjectStore();
    const refused = new NcfError("STORE_REFUSED", "no right to write");
    const chunksOf = () => ({
      list: () => Promise.reject(refused),
      write: () => Promise.reject(refused),
      read: () => Promise.reject(refused),
    });
    const training = { chunksOf, queue: new MemoryJobQueue({ maxReceives: 3 }), nowMs: Date.now };
    const slowly = new Proxy(store, {
      get: (of, name) => {
        const method = Reflect.get(of, name) as (...args: unknown[]) => Promise<unknown>;
        return async (...args: unknown[]) => {
          if (name === "put" && String(args[0]).startsWith("snapshots/")) await timeout(50);
          return method.apply(of, args);
        };
      },
    });
    const member = start({ log, store: slowly, groups: new MemoryStreamGroup(log), training });
    await expect(member.ended).rejects.toBe(refused);
    const open = new Map<string, number>();
    for (const event of member.events) {
      if (event.event === "opened") open.set(event.who, (open.get(event.who) ?? 0) + 1);
      if (event.event === "closed") open.set(event.who, (open.get(event.who) ?? 0) - 1);
    }
    expect([...open.keys()]).toContain("partition 0");
    expect([...open.values()].filter((left) => left !== 0)).toEqual([]);
  });

  it("puts the registry's champion into force at a window start, the same whoever takes over", async () => {
    const run = async (disturb: boolean): Promise<Outcome[]> => {
      const log = await emptyLog();
      let nowMs = 0;
      const registry = new ObjectStoreRegistry(new MemoryObjectStore(), { nowMs: () => ++nowMs });
      const [first, second] = [await registry.publish(publishable("1")), await registry.publish(publishable("2"))];
      await registry.promote(first.version);
      const models = new Map(
        [first, second].map(({ version }, i) => [version, modelOf(200, { version, score: touchyScore(i) })]),
      );
      const modelNamed = (version: string) => models.get(version) ?? expect.fail(`no version ${version}`);
      const promotions = {
        registry,
        versions: { load: async (version: string) => modelNamed(version) },
        updates: new ModelUpdates(log, defaultTopics.modelUpdates),
      };
      const deps = { log, store: new MemoryObjectStore(), groups: new MemoryStreamGroup(log), promotions };
      const given = { ...settings, schedule: new VersionSchedule(modelNamed(first.version)) };
      let member = start(deps, given);
      await send(log, 0, 250);
      await until(() => isRead(log));
      await registry.promote(second.version);
      await until(async () => (await log.endOffset(defaultTopics.modelUpdates, 0)) > 0);
      for (let turn = 5; turn < 12; turn++) {
        if (disturb) {
          await member.stop();
          member = start(deps, given);
        }
        await send(log, 50 * turn, 50 * (turn + 1));
        await until(() => isRead(log));
      }
      await member.stop();
      const seen = await publishedRecords(log, { ...outputs, late: outputs.outcomes, deadLetters: outputs.outcomes });
      return Object.entries(seen)
        .filter(([name]) => name.startsWith("outcomes"))
        .flatMap(([, texts]) => texts.map((text) => JSON.parse(text) as Outcome));
    };
    const calm = await run(false);
    const versions = [...new Set(calm.map(({ version }) => version))].sort();
    expect(versions.length).toBe(2);
    // The stream stood in the window that starts at 12 s.
    for (const { version, timestampMs } of calm) expect(version).toBe(versions[timestampMs >= 13_000 ? 1 : 0]);
    expect(await run(true)).toEqual(calm);
  });
});
