/** Training requests → jobs for workers, and workers for jobs. Of two queues, as one message cannot serve two consumers. */
import { parseTrainingJob } from "../jobs/training-job.ts";
import { type EnsureDeps, type EnsureOptions, type EnsureOutcome, ensureWorkers } from "./ensure-workers.ts";
import { forwardLeftRequests, forwardRequest } from "./forward-request.ts";
import { failureOf } from "./launch-events.ts";

export type LaunchWorkerDeps = EnsureDeps;
export type LaunchWorkerOptions = EnsureOptions;

/** A delivered training request. */
export interface RequestMessage {
  readonly messageId: string;
  readonly body: string;
}

export interface HandledRequests {
  /** The messages that have to come again; in the end their queue makes dead letters of them. */
  readonly failedMessageIds: readonly string[];
  readonly forwarded: number;
  /** What came of the workers; null where no request was fit, or where it failed. */
  readonly workers: EnsureOutcome | null;
}

/**
 * Forwards the requests and sees to it that workers run. A request that is forwarded but gets no worker counts as failed, too: it
 * comes again, nothing is forwarded twice, and the launch is tried anew. Resolves whatever happens; `tell` is told what went wrong.
 */
export async function handleTrainingRequests(
  deps: LaunchWorkerDeps,
  options: LaunchWorkerOptions,
  messages: readonly RequestMessage[],
): Promise<HandledRequests> {
  const failedMessageIds: string[] = [];
  const fit: string[] = [];
  let forwarded = 0;
  for (const { messageId, body } of messages) {
    try {
      if ((await forwardRequest(deps, parseTrainingJob(body))) === "forwarded") forwarded++;
      fit.push(messageId);
    } catch (error) {
      deps.tell({ event: "requestFailed", request: messageId, ...failureOf(error) });
      failedMessageIds.push(messageId);
    }
  }
  if (fit.length === 0) return { failedMessageIds, forwarded, workers: null };
  try {
    const workers = await ensureWorkers(deps, options, forwarded);
    if (workers.kind === "shortage" || workers.kind === "quota") failedMessageIds.push(...fit);
    return { failedMessageIds, forwarded, workers };
  } catch (error) {
    deps.tell({ event: "workerLaunchFailed", ...failureOf(error) });
    return { failedMessageIds: [...failedMessageIds, ...fit], forwarded, workers: null };
  }
}

/**
 * For a schedule: brings on requests that a crash left half-way, and launches where there are jobs and too few workers, such
 * as after a shortage, or when a job came in the moment in which the last worker ended itself.
 *
 * @throws NcfError those of the store, the queue and the launcher, which `tell` is told of
 */
export async function reconcile(
  deps: LaunchWorkerDeps,
  options: LaunchWorkerOptions,
): Promise<{ readonly forwarded: number; readonly workers: EnsureOutcome }> {
  const forwarded = await forwardLeftRequests(deps);
  try {
    return { forwarded, workers: await ensureWorkers(deps, options, forwarded) };
  } catch (error) {
    deps.tell({ event: "workerLaunchFailed", ...failureOf(error) });
    throw error;
  }
}
