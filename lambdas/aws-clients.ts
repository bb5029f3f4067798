/** The SDK's clients, and the adapters on them. AWS_ENDPOINT_URL and its like, which the SDK reads itself, point elsewhere. */
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { S3ObjectStore } from "../src/adapters/aws/s3-object-store.ts";
import { SqsJobQueue } from "../src/adapters/aws/sqs-job-queue.ts";
import { isEmulated } from "./environment.ts";

/** How long a client waits. Where nothing comes for so long, it asks again. */
interface Patience {
  readonly socketTimeout: number;
  readonly maxAttempts: number;
}

/** For work that nobody waits for. */
const patient: Patience = { socketTimeout: 10_000, maxAttempts: 5 };
/** For an API: so that its callers get an answer, if only that S3 gives none. */
export const hasty: Patience = { socketTimeout: 2_000, maxAttempts: 2 };

const connectionTimeout = 2_000;

export function bucketStore(bucket: string, { socketTimeout, maxAttempts } = patient): S3ObjectStore {
  const client = new S3Client({
    requestHandler: { connectionTimeout, socketTimeout },
    maxAttempts,
    forcePathStyle: isEmulated(),
    // All files of ours have checksums of their own, and S3's takes as long to check as the transfer.
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  return new S3ObjectStore({ client, bucket });
}

export function queueAt(url: string): SqsJobQueue {
  const { socketTimeout, maxAttempts } = patient;
  return new SqsJobQueue({
    client: new SQSClient({ requestHandler: { connectionTimeout, socketTimeout }, maxAttempts }),
    url,
  });
}
