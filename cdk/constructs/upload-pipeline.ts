/** What happens to an upload: `ingest` makes a data set of it, `sample` draws from that and asks for a training. */
import { Duration, Stack, Validations } from "aws-cdk-lib";
import { SqsDestination } from "aws-cdk-lib/aws-lambda-destinations";
import { EventType, type IBucket } from "aws-cdk-lib/aws-s3";
import { LambdaDestination } from "aws-cdk-lib/aws-s3-notifications";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { AlarmDefinition, Graph, Watched } from "./alarm-definition.ts";
import { keepingQueue, notEmptyAlarm } from "./guarded-queue.ts";
import { NcfFunction } from "./ncf-function.ts";
import { grantObjects } from "./object-access.ts";
import type { Settings } from "./settings.ts";
import { acknowledgeWildcards } from "./wildcards.ts";

/** Beside the upload: what the file system and the runtime take. */
const spareDiskMiB = 512;
const mebibyte = 1024 ** 2;
/**
 * What a Lambda needs for the largest upload, MiB: beside its own 24 bytes a rating to read them and 40 to sample, where a rating
 * takes 18 bytes of the upload.
 */
const memoryFor = {
  ingest: (uploadMiB: number) => Math.max(1769, 300 + Math.ceil(1.3 * uploadMiB)), // at least one whole processor
  sample: (uploadMiB: number) => Math.max(3008, 400 + Math.ceil(2.2 * uploadMiB)), // at least what new accounts may have
};
/** Beside the first: S3's event may come twice anyway, so both Lambdas know work that is done. */
const retries = 2;

export interface UploadPipelineProps {
  readonly settings: Settings;
  readonly bucket: IBucket;
  readonly trainingRequests: Queue;
}

export class UploadPipeline extends Construct implements Watched {
  readonly ingest: NcfFunction;
  readonly sample: NcfFunction;
  readonly alarms: readonly AlarmDefinition[];
  readonly graphs: readonly Graph[];

  constructor(scope: Construct, id: string, { settings, bucket, trainingRequests }: UploadPipelineProps) {
    super(scope, id);
    const failedIngests = keepingQueue(this, "FailedIngests");
    const failedSamples = keepingQueue(this, "FailedSamples");
    const uploadMiB = Math.ceil(settings.maxUploadBytes / mebibyte);
    const shared = { settings, timeout: Duration.minutes(15), retryAttempts: retries };
    this.ingest = new NcfFunction(this, "Ingest", {
      ...shared,
      lambda: "ingest",
      description: "Reads an uploaded file of ratings into a data set of Parquet files",
      memoryMiB: memoryFor.ingest(uploadMiB),
      diskMiB: uploadMiB + spareDiskMiB,
      onFailure: new SqsDestination(failedIngests),
      environment: { NCF_BUCKET: bucket.bucketName, NCF_MAX_UPLOAD_BYTES: String(settings.maxUploadBytes) },
    });
    grantObjects(this.ingest.role, bucket, {
      read: ["uploads/"],
      write: ["datasets/", "uploads-failed/"],
    });
    this.sample = new NcfFunction(this, "Sample", {
      ...shared,
      lambda: "sample",
      description: "Draws users from a data set, splits their ratings, and asks for a training",
      memoryMiB: memoryFor.sample(uploadMiB),
      onFailure: new SqsDestination(failedSamples),
      environment: {
        NCF_BUCKET: bucket.bucketName,
        NCF_TRAINING_REQUESTS_URL: trainingRequests.queueUrl,
        NCF_SAMPLE_OPTIONS: JSON.stringify(settings.sampleOptions),
      },
    });
    grantObjects(this.sample.role, bucket, { read: ["datasets/"], write: ["samples/"] });
    trainingRequests.grantSendMessages(this.sample.role);

    const notify = (fn: NcfFunction, filter: { prefix: string; suffix?: string }): void =>
      bucket.addEventNotification(EventType.OBJECT_CREATED, new LambdaDestination(fn.function), filter);
    notify(this.ingest, { prefix: "uploads/" });
    // Written last: a data set with it is whole.
    notify(this.sample, { prefix: "datasets/", suffix: "/ingest.json" });
    acknowledgeNotifications(this);

    this.alarms = [
      {
        id: "upload-refused",
        metric: this.ingest.counted("UploadRefused"),
        threshold: 1,
        meaning: "An upload was refused; uploads-failed/ has a report that says what was expected and found.",
      },
      {
        id: "dataset-refused",
        metric: this.sample.counted("DatasetRefused"),
        threshold: 1,
        meaning: "No sample can be drawn from a data set with these options; its refused.json says why.",
      },
      notEmptyAlarm(
        "ingest-failed",
        failedIngests,
        "An upload could not be read in three attempts; the file is still in uploads/.",
      ),
      notEmptyAlarm(
        "sample-failed",
        failedSamples,
        "No sample could be drawn from a data set in three attempts; the data set is kept.",
      ),
    ];
    this.graphs = [
      { title: "Uploads", metrics: [this.ingest, this.sample].map(({ function: f }) => f.metricInvocations()) },
      {
        title: "Upload time, ms",
        metrics: [this.ingest, this.sample].map(({ function: f }) => f.metricDuration({ statistic: "Maximum" })),
      },
    ];
  }
}

/** The library's own Lambda that sets a bucket's notifications: CloudFormation cannot without a circle of references. */
function acknowledgeNotifications(scope: Construct): void {
  const handler = Stack.of(scope).node.children.find(({ node }) => node.id.startsWith("BucketNotificationsHandler"));
  if (handler === undefined) return;
  const reason = "Made by the CDK's library: it may log, and set and read buckets' notifications, nothing else.";
  const policy = "arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
  Validations.of(handler).acknowledge({ id: `AwsSolutions-IAM4[Policy::${policy}]`, reason });
  acknowledgeWildcards(handler as Construct, ["*"], reason);
}
