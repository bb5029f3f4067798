/** One delivered job: done under the lease of its run, and what becomes of the job when it does not go well. */
import { z } from "zod";
import { NcfError } from "../../core/errors.ts";
import type { InteractionChunks } from "../../ports/interaction-chunks.ts";
import type { JobMessage, JobQueue } from "../../ports/job-queue.ts";
import type { MetricSink } from "../../ports/metrics.ts";
import { withBackoff } from "../backoff.ts";
import { parseTrainingJob, runIdOf, type TrainingJob, type TuneJob } from "../jobs/training-job.ts";
import { trainRequested } from "../loop/train-on-stream.ts";
import { type HeldRun, type Hold, whileHeld } from "./held-run.ts";
import { count, giveBack, handOn, type JobOutcome, leaveTo } from "./job-fate.ts";
import { RunProgressWriter } from "./run-progress.ts";
import { type RunResult, readRunResult, writeRunResult } from "./run-records.ts";
import { type TrainRunDeps, trainRun } from "./train-run.ts";
import { doneText, reasonOf, type WorkerEvent } from "./worker-events.ts";

export interface DoJobDeps extends Omit<TrainRunDeps, "progress" | "log"> {
  readonly queue: JobQueue;
  readonly chunksOf: (group: string, partition: number) => InteractionChunks;
  readonly metrics: MetricSink;
  readonly nowMs: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly tell: (event: WorkerEvent) => void;
}

export interface DoJobOptions {
  /** Names this process: no two workers have the same. */
  readonly worker: string;
  readonly threads: number;
  readonly leaseSeconds: number;
  readonly checkpointEveryMs: number;
  readonly progressEveryMs: number;
  /** For how long a store that is away is waited for before that counts as a failure. */
  readonly outageMs: number;
  /** Of tunings, see fine-tune.ts. */
  readonly tune: { readonly epochs: number; readonly olderPerNew: number };
  /** Given when the worker has to end. */
  readonly stop: AbortSignal;
}

/** Who works for longer than any pause between two tries had what it needs. */
const gotOnMs = 60_000;

/** Resolves whatever happens; what went wrong is in the log and in `runs/<id>/error.json`. */
export async function doJob(deps: DoJobDeps, options: DoJobOptions, message: JobMessage): Promise<JobOutcome> {
  const { worker, leaseSeconds, stop } = options;
  // A job that cannot be read names no run.
  let runId = message.id;
  try {
    const job = parseTrainingJob(message.body);
    runId = runIdOf(job);
    deps.tell({ event: "jobTaken", runId, jobId: message.id, kind: job.kind, delivery: message.receiveCount });
    const held = { runId, jobId: message.id, receipt: message.receipt, worker, leaseSeconds };
    return await whileHeld(deps, held, (hold) => doHeld(deps, options, message, held, hold, job));
  } catch (error) {
    if (stop.aborted) return handOn(deps, message, { runId, worker });
    return giveBack(deps, { runId, worker, error }, message);
  }
}

async function doHeld(
  deps: DoJobDeps,
  options: DoJobOptions,
  message: JobMessage,
  held: HeldRun,
  hold: Hold,
  job: TrainingJob,
): Promise<JobOutcome> {
  const { store, queue, metrics, nowMs, tell } = deps;
  const { worker, stop, progressEveryMs } = options;
  const { runId } = held;
  const progress = new RunProgressWriter(
    { store, metrics, nowMs, tell },
    { runId, worker, delivery: message.receiveCount, everyMs: progressEveryMs },
  );
  const signal = AbortSignal.any([stop, hold.lost]);
  const startedAtMs = nowMs();
  try {
    const outcome = await patiently(deps, options, runId, signal, async () => {
      const other = await hold.take();
      if (other !== null) return leaveTo(deps, message, runId, other);
      if ((await readRunResult(store, runId)) !== null) return "doneBefore";
      const result = await work({ ...deps, progress }, options, job, held, hold, signal);
      await writeRunResult(store, result);
      return result;
    });
    if (outcome === "elsewhere") return outcome;
    await queue
      .delete(message.receipt)
      .catch((error) => tell({ event: "sideFailed", who: `run ${runId}`, what: "done, but", reason: reasonOf(error) }));
    if (outcome === "doneBefore") {
      tell({ event: "jobDoneBefore", runId });
      return outcome;
    }
    const { version } = outcome;
    tell({ event: "jobDone", runId, version });
    await progress.end("finished", doneText(version));
    await count(deps, "JobsTrained", (nowMs() - startedAtMs) / 1000);
    return version === null ? "nothingNew" : "trained";
  } catch (error) {
    if (hold.lost.aborted) {
      tell({ event: "jobLost", runId, reason: reasonOf(hold.lost.reason) });
      return "lost";
    }
    if (stop.aborted) await progress.end("handedOn", reasonOf(stop.reason));
    else await progress.end("failed", reasonOf(error));
    throw error;
  }
}

/** Tries again while a store or the queue is away, for at most `outageMs` since a try that got on. */
function patiently<T>(
  { nowMs, sleep, tell }: DoJobDeps,
  { outageMs }: DoJobOptions,
  runId: string,
  signal: AbortSignal,
  attempt: () => Promise<T>,
): Promise<T> {
  let startedAtMs = nowMs();
  let outageSinceMs = startedAtMs;
  const canPass = (error: unknown): boolean => {
    if (nowMs() - startedAtMs > gotOnMs) outageSinceMs = nowMs();
    return error instanceof NcfError && error.retriable && nowMs() - outageSinceMs <= outageMs;
  };
  const onWait = (error: unknown, retryMs: number): void =>
    tell({ event: "waiting", who: `run ${runId}`, reason: reasonOf(error), retryMs });
  return withBackoff({ signal, sleep, canPass, onWait }, () => {
    startedAtMs = nowMs();
    return attempt();
  });
}

async function work(
  deps: DoJobDeps & { readonly progress: RunProgressWriter },
  { threads, checkpointEveryMs, leaseSeconds, tune }: DoJobOptions,
  job: TrainingJob,
  { runId, worker }: HeldRun,
  { confirm }: Hold,
  signal: AbortSignal,
): Promise<RunResult> {
  const result = (version: string | null, champion: string | null): RunResult => ({
    runId,
    version,
    champion,
    worker,
    finishedAtMs: deps.nowMs(),
  });
  const log = (text: string): void => deps.tell({ event: "note", text });
  if (job.kind === "train") {
    const { card, champion } = await trainRun({ ...deps, log }, job, { threads, checkpointEveryMs, signal, confirm });
    return result(card.version, champion.version);
  }
  const task = deps.progress.start(`Tuning ${job.baseVersion}`);
  const { kind: _, ...request } = job;
  const backend = deps.backendFor({ batchSize: await batchSizeOf(deps, job) });
  // The job is renewed with its run.
  const card = await trainRequested(
    { ...deps, backend, log },
    { ...tune, threads, leaseSeconds, signal },
    null,
    request,
  );
  task.end();
  return result(card?.version ?? null, null);
}

/** As the card's settings say; those of a card without stand for a small network. */
async function batchSizeOf({ registry }: DoJobDeps, { baseVersion }: TuneJob): Promise<number> {
  const { settings } = await registry.card(baseVersion);
  return z.object({ batchSize: z.int() }).safeParse(settings).data?.batchSize ?? 0;
}
