import { setTimeout as timeout } from "node:timers/promises";
import { expect, it } from "vitest";
import { MemoryJobQueue } from "../../../src/adapters/local/memory-job-queue.ts";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { MemoryStreamGroup } from "../../../src/adapters/local/memory-stream-group.ts";
import { ParquetInteractionChunks } from "../../../src/adapters/parquet/parquet-interaction-chunks.ts";
import { ObjectStoreRegistry } from "../../../src/adapters/registry/object-store-registry.ts";
import { releaseTrainingLease } from "../../../src/app/loop/training-lease.ts";
import type { TrainingRequest } from "../../../src/app/loop/training-request.ts";
import { ModelUpdates } from "../../../src/app/stream/model-updates.ts";
import { defaultTopics } from "../../../src/app/stream/stream-settings.ts";
import { VersionSchedule } from "../../../src/streaming/version-schedule.ts";
import { facts, modelOf as publishable } from "../../conformance/model-cards.ts";
import { modelOf, touchyScore } from "../../streaming/fixtures.ts";
import { emptyLog, isRead, send, settings, start, until } from "./member-in-process.ts";

/** At whether a training is due. */
const someLooks = () => timeout(10 * settings.keepIntervalMs);

it("a stream asks for a training when windows close, but not while a version is on trial", async () => {
  const log = await emptyLog();
  const store = new MemoryObjectStore();
  const registry = new ObjectStoreRegistry(store);
  const { version: first } = await registry.publish(publishable("first"));
  await registry.promote(first);
  const modelNamed = (version: string) => modelOf(200, { version, score: touchyScore(version === first ? 1 : 2) });
  const queue = new MemoryJobQueue({ maxReceives: 3 });
  const member = start(
    {
      log,
      store,
      groups: new MemoryStreamGroup(log),
      promotions: {
        registry,
        versions: { load: async (version: string) => modelNamed(version) },
        updates: new ModelUpdates(log, defaultTopics.modelUpdates),
      },
      training: {
        chunksOf: (group, partition) => new ParquetInteractionChunks(store, `interactions/${group}/${partition}/`),
        queue,
        nowMs: Date.now,
      },
    },
    {
      ...settings,
      schedule: new VersionSchedule(modelNamed(first)),
      startOffsets: [0, 0, 0, 0],
      trainEvery: 1_000_000,
      trainWindows: 2,
      promotion: { leastCases: 1_000_000, leastUsers: 2, margin: 1 },
    },
  );
  const requests = (): TrainingRequest[] =>
    member.events.flatMap((event) => (event.event === "trainingRequested" ? [event.request] : []));

  await send(log, 0, 400);
  await until(() => requests().length === 1);
  const [request] = requests();
  expect(request).toMatchObject({ baseVersion: first, reason: "window", windowsThroughMs: expect.any(Number) });

  // As a worker does it.
  const { requestId, baseVersion, ranges, windowsThroughMs } = request;
  const offsets = Object.fromEntries(Object.entries(ranges).map(([partition, { to }]) => [partition, to]));
  const fineTuning = { requestId, baseVersion, ranges, windowsThroughMs };
  const { version: tuned } = await registry.publish({
    ...publishable("tuned"),
    card: { ...facts, cutOff: { offsets }, fineTuning },
  });
  const onTrial = (): boolean =>
    member.events.some((event) => event.event === "modelUpdate" && event.update.version === tuned);
  await until(onTrial);
  await someLooks();
  await releaseTrainingLease(store, request);
  const before = requests().length;
  await send(log, 400, 1000);
  await until(() => isRead(log));
  await someLooks();
  expect(requests().length).toBe(before);

  await registry.promote(tuned);
  await until(() => requests().length > before);
  expect(requests().at(-1)).toMatchObject({ baseVersion: tuned, reason: "window" });
  await member.stop();
});

it("a member that takes the windows over asks for no training before it knows how many are final", async () => {
  const log = await emptyLog();
  const store = new MemoryObjectStore();
  const registry = new ObjectStoreRegistry(store);
  const { version } = await registry.publish(publishable("first"));
  await registry.promote(version);
  const model = modelOf(200, { version, score: touchyScore(1) });
  const training = {
    chunksOf: (group: string, partition: number) =>
      new ParquetInteractionChunks(store, `interactions/${group}/${partition}/`),
    queue: new MemoryJobQueue({ maxReceives: 3 }),
    nowMs: Date.now,
  };
  const given = {
    ...settings,
    schedule: new VersionSchedule(model),
    startOffsets: [0, 0, 0, 0],
    trainEvery: 1,
  };
  const deps = { log, store, groups: new MemoryStreamGroup(log), training };
  // Without a registry, it keeps interactions and asks for nothing.
  const former = start(deps, given);
  await send(log, 0, 400);
  await until(() => isRead(log));
  await until(async () => (await store.list("interactions/live/3/")).length > 0);
  await former.stop();
  const updates = new ModelUpdates(log, defaultTopics.modelUpdates);
  const member = start({ ...deps, promotions: { registry, versions: { load: async () => model }, updates } }, given);
  await until(() => member.events.some(({ event }) => event === "trainingRequested"));
  const first = member.events.find(({ event }) => event === "trainingRequested");
  expect(first).toMatchObject({ request: { reason: "events", windowsThroughMs: expect.any(Number) } });
  await member.stop();
});
