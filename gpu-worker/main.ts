/**
 * The worker: takes training jobs from a queue, one after the other, until there are none for a while.
 *
 *   node gpu-worker/main.ts [--backend auto|tfjs|wasm]      (Node 22.18 or newer; older ones with --import tsx)
 *
 * docs/gpu-worker.md lists its environment variables. Exit codes: 0 idle, old enough or told to stop; 1 failed; 2 wrong usage.
 */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs, promisify } from "node:util";
import { ParquetInteractionChunks } from "../src/adapters/parquet/parquet-interaction-chunks.ts";
import { ParquetSampleStore } from "../src/adapters/parquet/parquet-sample-store.ts";
import { ObjectStoreRegistry } from "../src/adapters/registry/object-store-registry.ts";
import { refuseJob } from "../src/app/worker/refuse-job.ts";
import { runWorker } from "../src/app/worker/worker.ts";
import { codeOf, reasonOf, type WorkerEvent, workerMessage } from "../src/app/worker/worker-events.ts";
import { NcfError } from "../src/core/errors.ts";
import { createScorer } from "../src/ncf/wasm/scorer.ts";
import { chooseBackend } from "./backend-choice.ts";
import { type WorkerEnvironment, workerEnvironment } from "./environment.ts";
import { isFolder, placesOf } from "./places.ts";
import { spotNotice } from "./spot-notice.ts";
import { loadTensorFlow } from "./tfjs/load-tensorflow.ts";

const worker = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
const tell = (event: WorkerEvent): void => {
  const line = { time: new Date().toISOString(), worker, ...event, message: workerMessage(event) };
  process.stderr.write(`${JSON.stringify(line)}\n`);
};
const log = (text: string): void => tell({ event: "note", text });

try {
  const { values } = parseArgs({ options: { backend: { type: "string" } } });
  await work(workerEnvironment({ ...process.env, ...(values.backend && { NCF_BACKEND: values.backend }) }));
} catch (error) {
  const unexpected = `unexpected error: ${error instanceof Error ? error.stack : error}`;
  tell({ event: "failed", code: codeOf(error), reason: error instanceof NcfError ? error.message : unexpected });
  const isUsage =
    error instanceof NcfError ? ["ENVIRONMENT_INVALID", "USAGE"].includes(error.code) : error instanceof TypeError;
  process.exitCode = isUsage ? 2 : 1;
}

async function work(env: WorkerEnvironment): Promise<void> {
  const { store, queue, metrics } = await placesOf(env);
  const choice = await chooseBackend(env.NCF_BACKEND, {
    askGpu,
    loadTensorFlow: () => loadTensorFlow(env.NCF_TFJS_NODE ?? import.meta.dirname),
    log,
  }).catch(async (error) => {
    await refuseJob({ store, queue, metrics, nowMs: Date.now, tell }, worker, error).catch((cause) =>
      tell({ event: "sideFailed", who: "queue", what: "a job could not be refused", reason: reasonOf(cause) }),
    );
    throw error;
  });
  const end = new AbortController();
  const signal = stopSignal(env, end.signal);
  try {
    const { reason, jobs } = await runWorker(
      {
        ...choice,
        store,
        queue,
        metrics,
        registry: new ObjectStoreRegistry(store),
        samplesAt: (prefix) => new ParquetSampleStore(store, prefix.replace(/\/$/, "")),
        chunksOf: (group, partition) => new ParquetInteractionChunks(store, `interactions/${group}/${partition}/`),
        createScorer,
        nowMs: Date.now,
        monotonicMs: () => performance.now(),
        sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
        tell,
      },
      {
        worker,
        threads: env.NCF_WORKER_THREADS,
        leaseSeconds: env.NCF_WORKER_LEASE_SECONDS,
        checkpointEveryMs: 60_000 * env.NCF_CHECKPOINT_MINUTES,
        progressEveryMs: 5_000,
        outageMs: 15 * 60_000,
        // What `ncf worker` takes by default.
        tune: { epochs: 2, olderPerNew: 4 },
        idleSeconds: env.NCF_WORKER_IDLE_SECONDS,
        maxAgeSeconds: env.NCF_WORKER_MAX_AGE_SECONDS,
        // Half an hour less than SQS allows.
        longestJobSeconds: 41_400,
        signal,
      },
    );
    tell({ event: "ended", reason, jobs });
  } finally {
    end.abort();
  }
}

/** Given by SIGTERM, SIGINT or the notice that this spot instance is taken away; a second signal ends the process at once. */
function stopSignal(env: WorkerEnvironment, end: AbortSignal): AbortSignal {
  const stop = new AbortController();
  const because = (reason: string): void => {
    tell({ event: "stopping", reason });
    stop.abort(new NcfError("INTERRUPTED", reason));
  };
  let signals = 0;
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.on(name, () => {
      // The machine's own end comes after its notice, while a checkpoint may still be on its way.
      signals += 1;
      if (signals > 1) process.exit(1);
      because(`${name} came`);
    });
  }
  const url = env.NCF_INSTANCE_METADATA_URL ?? (isFolder(env.NCF_TRAINING_JOBS_URL) ? "off" : "http://169.254.169.254");
  if (url !== "off") {
    void spotNotice({ url, everyMs: 5_000, log, signal: end }).then((notice) => {
      if (notice !== null) because(notice);
    });
  }
  return stop.signal;
}

async function askGpu(): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)("nvidia-smi", [
      "--query-gpu=name,driver_version,memory.total",
      "--format=csv,noheader",
    ]);
    return stdout.trim().replaceAll("\n", "; ") || null;
  } catch {
    return null;
  }
}
