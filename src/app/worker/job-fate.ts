/** What becomes of a delivered job that this worker does not finish, and the figures about it. */
import type { JobMessage, JobQueue } from "../../ports/job-queue.ts";
import type { MetricSink } from "../../ports/metrics.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { type RunLease, releaseRunLease } from "./run-lease.ts";
import { writeRunFailure } from "./run-records.ts";
import { codeOf, reasonOf, type WorkerEvent } from "./worker-events.ts";

/**
 * `trained`, `nothingNew`: done now. `doneBefore`: an earlier delivery did it. `elsewhere`: another worker is doing it.
 * `handedOn`: this worker has to end; the job waits for another. `lost`: another worker has taken it over. `failed`: it goes
 * back to the queue, which makes a dead letter of it in the end.
 */
export type JobOutcome = "trained" | "nothingNew" | "doneBefore" | "elsewhere" | "handedOn" | "lost" | "failed";

export interface JobFateDeps {
  readonly store: ObjectStore;
  readonly queue: JobQueue;
  readonly metrics: MetricSink;
  readonly nowMs: () => number;
  readonly tell: (event: WorkerEvent) => void;
}

/** Leaves the run to the worker that has it. A second job of the same run is in nobody's way and is of no use. */
export async function leaveTo(
  { queue, nowMs, tell }: JobFateDeps,
  { id, receipt }: JobMessage,
  runId: string,
  other: RunLease,
): Promise<"elsewhere"> {
  tell({ event: "jobElsewhere", runId, holder: other.worker });
  if (other.jobId !== id) await queue.delete(receipt);
  else await queue.extend(receipt, Math.max(1, Math.ceil((other.expiresAtMs - nowMs()) / 1000)));
  return "elsewhere";
}

/**
 * Sends the job anew, so that being stopped does not count as one of its tries; only where that fails is this delivery given
 * back. A crash in between leaves the job there twice, which does no harm.
 */
export async function handOn(
  deps: JobFateDeps,
  { id, body, receipt }: JobMessage,
  { runId, worker }: { readonly runId: string; readonly worker: string },
): Promise<JobOutcome> {
  const { store, queue, tell } = deps;
  try {
    // Who gets the new job while a lease stands takes it for a second one of the run, and deletes it.
    const isFree = await releaseRunLease(store, runId, { worker, jobId: id });
    if (!isFree) await queue.extend(receipt, 0);
    else {
      await queue.send(body);
      await queue.delete(receipt);
    }
  } catch (error) {
    const what = "could not be sent anew, so it is given back";
    tell({ event: "sideFailed", who: `run ${runId}`, what, reason: reasonOf(error) });
    await queue.extend(receipt, 0).catch(() => undefined); // it comes back by itself
  }
  tell({ event: "jobHandedOn", runId });
  await count(deps, "JobsHandedOn");
  return "handedOn";
}

/** Gives a job back that failed; after its last delivery the queue makes a dead letter of it. */
export async function giveBack(
  deps: JobFateDeps,
  { runId, worker, error }: { readonly runId: string; readonly worker: string; readonly error: unknown },
  { id, receipt, receiveCount }: JobMessage,
): Promise<JobOutcome> {
  const { store, queue, nowMs, tell } = deps;
  const why = { code: codeOf(error), reason: reasonOf(error) };
  tell({ event: "jobFailed", runId, jobId: id, delivery: receiveCount, ...why });
  const failure = { runId, jobId: id, delivery: receiveCount, error, worker, failedAtMs: nowMs() };
  await writeRunFailure(store, failure).catch((cause) =>
    tell({
      event: "sideFailed",
      who: `run ${runId}`,
      what: "its reason could not be stored",
      reason: reasonOf(cause),
    }),
  );
  await queue.extend(receipt, 0).catch(() => undefined); // it comes back by itself
  await count(deps, "JobsFailed");
  return "failed";
}

export async function count({ metrics, tell }: JobFateDeps, name: string, seconds?: number): Promise<void> {
  await metrics
    .put([
      { name, value: 1, unit: "Count" },
      ...(seconds === undefined ? [] : [{ name: "JobSeconds", value: seconds, unit: "Seconds" as const }]),
    ])
    .catch((error) => tell({ event: "sideFailed", who: "metrics", what: "not taken", reason: reasonOf(error) }));
}
