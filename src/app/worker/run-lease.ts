/** The right to do a run, as an object `runs/<id>/lease.json` with a time after which another worker may take it over. */
import { z } from "zod";
import { NcfError } from "../../core/errors.ts";
import { encodeJsonFile } from "../../core/json.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { runPrefix } from "../jobs/training-job.ts";
import { putWhere } from "../put-where.ts";

const leaseSchema = z.object({
  /** Names a process: no two workers have the same. */
  worker: z.string(),
  /** The queue's id of the job that it came by. */
  jobId: z.string(),
  expiresAtMs: z.int(),
});

export type RunLease = z.infer<typeof leaseSchema>;

/**
 * Takes the lease of a run, or prolongs one's own.
 *
 * @returns null, or the lease of another worker that has not expired
 */
export async function takeRunLease(
  store: ObjectStore,
  runId: string,
  mine: RunLease,
  nowMs: number,
): Promise<RunLease | null> {
  const others: RunLease[] = [];
  const taken = await putWhere(store, keyOf(runId), encodeJsonFile(mine), (document) => {
    // A document of another form holds nobody up.
    const found = leaseSchema.safeParse(document).data;
    if (found === undefined || found.worker === mine.worker || found.expiresAtMs <= nowMs) return true;
    others.push(found);
    return false;
  });
  return taken ? null : (others.at(-1) ?? null);
}

/** @throws NcfError `RUN_LEASE_LOST` when another worker has taken the run over; those of the store */
export async function prolongRunLease(store: ObjectStore, runId: string, mine: RunLease): Promise<void> {
  let holder = "nobody";
  const kept = await putWhere(store, keyOf(runId), encodeJsonFile(mine), (document) => {
    holder = leaseSchema.safeParse(document).data?.worker ?? "a document of another form";
    return holder === mine.worker;
  });
  if (kept) return;
  throw new NcfError(
    "RUN_LEASE_LOST",
    `expected run ${runId} to be this worker's, found it taken over by ${holder}. Nothing is lost: that worker goes on ` +
      "from the last checkpoint",
  );
}

/** Gives the lease up, if it is one's own. @returns false where another worker has it */
export async function releaseRunLease(
  store: ObjectStore,
  runId: string,
  mine: Omit<RunLease, "expiresAtMs">,
): Promise<boolean> {
  const released = encodeJsonFile({ worker: mine.worker, jobId: mine.jobId, expiresAtMs: 0 });
  return putWhere(
    store,
    keyOf(runId),
    released,
    (document) => leaseSchema.safeParse(document).data?.worker === mine.worker,
  );
}

function keyOf(runId: string): string {
  return `${runPrefix(runId)}lease.json`;
}
