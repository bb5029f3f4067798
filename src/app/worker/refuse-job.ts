/** What a worker does that cannot train at all, such as one whose backend its machine does not have. */
import type { JobMessage } from "../../ports/job-queue.ts";
import { parseTrainingJob, runIdOf } from "../jobs/training-job.ts";
import { giveBack, type JobFateDeps } from "./job-fate.ts";

/** Long enough to say why. */
const visibilitySeconds = 60;
const waitSeconds = 5;

/**
 * Gives one job back as failed, with the reason. As long as jobs wait, machines are launched for them, each of which would end in
 * the same way: so the queue makes a dead letter of the job after its last try, and its run says why.
 *
 * @throws NcfError those of the queue
 */
export async function refuseJob(deps: JobFateDeps, worker: string, error: unknown): Promise<void> {
  const [message] = await deps.queue.receive({ visibilityTimeoutSeconds: visibilitySeconds, waitSeconds });
  if (message !== undefined) await giveBack(deps, { runId: runOf(message), worker, error }, message);
}

/** A job that cannot be read names no run. */
function runOf({ id, body }: JobMessage): string {
  try {
    return runIdOf(parseTrainingJob(body));
  } catch {
    return id;
  }
}
