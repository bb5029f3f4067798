import { describe, expect, it } from "vitest";
import { MemoryJobQueue } from "../../../src/adapters/local/memory-job-queue.ts";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { ParquetInteractionChunks } from "../../../src/adapters/parquet/parquet-interaction-chunks.ts";
import { ObjectStoreRegistry } from "../../../src/adapters/registry/object-store-registry.ts";
import { releaseTrainingLease } from "../../../src/app/loop/training-lease.ts";
import { requestDueTraining } from "../../../src/app/stream/training-policy.ts";
import { TimeWindows } from "../../../src/streaming/time-windows.ts";
import { facts, modelOf } from "../../conformance/model-cards.ts";

const windows = TimeWindows.ofSizeAndGrace(1000, 100);
const terms = {
  group: "live",
  topic: "interactions",
  startOffsets: [0, 5],
  trainEvery: 100,
  trainWindows: null,
  windows,
  leaseMs: 60_000,
};
const quiet = { drifted: false, finalWindows: { count: 0, throughMs: null } };

async function world() {
  const store = new MemoryObjectStore();
  let nowMs = 0;
  const registry = new ObjectStoreRegistry(store, { nowMs: () => ++nowMs });
  const { version } = await registry.publish(modelOf("base"));
  const chunksOf = (group: string, partition: number) =>
    new ParquetInteractionChunks(store, `interactions/${group}/${partition}/`);
  const queue = new MemoryJobQueue({ maxReceives: 3 });
  const deps = { training: { chunksOf, queue, nowMs: () => ++nowMs }, store, registry };
  const keep = (partition: number, from: number, to: number) => chunksOf("live", partition).write({ from, to }, []);
  return { deps, registry, queue, keep, version };
}

describe("when a training is due", () => {
  it("is after so many records that no version has learnt, one at a time", async () => {
    const { deps, registry, queue, keep, version } = await world();
    expect(await requestDueTraining(deps, terms, version, quiet)).toBeNull();
    await keep(0, 0, 60);
    await keep(1, 5, 44);
    expect(await requestDueTraining(deps, terms, version, quiet)).toBeNull();
    await keep(1, 44, 45);
    const request = await requestDueTraining(deps, terms, version, quiet);
    expect(request).toMatchObject({
      baseVersion: version,
      reason: "events",
      ranges: { "0": { from: 0, to: 60 }, "1": { from: 5, to: 45 } },
    });
    expect(await queue.receive({ visibilityTimeoutSeconds: 60 })).toMatchObject([{ body: JSON.stringify(request) }]);
    await keep(0, 60, 500);
    expect(await requestDueTraining(deps, terms, version, quiet)).toBeNull();

    // It is done: what it has learnt does not count again, but the next one tunes the same base on all of it.
    if (request === null) expect.fail();
    const { requestId, baseVersion } = request;
    const learnt = { "0": { from: 0, to: 450 }, "1": { from: 5, to: 45 } };
    const card = { ...facts, cutOff: { offsets: { "0": 450, "1": 45 } } };
    const fineTuning = { requestId, baseVersion, ranges: learnt };
    const tuned = await registry.publish({ ...modelOf("tuned"), card: { ...card, fineTuning } });
    await releaseTrainingLease(deps.store, request);
    expect(await requestDueTraining(deps, terms, version, quiet)).toBeNull();
    await keep(1, 45, 95);
    const second = await requestDueTraining(deps, terms, version, quiet);
    expect(second?.ranges).toEqual({ "0": { from: 0, to: 500 }, "1": { from: 5, to: 95 } });
    if (second === null) expect.fail();
    await releaseTrainingLease(deps.store, second);

    // As champion it is tuned on what came after it.
    expect(await requestDueTraining(deps, { ...terms, trainEvery: 101 }, tuned.version, quiet)).toBeNull();
    expect((await requestDueTraining(deps, terms, tuned.version, quiet))?.ranges).toEqual({
      "0": { from: 450, to: 500 },
      "1": { from: 45, to: 95 },
    });
  });

  it("counts from where the log still had what came when it was first kept, and from behind a hole on", async () => {
    const { deps, keep, version } = await world();
    await keep(0, 200, 290);
    expect(await requestDueTraining(deps, terms, version, quiet)).toBeNull();
    await keep(0, 290, 300);
    const request = await requestDueTraining(deps, terms, version, quiet);
    expect(request?.ranges).toEqual({ "0": { from: 200, to: 300 } });
    if (request === null) expect.fail();
    await releaseTrainingLease(deps.store, request);
    await keep(0, 500, 650);
    expect((await requestDueTraining(deps, terms, version, quiet))?.ranges).toEqual({ "0": { from: 500, to: 650 } });
  });

  it("does not go by the offsets of another topic", async () => {
    const { deps, registry, keep } = await world();
    const card = { ...facts, cutOff: { offsets: { "0": 900, "1": 900 }, topic: "another" } };
    const { version } = await registry.publish({ ...modelOf("tuned elsewhere"), card });
    await keep(0, 0, 100);
    expect(await requestDueTraining(deps, terms, version, quiet)).toMatchObject({
      topic: "interactions",
      ranges: { "0": { from: 0, to: 100 } },
    });
  });

  it("is at once when HR@10 has fallen, if there is anything to learn", async () => {
    const { deps, keep, version } = await world();
    expect(await requestDueTraining(deps, terms, version, { ...quiet, drifted: true })).toBeNull();
    await keep(0, 0, 1);
    expect(await requestDueTraining(deps, terms, version, { ...quiet, drifted: true })).toMatchObject({
      reason: "drift",
    });
  });

  it("is after so many final windows that no version has learnt, if there is anything to learn", async () => {
    const { deps, registry, keep, version } = await world();
    const often = { ...terms, trainWindows: 2 };
    const due = (count: number, base = version) =>
      requestDueTraining(deps, often, base, {
        drifted: false,
        finalWindows: { count, throughMs: 5000 + 1000 * count },
      });
    expect(await due(2)).toBeNull();
    await keep(0, 0, 1);
    expect(await due(1)).toBeNull();
    expect(
      await requestDueTraining(deps, terms, version, { ...quiet, finalWindows: { count: 2, throughMs: 7000 } }),
    ).toBeNull();
    const request = await due(2);
    expect(request).toMatchObject({ reason: "window", windowsThroughMs: 7000 });
    if (request === null) expect.fail();

    // Until now two more windows have become final than when it was asked for.
    const { requestId, baseVersion, ranges, windowsThroughMs } = request;
    const fineTuning = { requestId, baseVersion, ranges, windowsThroughMs };
    const card = { ...facts, cutOff: { offsets: { "0": 1 } }, fineTuning };
    const tuned = await registry.publish({ ...modelOf("tuned"), card });
    await releaseTrainingLease(deps.store, request);
    await keep(0, 1, 2);
    expect(await due(3)).toBeNull();
    expect(await due(3, tuned.version)).toBeNull();
    expect(await due(4, tuned.version)).toMatchObject({ reason: "window", ranges: { "0": { from: 1, to: 2 } } });
  });

  it("is not again what a worker found nothing new in", async () => {
    const { deps, keep, version } = await world();
    await keep(0, 0, 100);
    const request = await requestDueTraining(deps, terms, version, quiet);
    if (request === null) expect.fail();
    await releaseTrainingLease(deps.store, request);
    expect(await requestDueTraining(deps, terms, version, quiet)).toBeNull();
    await keep(0, 100, 101);
    expect(await requestDueTraining(deps, terms, version, quiet)).toMatchObject({
      ranges: { "0": { from: 0, to: 101 } },
    });
  });
});
