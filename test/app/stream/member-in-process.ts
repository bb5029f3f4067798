/** Members of a stream's group in one process, on a log and a store in memory. */
import { setTimeout as timeout } from "node:timers/promises";
import { expect } from "vitest";
import { MemoryInteractionLog } from "../../../src/adapters/local/memory-interaction-log.ts";
import type { StreamMemberDeps, StreamMemberSettings } from "../../../src/app/stream/member-settings.ts";
import type { StreamEvent } from "../../../src/app/stream/stream-events.ts";
import { runStreamMember } from "../../../src/app/stream/stream-member.ts";
import { createTopics, defaultTopics } from "../../../src/app/stream/stream-settings.ts";
import { StreamStatus } from "../../../src/app/stream/stream-status.ts";
import { mix } from "../../../src/core/rng.ts";
import type { InteractionLog } from "../../../src/ports/interaction-log.ts";
import { TimeWindows } from "../../../src/streaming/time-windows.ts";
import { UserHistories } from "../../../src/streaming/user-histories.ts";
import { VersionSchedule } from "../../../src/streaming/version-schedule.ts";
import { modelOf, touchyScore } from "../../streaming/fixtures.ts";

export const partitions = 4;
export const settings: StreamMemberSettings = {
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
  reportIntervalMs: 2,
  registryIntervalMs: 2,
  trainEvery: 1000,
  trainWindows: null,
};

export async function emptyLog(): Promise<MemoryInteractionLog> {
  const log = new MemoryInteractionLog();
  await log.createTopic(defaultTopics.interactions, partitions);
  await createTopics(log, defaultTopics);
  return log;
}

/** Events from..to − 1, a tenth of a window apart. */
export async function send(log: InteractionLog, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) {
    const userId = String(mix(i, 1, 1) % 20);
    const timestampMs = 10_000 + 10 * i - (i % 40 === 39 ? 3000 : 0);
    const event = { userId, itemId: String(1 + (mix(i, 2, 2) % 200)), timestampMs };
    const value = new TextEncoder().encode(i % 71 === 70 ? "{" : JSON.stringify(event));
    await log.append(defaultTopics.interactions, [{ key: userId, value, timestampMs: 10_000 + 10 * i }]);
  }
}

export interface RunningMember {
  readonly status: StreamStatus;
  readonly events: StreamEvent[];
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

export function start(
  deps: Pick<StreamMemberDeps, "log" | "store" | "groups" | "promotions" | "training">,
  given = settings,
): RunningMember {
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

export async function isRead(log: InteractionLog): Promise<boolean> {
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

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; !(await holds()); await timeout(5)) {
    if (Date.now() > deadline) expect.fail("waited for too long");
  }
}

const { outcomes, late, deadLetters, windows } = defaultTopics;
export const outputs = { outcomes, late, deadLetters, windows };
