import { describe, expect, it } from "vitest";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { ParquetInteractionChunks } from "../../../src/adapters/parquet/parquet-interaction-chunks.ts";
import { publishModel } from "../../../src/app/published-model.ts";
import { takeRunLease } from "../../../src/app/worker/run-lease.ts";
import { readRunProgress } from "../../../src/app/worker/run-progress.ts";
import { NcfError } from "../../../src/core/errors.ts";
import { numericId } from "../../../src/core/ids.ts";
import type { NumericBackend } from "../../../src/ncf/backend.ts";
import { referenceBackend } from "../../../src/ncf/reference/backend.ts";
import { wasmBackend } from "../../../src/ncf/wasm/backend.ts";
import { refusing } from "../refusing-store.ts";
import { twoTastesToPublish } from "../serving/two-tastes.ts";
import { trainJob, type World, workerWorld } from "./worker-world.ts";

const send = (world: World, job: object): Promise<string> => world.queue.send(JSON.stringify(job));

/** The wasm backend that calls `onStep` before every call to `run`. */
function watched(onStep: (step: number) => void): () => NumericBackend {
  const backend = wasmBackend();
  return () => ({
    ...backend,
    async open(config, data, options) {
      const session = await backend.open(config, data, options);
      const run = session.run.bind(session);
      session.run = (count) => {
        onStep(session.step);
        return run(Math.min(count, 1));
      };
      return session;
    },
  });
}

async function modelSha(world: World, version: string): Promise<string> {
  return (await world.registry.card(version)).files["model.safetensors"].sha256;
}

/** The model that a worker publishes whom nothing disturbs. */
async function undisturbed(): Promise<string> {
  const world = await workerWorld();
  await send(world, trainJob);
  await world.work("w0");
  const [version] = await world.registry.list();
  return modelSha(world, version);
}

