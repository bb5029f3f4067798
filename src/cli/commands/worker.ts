/** `ncf worker`: trains what the stream asks for, one job after the other. */
import os from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { ParquetInteractionChunks } from "../../adapters/parquet/parquet-interaction-chunks.ts";
import { ObjectStoreRegistry } from "../../adapters/registry/object-store-registry.ts";
import { withBackoff } from "../../app/backoff.ts";
import { trainNext } from "../../app/loop/train-on-stream.ts";
import { NcfError } from "../../core/errors.ts";
import { wasmBackend } from "../../ncf/wasm/backend.ts";
import * as options from "../options.ts";
import { jobQueueAt, storeAt } from "../places.ts";
import type { Terminal } from "../terminal.ts";

interface WorkerValues {
  readonly registry: string;
  readonly jobs: string;
  readonly store?: string;
  readonly epochs: number;
  readonly olderPerNew: number;
  readonly threads: number;
  readonly once: boolean;
  readonly json: boolean;
}

/** A third of it may pass before the worker says that it is alive. */
const leaseSeconds = 120;

export function addWorkerCommand(program: Command, terminal: Terminal): void {
  program
    .command("worker")
    .description("Tune models on the interactions that a stream kept, as its training requests say.")
    .requiredOption("--registry <dir>", "registry: OUT/registry of ncf run, or s3://BUCKET")
    .requiredOption("--jobs <dir>", "training requests: a folder, or the URL of an SQS queue")
    .option("--store <dir>", "kept interactions and leases: a folder or s3://BUCKET (default: --registry)")
    .option("--epochs <n>", "epochs over new interactions and a sample of older ones", options.integer(1, 1000), 2)
    .option("--older-per-new <n>", "older interactions for each new one", options.integer(0, 1_000_000), 4)
    .option("--threads <n>", "compute threads", options.integer(1, 64), os.availableParallelism())
    .option("--once", "end after one job, or at once where there is none", false)
    .addOption(options.jsonOption())
    .action((values: WorkerValues) => work(values, terminal));
}

async function work(values: WorkerValues, terminal: Terminal): Promise<void> {
  terminal.useJson(values.json);
  const { signal } = terminal;
  const store = await storeAt(values.store ?? values.registry);
  const deps = {
    registry: new ObjectStoreRegistry(await storeAt(values.registry)),
    queue: await jobQueueAt(values.jobs),
    store,
    chunksOf: (group: string, partition: number) =>
      new ParquetInteractionChunks(store, `interactions/${group}/${partition}/`),
    backend: wasmBackend(),
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    log: terminal.log,
  };
  const { epochs, olderPerNew, threads, once } = values;
  const jobs = { trained: 0, nothingNew: 0, failed: 0 };
  const waitSeconds = once ? 0 : 20;
  const next = () => trainNext(deps, { epochs, olderPerNew, threads, leaseSeconds, waitSeconds, signal });
  do {
    const done = await (once ? next() : patiently(terminal, next));
    if (done !== "none" && done !== "stopped") jobs[done] += 1;
  } while (!once && !signal.aborted);
  terminal.answer(jobs, `${jobs.trained} trained, ${jobs.nothingNew} with nothing new, ${jobs.failed} failed`);
}

/** Waits for a queue that is away. */
async function patiently<T>({ signal, log }: Terminal, next: () => Promise<T>): Promise<T | "stopped"> {
  const waiting = {
    signal,
    sleep: (ms: number) => sleep(ms, undefined, { signal }).catch(() => undefined),
    canPass: (error: unknown) => error instanceof NcfError && error.retriable,
    onWait: (error: unknown, retryMs: number) =>
      log(`ncf: ${(error as NcfError).message}. Trying again in ${(retryMs / 1000).toFixed(1)} s.`),
  };
  try {
    return await withBackoff(waiting, next);
  } catch (error) {
    if (signal.aborted) return "stopped";
    throw error;
  }
}
