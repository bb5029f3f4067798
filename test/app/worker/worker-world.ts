/** What a worker needs, over any store and queue, with a small sample to train on. */
import { setTimeout as sleep } from "node:timers/promises";
import { MemoryJobQueue } from "../../../src/adapters/local/memory-job-queue.ts";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { ParquetInteractionChunks } from "../../../src/adapters/parquet/parquet-interaction-chunks.ts";
import { ParquetSampleStore } from "../../../src/adapters/parquet/parquet-sample-store.ts";
import { ObjectStoreRegistry } from "../../../src/adapters/registry/object-store-registry.ts";
import type { TrainJob } from "../../../src/app/jobs/training-job.ts";
import { sampleHash } from "../../../src/app/sample.ts";
import type { DoJobDeps } from "../../../src/app/worker/do-job.ts";
import { runWorker, type WorkerEnd, type WorkerOptions } from "../../../src/app/worker/worker.ts";
import { type WorkerEvent, workerMessage } from "../../../src/app/worker/worker-events.ts";
import { decodeJson } from "../../../src/core/json.ts";
import { wasmBackend } from "../../../src/ncf/wasm/backend.ts";
import { createScorer } from "../../../src/ncf/wasm/scorer.ts";
import type { Metric } from "../../../src/ports/metrics.ts";
import type { ObjectStore } from "../../../src/ports/object-store.ts";
import { checkerboard } from "../../core/checkerboard.ts";

export const trainJob: TrainJob = {
  kind: "train",
  runId: "run-1",
  samplePrefix: "samples/s1/",
  preset: "mf",
  epochs: 3,
  seed: 1,
  promote: "always",
};

/** Writes the sample that `trainJob` names. */
export async function storeSample(store: ObjectStore): Promise<void> {
  const sample = checkerboard(2, 40, 20);
  const tested = sample.testItems.filter((item) => item >= 0).length;
  await new ParquetSampleStore(store, "samples/s1").write({
    sample,
    items: [],
    manifest: {
      dataset: "checkerboard",
      generated: true,
      ratingsSha256: "0".repeat(64),
      options: { fraction: 1, sampler: "hash", seed: 1, tieRule: "firstInFile", catalogue: "sample" },
      counts: {
        ratings: sample.train.items.length + tested,
        repeatedPairs: 0,
        testedUsers: tested,
        singletonUsers: 0,
        tiedUsers: 0,
        coldTestItems: 0,
        users: sample.userIds.length,
        items: sample.itemIds.length,
      },
      sha256: sampleHash(sample),
    },
  });
}

export interface World {
  readonly store: ObjectStore;
  readonly queue: MemoryJobQueue;
  readonly registry: ObjectStoreRegistry;
  readonly log: string[];
  readonly events: WorkerEvent[];
  readonly metrics: Metric[];
  /** Runs a worker until no job is left, or as the options say. */
  work(name: string, options?: Partial<WorkerOptions>, deps?: Partial<DoJobDeps>): Promise<WorkerEnd>;
  json(key: string): Promise<unknown>;
}

export async function workerWorld(store: ObjectStore = new MemoryObjectStore()): Promise<World> {
  const queue = new MemoryJobQueue({ maxReceives: 3 });
  const registry = new ObjectStoreRegistry(store);
  const log: string[] = [];
  const events: WorkerEvent[] = [];
  const metrics: Metric[] = [];
  await storeSample(store);
  const work: World["work"] = (name, options = {}, deps = {}) =>
    runWorker(
      {
        store,
        queue,
        registry,
        samplesAt: (prefix) => new ParquetSampleStore(store, prefix.slice(0, -1)),
        chunksOf: (group, partition) => new ParquetInteractionChunks(store, `interactions/${group}/${partition}/`),
        backendFor: () => wasmBackend(),
        createScorer,
        metrics: {
          put: async (figures) => {
            metrics.push(...figures);
          },
        },
        nowMs: Date.now,
        monotonicMs: () => performance.now(),
        sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
        tell: (event) => {
          events.push(event);
          log.push(workerMessage(event));
        },
        ...deps,
      },
      {
        worker: name,
        threads: 1,
        leaseSeconds: 30,
        checkpointEveryMs: 0,
        progressEveryMs: 0,
        outageMs: 60_000,
        tune: { epochs: 2, olderPerNew: 4 },
        idleSeconds: 0,
        maxAgeSeconds: 3600,
        longestJobSeconds: 3600,
        signal: new AbortController().signal,
        ...options,
      },
    );
  return { store, queue, registry, log, events, metrics, work, json: async (key) => decodeJson(await store.get(key)) };
}
