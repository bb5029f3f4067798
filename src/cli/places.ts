/** Places that the command line or the environment names: folders of this machine, or a bucket in S3 and a queue in SQS. */
import { FileJobQueue } from "../adapters/local/file-job-queue.ts";
import { FileObjectStore } from "../adapters/local/file-object-store.ts";
import { NcfError } from "../core/errors.ts";
import type { JobQueue } from "../ports/job-queue.ts";
import type { ObjectStore } from "../ports/object-store.ts";

/** A connection that is silent for so long is given up, and the SDK asks again; a queue may answer only after 20 s. */
const requestHandler = { connectionTimeout: 5_000, socketTimeout: 60_000 };
/** Deliveries after which a job in a folder is a dead letter; one in SQS goes by the queue's redrive policy. */
const maxReceives = 3;

/** @param place a folder, `s3://BUCKET` or `s3://BUCKET/PREFIX` @throws NcfError `USAGE` */
export async function storeAt(place: string): Promise<ObjectStore> {
  if (!/^s3:/i.test(place)) return new FileObjectStore(place);
  const [, bucket, prefix = ""] = /^s3:\/\/([a-z0-9][a-z0-9.-]+)(?:\/(.*?))?\/?$/.exec(place) ?? [];
  if (bucket === undefined) {
    throw new NcfError("USAGE", `expected a folder, s3://BUCKET or s3://BUCKET/PREFIX, found "${place}"`);
  }
  // The SDK takes longer to load than all else: who does not need it does not wait for it.
  const { S3Client } = await import("@aws-sdk/client-s3");
  const { S3ObjectStore } = await import("../adapters/aws/s3-object-store.ts");
  // An emulator on one host knows no names such as bucket.host.
  const forcePathStyle = (process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL) !== undefined;
  return new S3ObjectStore({ client: new S3Client({ requestHandler, forcePathStyle }), bucket, prefix });
}

/** @param place a folder, or the URL of an SQS queue */
export async function jobQueueAt(place: string): Promise<JobQueue> {
  if (!/^https?:/i.test(place)) return new FileJobQueue(place, { maxReceives });
  const { SQSClient } = await import("@aws-sdk/client-sqs");
  const { SqsJobQueue } = await import("../adapters/aws/sqs-job-queue.ts");
  return new SqsJobQueue({ client: new SQSClient({ requestHandler }), url: place });
}
