/** A worker's life: takes one job after the other until it is idle for long, too old, or told to end. */
import { NcfError } from "../../core/errors.ts";
import type { JobMessage } from "../../ports/job-queue.ts";
import { withBackoff } from "../backoff.ts";
import { type DoJobDeps, type DoJobOptions, doJob } from "./do-job.ts";
import type { JobOutcome } from "./job-fate.ts";
import { reasonOf } from "./worker-events.ts";

export interface WorkerOptions extends Omit<DoJobOptions, "stop"> {
  /** Without a job for so long it ends; 0: when there is none at once. */
  readonly idleSeconds: number;
  /** It never gets older: a job that it has then is handed on. At most 20 days. */
  readonly maxAgeSeconds: number;
  /**
   * A job is handed on after so long, as SQS lets nobody keep one for more than 12 hours: the next one, perhaps this worker
   * itself, goes on from the last checkpoint. That is no failed try.
   */
  readonly longestJobSeconds: number;
  /** Given from outside, such as by SIGTERM or the notice that the machine is taken away. */
  readonly signal: AbortSignal;
}

export interface WorkerEnd {
  readonly reason: "idle" | "tooOld" | "stopped";
  readonly jobs: Readonly<Record<JobOutcome, number>>;
}

/** What SQS allows. */
const longestWaitSeconds = 20;

/** @throws NcfError those of the queue that waiting does not help, or has not for as long as it may be idle and away */
export async function runWorker(deps: DoJobDeps, options: WorkerOptions): Promise<WorkerEnd> {
  const { idleSeconds, maxAgeSeconds, signal } = options;
  const jobs = { trained: 0, nothingNew: 0, doneBefore: 0, elsewhere: 0, handedOn: 0, lost: 0, failed: 0 };
  const age = new AbortController();
  const timer = setTimeout(
    () =>
      age.abort(
        new NcfError("WORKER_TOO_OLD", `this worker has reached its greatest age of ${maxAgeSeconds} s, and ends`),
      ),
    1000 * maxAgeSeconds,
  );
  const stop = AbortSignal.any([signal, age.signal]);
  try {
    let idleSinceMs = deps.monotonicMs();
    while (!stop.aborted) {
      const leftSeconds = idleSeconds - (deps.monotonicMs() - idleSinceMs) / 1000;
      const message = await nextJob(deps, options, stop, leftSeconds);
      if (message !== undefined) {
        jobs[await doJobForATime(deps, options, stop, message)] += 1;
        idleSinceMs = deps.monotonicMs();
      } else if (leftSeconds <= 0) return { reason: "idle", jobs };
    }
    return { reason: age.signal.aborted ? "tooOld" : "stopped", jobs };
  } finally {
    clearTimeout(timer);
  }
}

async function doJobForATime(
  deps: DoJobDeps,
  options: WorkerOptions,
  stop: AbortSignal,
  message: JobMessage,
): Promise<JobOutcome> {
  const { longestJobSeconds } = options;
  const over = new AbortController();
  const reason = `a worker keeps a job for at most ${longestJobSeconds} s at a stretch, and hands it on`;
  const timer = setTimeout(() => over.abort(new NcfError("JOB_HELD_LONG", reason)), 1000 * longestJobSeconds);
  try {
    return await doJob(deps, { ...options, stop: AbortSignal.any([stop, over.signal]) }, message);
  } finally {
    clearTimeout(timer);
  }
}

/** Undefined where none came in time, or the worker has to end. A queue that is away keeps it from ending for so long only. */
async function nextJob(
  { queue, sleep, tell, monotonicMs }: DoJobDeps,
  { leaseSeconds, outageMs }: WorkerOptions,
  stop: AbortSignal,
  leftSeconds: number,
): Promise<JobMessage | undefined> {
  const giveUpMs = monotonicMs() + Math.max(outageMs, 1000 * leftSeconds);
  const waitSeconds = Math.max(0, Math.min(longestWaitSeconds, Math.ceil(leftSeconds)));
  try {
    const [message] = await withBackoff(
      {
        signal: stop,
        sleep,
        canPass: (error) => error instanceof NcfError && error.retriable && monotonicMs() < giveUpMs,
        onWait: (error, retryMs) => tell({ event: "waiting", who: "queue", reason: reasonOf(error), retryMs }),
      },
      () => queue.receive({ visibilityTimeoutSeconds: leaseSeconds, waitSeconds, signal: stop }),
    );
    return message;
  } catch (error) {
    if (stop.aborted) return undefined;
    throw error;
  }
}