describe("a worker", () => {
  it("trains, judges, publishes and promotes what a job asks for, says how far it is, and ends when idle", async () => {
    const world = await workerWorld();
    await send(world, trainJob);
    const end = await world.work("w1");
    expect(end).toMatchObject({ reason: "idle", jobs: { trained: 1, failed: 0 } });
    const [version, ...others] = await world.registry.list();
    expect(others).toEqual([]);
    expect(await world.registry.champion()).toMatchObject({ version, revision: 1 });
    const card = await world.registry.card(version);
    expect(card).toMatchObject({ name: "mf", trainedOn: "allData", seed: 1, judged: { cases: 80 } });
    expect(await world.json("runs/run-1/result.json")).toMatchObject({ version, champion: version, worker: "w1" });
    expect(await readRunProgress(world.store, "run-1")).toMatchObject({
      state: "finished",
      note: `version ${version} is published`,
      worker: "w1",
      delivery: 1,
    });
    expect(await world.queue.counts()).toEqual({ ready: 0, inFlight: 0, deadLetters: 0 });
    expect(world.metrics).toContainEqual({ name: "JobsTrained", value: 1, unit: "Count" });
  });

  it("does a job that comes twice once", async () => {
    const world = await workerWorld();
    await send(world, trainJob);
    await send(world, trainJob);
    expect(await world.work("w1")).toMatchObject({ jobs: { trained: 1, doneBefore: 1 } });
    expect((await world.registry.list()).length).toBe(1);
  });

  it("leaves the champion in its place where the job says so", async () => {
    const world = await workerWorld();
    await send(world, { ...trainJob, promote: "ifNoChampion" });
    await send(world, { ...trainJob, runId: "run-2", seed: 2, promote: "ifNoChampion" });
    await world.work("w1");
    const versions = await world.registry.list();
    expect(versions.length).toBe(2);
    expect(await world.registry.champion()).toMatchObject({ revision: 1 });
    const { version } = (await world.json("runs/run-1/result.json")) as { version: string };
    expect(await world.json("runs/run-2/result.json")).toMatchObject({ champion: version });
  });

  it("tunes a version on what came over the stream, once, as the stream's request says", async () => {
    const world = await workerWorld();
    const { published } = await twoTastesToPublish();
    const base = await publishModel(world.registry, published);
    const event = (offset: number, userText: string, itemText: string) => ({
      offset,
      userText,
      itemText,
      userId: numericId(userText),
      itemId: numericId(itemText),
      timestampMs: 30_000 + offset,
      rating: null,
    });
    const chunks = new ParquetInteractionChunks(world.store, "interactions/g/0/");
    await chunks.write({ from: 0, to: 2 }, [event(0, "new user", "2"), event(1, "new user", "new film")]);
    const request = {
      requestId: "g-1",
      group: "g",
      baseVersion: base.version,
      ranges: { 0: { from: 0, to: 2 } },
      reason: "window",
      createdAtMs: 1,
    };
    await send(world, request);
    await send(world, { ...request, kind: "tune" });
    await send(world, { ...request, requestId: "g-2", baseVersion: "unknown" });
    expect(await world.work("w1")).toMatchObject({ jobs: { trained: 1, doneBefore: 1, failed: 3 } });
    const versions = await world.registry.list();
    expect(versions.length).toBe(2);
    const card = await world.registry.card(versions[1]);
    expect(card.fineTuning).toMatchObject({ requestId: "g-1", baseVersion: base.version });
    expect(await world.json("runs/g-1/result.json")).toMatchObject({ version: card.version, champion: null });
    expect(await world.json("runs/g-2/error.json")).toMatchObject({ code: "VERSION_UNKNOWN" });
  });

  it("records why a poison job fails, and leaves it to the dead letters after three tries", async () => {
    const world = await workerWorld();
    const id = await send(world, { kind: "train", runId: "bad" });
    await send(world, { ...trainJob, runId: "no-sample", samplePrefix: "samples/none/" });
    expect(await world.work("w1")).toMatchObject({ jobs: { trained: 0, failed: 6 } });
    expect((await world.queue.counts()).deadLetters).toBe(2);
    expect(await world.json(`runs/${id}/error.json`)).toMatchObject({ code: "TRAINING_JOB_INVALID", delivery: 3 });
    expect(await world.json("runs/no-sample/error.json")).toMatchObject({ code: "SAMPLE_NOT_FOUND", delivery: 3 });
    expect(await readRunProgress(world.store, "no-sample")).toMatchObject({ state: "failed" });
  });

  it("hands its job on when it is stopped in mid-training, and another worker ends with the same bytes", async () => {
    const world = await workerWorld();
    await send(world, trainJob);
    for (const [worker, stopAt] of [
      ["w1", 4],
      ["w2", 9],
    ] as const) {
      const stop = new AbortController();
      const backendFor = watched((step) => {
        if (step === stopAt) stop.abort(new NcfError("INTERRUPTED", "SIGTERM came"));
      });
      const end = await world.work(worker, { signal: stop.signal, idleSeconds: 60 }, { backendFor });
      expect(end).toMatchObject({ reason: "stopped", jobs: { handedOn: 1 } });
      expect(await readRunProgress(world.store, "run-1")).toMatchObject({ state: "handedOn", note: "SIGTERM came" });
    }
    const steps: number[] = [];
    await world.work("w3", {}, { backendFor: watched((step) => steps.push(step)) });
    expect(steps[0]).toBe(10);
    const [version] = await world.registry.list();
    expect(await modelSha(world, version)).toBe(await undisturbed());
    // Being stopped was none of the job's three tries.
    expect(await world.queue.counts()).toEqual({ ready: 0, inFlight: 0, deadLetters: 0 });
  });

  it("ends when the queue has been away for long, as it would cost without end", async () => {
    const world = await workerWorld();
    const away = new NcfError("QUEUE_UNAVAILABLE", "expected an answer, found none", { retriable: true });
    let nowMs = 0;
    const ended = world.work(
      "w1",
      { idleSeconds: 600, outageMs: 900_000 },
      {
        queue: Object.assign(Object.create(world.queue), { receive: () => Promise.reject(away) }),
        monotonicMs: () => nowMs,
        sleep: async (ms) => {
          nowMs += ms;
        },
      },
    );
    await expect(ended).rejects.toBe(away);
    expect(nowMs).toBeGreaterThanOrEqual(900_000);
    expect(nowMs).toBeLessThan(960_000);
  });

  it("keeps its job from being taken for a second one where its lease cannot be given up when it is stopped", async () => {
    const stop = new AbortController();
    const refuses = (method: string, key: string): boolean =>
      stop.signal.aborted && method === "putIfMatch" && key.endsWith("lease.json");
    const world = await workerWorld(refusing(new MemoryObjectStore(), refuses));
    await send(world, trainJob);
    const backendFor = watched(() => stop.abort(new NcfError("INTERRUPTED", "SIGTERM came")));
    await world.work("w1", { signal: stop.signal }, { backendFor });
    expect(await world.queue.counts()).toMatchObject({ ready: 1, inFlight: 0 });
    expect(await world.work("w2")).toMatchObject({ jobs: { elsewhere: 1 } });
    expect(await world.queue.counts()).toMatchObject({ ready: 0, inFlight: 1 });
  });

  it("never gets older than it may: the job that it has is handed on", async () => {
    const world = await workerWorld();
    await send(world, { ...trainJob, epochs: 10_000 });
    const end = await world.work("w1", { maxAgeSeconds: 0.5, idleSeconds: 60 });
    expect(end).toMatchObject({ reason: "tooOld", jobs: { handedOn: 1 } });
    expect(await world.queue.counts()).toMatchObject({ ready: 1, inFlight: 0 });
    expect(await world.store.list("runs/run-1/models/")).toContain("runs/run-1/models/mf/checkpoint.safetensors");
  });

  it("keeps no job for longer than a queue lets it: it hands it on, and goes on with it itself", async () => {
    const world = await workerWorld();
    await send(world, trainJob);
    let isLong = true;
    const backendFor = watched((step) => {
      if (step !== 4 || !isLong) return;
      isLong = false;
      // No timer comes in between: the time is up in the middle of the training.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_100);
    });
    const { reason, jobs } = await world.work("w1", { longestJobSeconds: 2 }, { backendFor });
    expect({ reason, trained: jobs.trained, failed: jobs.failed }).toEqual({ reason: "idle", trained: 1, failed: 0 });
    expect(jobs.handedOn).toBeGreaterThan(0);
    const [version] = await world.registry.list();
    expect(await modelSha(world, version)).toBe(await undisturbed());
    expect(world.events.filter(({ event }) => event === "jobTaken")).toHaveLength(1 + jobs.handedOn);
    for (const event of world.events) if (event.event === "jobTaken") expect(event.delivery).toBe(1);
    expect(await world.queue.counts()).toEqual({ ready: 0, inFlight: 0, deadLetters: 0 });
  });

  it("leaves a run to the worker that has it, and takes it over when that one's lease has expired", async () => {
    const world = await workerWorld();
    await send(world, trainJob);
    const lease = { worker: "w1", jobId: "another job", expiresAtMs: Date.now() + 60_000 };
    expect(await takeRunLease(world.store, "run-1", lease, Date.now())).toBe(null);
    expect(await world.work("w2")).toMatchObject({ jobs: { elsewhere: 1, trained: 0 } });
    expect(await world.queue.counts()).toMatchObject({ ready: 0, inFlight: 0 });

    const id = await send(world, trainJob);
    await takeRunLease(world.store, "run-1", { ...lease, jobId: id }, Date.now());
    expect(await world.work("w2")).toMatchObject({ jobs: { elsewhere: 1, trained: 0 } });
    expect(await world.queue.counts()).toMatchObject({ ready: 0, inFlight: 1 });

    await takeRunLease(world.store, "run-1", { ...lease, expiresAtMs: 0 }, Date.now());
    await send(world, trainJob);
    expect(await world.work("w2")).toMatchObject({ jobs: { trained: 1 } });
  });

  it("publishes a run once, also when it ends before it can say so and another backend goes on", async () => {
    const stop = new AbortController();
    const refuses = (method: string, key: string): boolean => {
      if (stop.signal.aborted || key !== "runs/run-1/result.json" || !method.startsWith("put")) return false;
      stop.abort(new NcfError("INTERRUPTED", "SIGTERM came"));
      return true;
    };
    const world = await workerWorld(refusing(new MemoryObjectStore(), refuses));
    await send(world, trainJob);
    await world.work("w1", { signal: stop.signal }, { backendFor: () => referenceBackend });
    const published = await world.registry.list();
    expect(published.length).toBe(1);
    expect(await world.work("w2")).toMatchObject({ jobs: { trained: 1 } });
    expect(await world.registry.list()).toEqual(published);
    expect(await world.json("runs/run-1/result.json")).toMatchObject({ version: published[0], worker: "w2" });
  });

  it("publishes nothing when another worker has taken its run over", async () => {
    const world = await workerWorld();
    await send(world, trainJob);
    const backendFor = watched((step) => {
      if (step !== 3) return;
      // By the other worker's clock the lease has expired.
      const lease = { worker: "w2", jobId: "j", expiresAtMs: Date.now() + 60_000 };
      void takeRunLease(world.store, "run-1", lease, Date.now() + 3_600_000);
    });
    expect(await world.work("w1", {}, { backendFor })).toMatchObject({ jobs: { lost: 1 } });
    expect(await world.registry.list()).toEqual([]);
    expect(world.log.join("\n")).toContain("expected run run-1 to be this worker's, found it taken over by w2");
  });

  it("waits for a store that is away, and goes on", async () => {
    let refusals = 0;
    const refuses = (): boolean => {
      if (refusals === 0) return false;
      refusals -= 1;
      return true;
    };
    const world = await workerWorld(refusing(new MemoryObjectStore(), refuses));
    await send(world, trainJob);
    let isSecond = true;
    const backendFor = watched((step) => {
      if (step === 5 && isSecond) refusals = 7;
      isSecond &&= step !== 5;
    });
    refusals = 3;
    const end = await world.work("w1", {}, { backendFor, sleep: async () => {} });
    expect(end).toMatchObject({ jobs: { trained: 1, failed: 0 } });
    expect(world.log.join("\n")).toContain("found 503; tried again in 0.5 s");
    const [version] = await world.registry.list();
    expect(await modelSha(world, version)).toBe(await undisturbed());
  });
});
