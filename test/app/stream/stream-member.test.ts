import { setTimeout as timeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { MemoryInteractionLog } from "../../../src/adapters/local/memory-interaction-log.ts";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { MemoryStreamGroup } from "../../../src/adapters/local/memory-stream-group.ts";
import { ObjectStoreRegistry } from "../../../src/adapters/registry/object-store-registry.ts";
import type { StreamMemberDeps, StreamMemberSettings } from "../../../src/app/stream/member-settings.ts";
import { ModelUpdates } from "../../../src/app/stream/model-updates.ts";
import type { StreamEvent } from "../../../src/app/stream/stream-events.ts";
import { runStreamMember } from "../../../src/app/stream/stream-member.ts";
import { createTopics, defaultTopics } from "../../../src/app/stream/stream-settings.ts";
import { StreamStatus } from "../../../src/app/stream/stream-status.ts";
import { NcfError } from "../../../src/core/errors.ts";
import { mix } from "../../../src/core/rng.ts";
import type { InteractionLog } from "../../../src/ports/interaction-log.ts";
import type { ObjectStore } from "../../../src/ports/object-store.ts";
import type { Outcome } from "../../../src/streaming/outcome.ts";
import { TimeWindows } from "../../../src/streaming/time-windows.ts";
import { UserHistories } from "../../../src/streaming/user-histories.ts";
import { VersionSchedule } from "../../../src/streaming/version-schedule.ts";
import type { WindowReport } from "../../../src/streaming/window-report.ts";
import { publishedRecords } from "../../chaos/published.ts";
import { modelOf as publishable } from "../../conformance/model-cards.ts";
import { modelOf, touchyScore } from "../../streaming/fixtures.ts";

const partitions = 4;
const settings: StreamMemberSettings = {
  group: "live",
  topics: defaultTopics,
  windows: TimeWindows.ofSizeAndGrace(1000, 100),
  schedule: new VersionSchedule(modelOf(200, { score: touchyScore(9) })),
  base: { id: "none", histories: new UserHistories() },
  seed: 1,
  maxAheadMs: 1000,
  leak: "skip",
  endOfStream: "deadLetter",
  commitRecords: 10,
  commitIntervalMs: 2,
  snapshotRecords: 25,
  snapshotPartials: 10,
  idleTimeoutMs: 60_000,
  keepIntervalMs: 20,
  trainEvery: 1000,
};

async function emptyLog(): Promise<MemoryInteractionLog> {
  const log = new MemoryInteractionLog();
  await log.createTopic(defaultTopics.interactions, partitions);
  await createTopics(log, defaultTopics);
  return log;
}

/** Events from..to − 1, a tenth of a window apart. */
async function send(log: InteractionLog, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) {
    const userId = String(mix(i, 1, 1) % 20);
    const timestampMs = 10_000 + 10 * i - (i % 40 === 39 ? 3000 : 0);
    const event = { userId, itemId: String(1 + (mix(i, 2, 2) % 200)), timestampMs };
    const value = new TextEncoder().encode(i % 71 === 70 ? "{" : JSON.stringify(event));
    await log.append(defaultTopics.interactions, [{ key: userId, value, timestampMs: 10_000 + 10 * i }]);
  }
}

interface Running {
  readonly status: StreamStatus;
  readonly events: StreamEvent[];
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

function start(deps: Pick<StreamMemberDeps, "log" | "store" | "groups" | "promotions">, given = settings): Running {
  const status = new StreamStatus(Date.now);
  const events: StreamEvent[] = [];
  const stopping = new AbortController();
  const ended = runStreamMember(
    {
      ...deps,
      onEvent: (event) => {
        status.observe(event);
        events.push(event);
      },
      monotonicMs: () => performance.now(),
      // A wait for broker or store is short here.
      sleep: (ms, signal) => timeout(Math.min(ms, 20), undefined, { signal }).catch(() => {}),
    },
    given,
    stopping.signal,
  );
  ended.catch(() => undefined);
  const stop = async (): Promise<void> => {
    stopping.abort();
    await ended;
  };
  return { status, events, ended, stop };
}

async function isRead(log: InteractionLog): Promise<boolean> {
  const places = Array.from({ length: partitions }, (_, partition) => ({
    topic: defaultTopics.interactions,
    partition,
  }));
  for (const { topic, partition } of [...places, { topic: defaultTopics.windowPartials, partition: 0 }]) {
    const offset = (await log.committed("live", topic, partition))?.offset ?? 0;
    if ((await log.read(topic, partition, offset, 1)).records.length > 0) return false;
  }
  return true;
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; !(await holds()); await timeout(5)) {
    if (Date.now() > deadline) expect.fail("waited for too long");
  }
}

const { outcomes, late, deadLetters, windows } = defaultTopics;
const outputs = { outcomes, late, deadLetters, windows };

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
    const refusing = (store: ObjectStore): ObjectStore =>
      new Proxy(store, {
        get: (of, name) => {
          const method = Reflect.get(of, name) as (...args: unknown[]) => Promise<unknown>;
          return async (...args: unknown[]) => {
            requests += 1;
            if (mix(requests, 4, 4) % 4 === 0)
              throw new NcfError("STORE_AWAY", "the store does not answer", { retriable: true });
            return method.apply(of, args);
          };
        },
      });
    const deps = { log, store: refusing(new MemoryObjectStore()), groups: new MemoryStreamGroup(log) };
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
      const seen = await publishedRecords(log, { ...outputs, late: outcomes, deadLetters: outcomes });
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
