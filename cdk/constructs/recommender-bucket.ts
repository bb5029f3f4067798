/** The one bucket: uploads, data sets, samples, trainings, models, snapshots, reports. */
import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket, ObjectOwnership } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import type { Settings } from "./settings.ts";

/** Large objects that are written anew all the time: an older version of them helps nobody. */
const shortLived = ["snapshots/", "runs/"];

export class RecommenderBucket extends Construct {
  readonly bucket: IBucket;

  constructor(scope: Construct, id: string, { keepData, runDays, oldVersionDays }: Settings) {
    super(scope, id);
    const bucket = new Bucket(this, "Bucket", {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      versioned: true,
      lifecycleRules: [
        {
          id: "leftovers",
          abortIncompleteMultipartUploadAfter: Duration.days(1),
          noncurrentVersionExpiration: Duration.days(oldVersionDays),
        },
        ...shortLived.map((prefix) => ({
          id: `older-${prefix.slice(0, -1)}`,
          prefix,
          noncurrentVersionExpiration: Duration.days(1),
        })),
        ...["runs/", "workers/"].map((prefix) => ({
          id: `finished-${prefix.slice(0, -1)}`,
          prefix,
          expiration: Duration.days(runDays),
        })),
      ],
      ...(keepData
        ? { removalPolicy: RemovalPolicy.RETAIN }
        : { removalPolicy: RemovalPolicy.DESTROY, autoDeleteObjects: true }),
    });
    Validations.of(bucket).acknowledge({
      id: "AwsSolutions-S1",
      reason:
        "Workers and score read ranges of objects many times a minute: a log of each would cost more than the data. Where an " +
        "audit needs it, turn on CloudTrail's data events for this bucket.",
    });
    // The library's types disagree with themselves under TypeScript's exactOptionalPropertyTypes.
    this.bucket = bucket as IBucket;
  }
}
