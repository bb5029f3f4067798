/** A request to train on what came over the stream; at most one a group is in flight. */
import { z } from "zod";
import { NcfError } from "../../core/errors.ts";
import { decodeJson } from "../../core/json.ts";
import type { JobQueue } from "../../ports/job-queue.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { isTrainingDone, takeTrainingLease } from "./training-lease.ts";

const offset = z.int().min(0);

export const trainingRequestSchema = z.strictObject({
  /** Names the training: a request that comes twice trains once. */
  requestId: z.string().regex(/^[\w.-]{1,128}$/),
  group: z.string().min(1),
  /** The version that is tuned. */
  baseVersion: z.string().min(1),
  /** The stream's input; absent in requests that were sent before it was named. */
  topic: z.string().optional(),
  /** By partition: offsets from … to − 1, which the base has not learnt. */
  ranges: z.record(z.string().regex(/^\d+$/), z.strictObject({ from: offset, to: offset })),
  reason: z.enum(["window", "events", "drift"]),
  /** End of the last final window then; absent before the first. */
  windowsThroughMs: z.int().optional(),
  createdAtMs: z.int(),
});

export type TrainingRequest = z.infer<typeof trainingRequestSchema>;

/** @throws NcfError `TRAINING_REQUEST_INVALID` */
export function parseTrainingRequest(body: string): TrainingRequest {
  try {
    return trainingRequestSchema.parse(decodeJson(new TextEncoder().encode(body)));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : "it is no JSON";
    throw new NcfError(
      "TRAINING_REQUEST_INVALID",
      `expected a training request, found "${body.slice(0, 80)}": ${reason}. Send what requestTraining sends`,
      { cause },
    );
  }
}

/**
 * Sends the request, unless another one of the group is in flight, or the very same was done: it found nothing new. After a
 * crash in between, the same request may be sent again: it holds the lease already.
 *
 * @throws NcfError those of the store and the queue
 */
export async function requestTraining(
  { store, queue, nowMs }: { readonly store: ObjectStore; readonly queue: JobQueue; readonly nowMs: () => number },
  request: TrainingRequest,
  leaseMs: number,
): Promise<"requested" | "inFlight" | "done"> {
  if (await isTrainingDone(store, request)) return "done";
  if (!(await takeTrainingLease(store, request, nowMs(), leaseMs))) return "inFlight";
  await queue.send(JSON.stringify(request));
  return "requested";
}
