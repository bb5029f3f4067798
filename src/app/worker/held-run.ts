/** Keeps a delivered job and the lease of its run a worker's own while it works on them. */
import { NcfError } from "../../core/errors.ts";
import type { JobQueue } from "../../ports/job-queue.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { whileProlonged } from "../while-prolonged.ts";
import { prolongRunLease, type RunLease, releaseRunLease, takeRunLease } from "./run-lease.ts";
import { reasonOf, type WorkerEvent } from "./worker-events.ts";

export interface HeldRunDeps {
  readonly store: ObjectStore;
  readonly queue: JobQueue;
  readonly nowMs: () => number;
  readonly tell: (event: WorkerEvent) => void;
}

export interface HeldRun {
  readonly runId: string;
  readonly jobId: string;
  readonly receipt: string;
  readonly worker: string;
  /** For so long job and lease are the worker's own; they are prolonged at a third of that. */
  readonly leaseSeconds: number;
}

export interface Hold {
  /** Aborted when another worker has the run or the job. */
  readonly lost: AbortSignal;
  /**
   * Takes the lease, which is prolonged from then on.
   *
   * @returns null, or the lease of the worker that has it
   * @throws NcfError those of the store
   */
  take(): Promise<RunLease | null>;
  /** Asks once more whether the lease is one's own. @throws NcfError `RUN_LEASE_LOST`; those of the store */
  confirm(): Promise<void>;
}

/**
 * Keeps the job, and the lease from when it is taken. Where store or queue do not answer for a while, the work goes on: only
 * the word that another worker has it stops it, and who publishes asks by `confirm` before.
 */
export async function whileHeld<T>(
  { store, queue, nowMs, tell }: HeldRunDeps,
  held: HeldRun,
  work: (hold: Hold) => Promise<T>,
): Promise<T> {
  const { runId, receipt, leaseSeconds } = held;
  const lost = new AbortController();
  let taken = false;
  const mine = (): RunLease => ({
    worker: held.worker,
    jobId: held.jobId,
    expiresAtMs: nowMs() + 1000 * leaseSeconds,
  });
  const take = async (): Promise<RunLease | null> => {
    const other = await takeRunLease(store, runId, mine(), nowMs());
    taken = other === null;
    return other;
  };
  const confirm = async (): Promise<void> => {
    try {
      await prolongRunLease(store, runId, mine());
    } catch (error) {
      if (isLoss(error)) lost.abort(error);
      throw error;
    }
  };
  const prolong = () => [queue.extend(receipt, leaseSeconds), ...(taken ? [confirm()] : [])];
  const onFailure = (error: unknown): void =>
    tell({ event: "sideFailed", who: `run ${runId}`, what: "could not be prolonged", reason: reasonOf(error) });
  try {
    return await whileProlonged({ leaseSeconds, prolong, isLoss, onFailure }, lost, () =>
      work({ lost: lost.signal, take, confirm }),
    );
  } finally {
    if (taken && !lost.signal.aborted) {
      await releaseRunLease(store, runId, mine()).catch(() => undefined); // it expires
    }
  }
}

function isLoss(error: unknown): boolean {
  return error instanceof NcfError && (error.code === "RUN_LEASE_LOST" || error.code === "JOB_LEASE_LOST");
}
