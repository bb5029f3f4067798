/** Training requests from their queue → jobs and workers; and, on a schedule, workers for jobs that have none. */
import type { SQSBatchResponse } from "aws-lambda";
import { z } from "zod";
import {
  handleTrainingRequests,
  type LaunchWorkerDeps,
  type LaunchWorkerOptions,
  reconcile,
} from "../src/app/launch-worker/launch-worker.ts";
import { type Observer, observed } from "./observability.ts";

export interface LaunchWorkerLambdaDeps extends Omit<LaunchWorkerDeps, "tell"> {
  readonly options: LaunchWorkerOptions;
  readonly observer: Observer;
}

const batchSchema = z.object({ Records: z.array(z.object({ messageId: z.string(), body: z.string() })) });

export function createHandler({ options, observer, ...others }: LaunchWorkerLambdaDeps) {
  const deps: LaunchWorkerDeps = { ...others, tell: ({ event, ...facts }) => observer.log(event, facts) };
  return observed(observer, async (event: unknown): Promise<SQSBatchResponse> => {
    const batch = batchSchema.safeParse(event);
    if (!batch.success) {
      // The schedule's event says nothing but that it is time.
      await reconcile(deps, options);
      return { batchItemFailures: [] };
    }
    const { failedMessageIds } = await handleTrainingRequests(deps, options, batch.data.Records);
    return { batchItemFailures: failedMessageIds.map((itemIdentifier) => ({ itemIdentifier })) };
  });
}
