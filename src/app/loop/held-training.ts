/** Keeps a training's job and the lease of its group a worker's own while it trains. */
import { NcfError } from "../../core/errors.ts";
import type { JobMessage, JobQueue } from "../../ports/job-queue.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { whileProlonged } from "../while-prolonged.ts";
import { takeTrainingLease } from "./training-lease.ts";
import type { TrainingRequest } from "./training-request.ts";

export interface HeldTrainingDeps {
  readonly queue: JobQueue;
  /** Holds the leases. */
  readonly store: ObjectStore;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
}

export interface HeldTraining {
  /** Aborted when lease or job are lost, or the worker is to stop. */
  readonly running: AbortSignal;
  /** Asks once more whether the lease is one's own. @throws NcfError `TRAINING_LOST`; those of the store */
  confirm(): Promise<void>;
}

/**
 * Works while job and lease are renewed. Where store or queue do not answer for a while, the work goes on: only the word that
 * another one has the job or the lease stops it.
 *
 * @param job null where somebody else renews it
 */
export function whileHeld<T>(
  { store, queue, nowMs, log }: HeldTrainingDeps,
  { leaseSeconds, signal }: { readonly leaseSeconds: number; readonly signal?: AbortSignal | undefined },
  job: Pick<JobMessage, "receipt"> | null,
  request: TrainingRequest,
  work: (lease: HeldTraining) => Promise<T>,
): Promise<T> {
  const lost = new AbortController();
  const confirm = async (): Promise<void> => {
    if (!(await takeTrainingLease(store, request, nowMs(), 1000 * leaseSeconds))) throw trainingLost(request);
  };
  const prolong = () => [confirm(), ...(job === null ? [] : [queue.extend(job.receipt, leaseSeconds)])];
  const onFailure = (error: unknown): void =>
    log(`training ${request.requestId}: could not be prolonged: ${error instanceof Error ? error.message : error}`);
  const running = AbortSignal.any([lost.signal, ...(signal ? [signal] : [])]);
  return whileProlonged({ leaseSeconds, prolong, isLoss, onFailure }, lost, () => work({ running, confirm }));
}

function isLoss(error: unknown): boolean {
  return error instanceof NcfError && (error.code === "TRAINING_LOST" || error.code === "JOB_LEASE_LOST");
}

function trainingLost({ requestId, group }: TrainingRequest): NcfError {
  return new NcfError(
    "TRAINING_LOST",
    `expected the lease of group ${group} to be that of ${requestId}, found that another request has taken it over: this ` +
      "worker did not renew it in time. Leave the training to that one",
  );
}
