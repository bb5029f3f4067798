/** The store and the queue that the environment names: in AWS, or folders of this machine. */
import { fileURLToPath } from "node:url";
import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { CloudWatchMetrics } from "../src/adapters/aws/cloudwatch-metrics.ts";
import { jobQueueAt, storeAt } from "../src/cli/places.ts";
import type { JobQueue } from "../src/ports/job-queue.ts";
import { type MetricSink, noMetrics } from "../src/ports/metrics.ts";
import type { ObjectStore } from "../src/ports/object-store.ts";
import type { WorkerEnvironment } from "./environment.ts";

export interface Places {
  readonly store: ObjectStore;
  readonly queue: JobQueue;
  readonly metrics: MetricSink;
}

/** @throws NcfError `USAGE` for what is no bucket's name */
export async function placesOf({
  NCF_BUCKET: bucket,
  NCF_TRAINING_JOBS_URL: jobs,
  NCF_METRICS_NAMESPACE: namespace,
}: Pick<WorkerEnvironment, "NCF_BUCKET" | "NCF_TRAINING_JOBS_URL" | "NCF_METRICS_NAMESPACE">): Promise<Places> {
  return {
    store: await storeAt(isFolder(bucket) ? fileURLToPath(bucket) : `s3://${bucket}`),
    queue: await jobQueueAt(isFolder(jobs) ? fileURLToPath(jobs) : jobs),
    metrics: namespace === undefined ? noMetrics : cloudWatch(namespace),
  };
}

/** Figures are not worth much waiting: progress and a job's end come after them. */
function cloudWatch(namespace: string): MetricSink {
  const requestHandler = { connectionTimeout: 2_000, socketTimeout: 5_000 };
  return new CloudWatchMetrics({ client: new CloudWatchClient({ requestHandler, maxAttempts: 2 }), namespace });
}

export function isFolder(url: string): boolean {
  return url.startsWith("file:");
}
