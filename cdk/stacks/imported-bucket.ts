import type { Stack } from "aws-cdk-lib";
import { Bucket, type IBucket } from "aws-cdk-lib/aws-s3";
import type { DataStack } from "./data-stack.ts";

/**
 * The data stack's bucket by its exported name. Were it taken as it is, a notification would make its stack need the Lambdas
 * of another one, which need the bucket: a circle.
 */
export function importedBucket(stack: Stack, data: DataStack): IBucket {
  stack.addStackDependency(data);
  const { bucketName, bucketArn } = data.bucket;
  return Bucket.fromBucketAttributes(stack, "Bucket", {
    bucketName: data.exportValue(bucketName),
    bucketArn: data.exportValue(bucketArn),
  });
}
