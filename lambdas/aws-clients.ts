/** The SDK's clients, and the adapters on them. AWS_ENDPOINT_URL and its like, which the SDK reads itself, point elsewhere. */
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { S3ObjectStore } from "../src/adapters/aws/s3-object-store.ts";
import { SqsJobQueue } from "../src/adapters/aws/sqs-job-queue.ts";
import { isEmulated } from "./environment.ts";

/** An answer that takes longer is asked for again. */
const requestHandler = { connectionTimeout: 2_000, requestTimeout: 20_000 };

export function bucketStore(bucket: string): S3ObjectStore {
  const client = new S3Client({
    requestHandler,
    forcePathStyle: isEmulated(),
    // All files of ours have checksums of their own, and S3's takes as long to check as the transfer.
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  return new S3ObjectStore({ client, bucket });
}

export function queueAt(url: string): SqsJobQueue {
  return new SqsJobQueue({ client: new SQSClient({ requestHandler }), url });
}
