/** The store and the queue that the environment names: in AWS, or folders of this machine. */
import { fileURLToPath } from "node:url";
import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { CloudWatchMetrics } from "../src/adapters/aws/cloudwatch-metrics.ts";
import { S3ObjectStore } from "../src/adapters/aws/s3-object-store.ts";
import { SqsJobQueue } from "../src/adapters/aws/sqs-job-queue.ts";
import { FileJobQueue } from "../src/adapters/local/file-job-queue.ts";
import { FileObjectStore } from "../src/adapters/local/file-object-store.ts";
import type { JobQueue } from "../src/ports/job-queue.ts";
import { type MetricSink, noMetrics } from "../src/ports/metrics.ts";
import type { ObjectStore } from "../src/ports/object-store.ts";
import type { WorkerEnvironment } from "./environment.ts";

export interface Places {
  readonly store: ObjectStore;
  readonly queue: JobQueue;
  readonly metrics: MetricSink;
}

/** A connection that is silent for so long is given up, and the SDK asks again; a queue may answer only after 20 s. */
const requestHandler = { connectionTimeout: 5_000, socketTimeout: 60_000 };
/** Of a queue in a folder; one in SQS says so itself, in its redrive policy. */
const maxReceives = 3;

export function placesOf({
  NCF_BUCKET,
  NCF_TRAINING_JOBS_URL,
  NCF_METRICS_NAMESPACE: namespace,
}: Pick<WorkerEnvironment, "NCF_BUCKET" | "NCF_TRAINING_JOBS_URL" | "NCF_METRICS_NAMESPACE">): Places {
  const isEmulated = (process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL) !== undefined;
  return {
    store: isFolder(NCF_BUCKET)
      ? new FileObjectStore(fileURLToPath(NCF_BUCKET))
      : // An emulator on one host knows no names such as bucket.host.
        new S3ObjectStore({ client: new S3Client({ requestHandler, forcePathStyle: isEmulated }), bucket: NCF_BUCKET }),
    queue: isFolder(NCF_TRAINING_JOBS_URL)
      ? new FileJobQueue(fileURLToPath(NCF_TRAINING_JOBS_URL), { maxReceives })
      : new SqsJobQueue({ client: new SQSClient({ requestHandler }), url: NCF_TRAINING_JOBS_URL }),
    metrics:
      namespace === undefined
        ? noMetrics
        : new CloudWatchMetrics({ client: new CloudWatchClient({ requestHandler }), namespace }),
  };
}

export function isFolder(url: string): boolean {
  return url.startsWith("file:");
}
