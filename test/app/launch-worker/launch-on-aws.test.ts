/** Launchers on S3, SQS and EC2, all of LocalStack. */
import { randomUUID } from "node:crypto";
import { CreateLaunchTemplateCommand, DescribeImagesCommand, EC2Client } from "@aws-sdk/client-ec2";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { expect, it } from "vitest";
import { Ec2WorkerLauncher } from "../../../src/adapters/aws/ec2-worker-launcher.ts";
import { S3ObjectStore } from "../../../src/adapters/aws/s3-object-store.ts";
import { SqsJobQueue } from "../../../src/adapters/aws/sqs-job-queue.ts";
import type { LaunchEvent } from "../../../src/app/launch-worker/launch-events.ts";
import { handleTrainingRequests, reconcile } from "../../../src/app/launch-worker/launch-worker.ts";
import { onEmulators } from "../../adapters/aws/emulators.ts";

onEmulators(["localstack"], (name, settings) => {
  it(`launchers that race on ${name} forward each request once and start one worker`, async () => {
    const s3 = new S3Client({ ...settings, forcePathStyle: true });
    const sqs = new SQSClient(settings);
    const ec2 = new EC2Client(settings);
    const id = randomUUID();
    await s3.send(new CreateBucketCommand({ Bucket: `ncf-${id}` }));
    const { QueueUrl: url = "" } = await sqs.send(new CreateQueueCommand({ QueueName: `training-jobs-${id}` }));
    const { Images = [] } = await ec2.send(new DescribeImagesCommand({}));
    const { LaunchTemplate } = await ec2.send(
      new CreateLaunchTemplateCommand({
        LaunchTemplateName: id,
        LaunchTemplateData: { ImageId: Images[0]?.ImageId, InstanceType: "g4dn.xlarge" },
      }),
    );
    const launchTemplateId = LaunchTemplate?.LaunchTemplateId ?? "";
    const launcher = new Ec2WorkerLauncher({ client: ec2, stack: id, launchTemplateId, subnetIds: [] });
    const told: LaunchEvent[] = [];
    const deps = {
      store: new S3ObjectStore({ client: s3, bucket: `ncf-${id}` }),
      jobs: new SqsJobQueue({ client: sqs, url }),
      launcher,
      nowMs: () => Date.now(),
      newId: randomUUID,
      tell: (event: LaunchEvent) => told.push(event),
    };
    const options = { gpuInstanceTypes: ["g4dn.xlarge"], cpuInstanceTypes: ["c6i.2xlarge"], maxWorkers: 1 };
    const messages = ["r1", "r2"].map((runId) => {
      const job = { kind: "train", runId, samplePrefix: "samples/s/", preset: "neumf", seed: 1, promote: "always" };
      return { messageId: runId, body: JSON.stringify(job) };
    });
    const handled = await Promise.all([1, 2, 3, 4].map(() => handleTrainingRequests(deps, options, messages)));
    expect(handled.flatMap(({ failedMessageIds }) => failedMessageIds)).toEqual([]);
    expect(handled.reduce((sum, { forwarded }) => sum + forwarded, 0)).toBe(2);
    expect(await deps.jobs.counts()).toMatchObject({ ready: 2 });
    expect(await reconcile(deps, options)).toEqual({ forwarded: 0, workers: { kind: "enough" } });
    expect(await launcher.running()).toMatchObject([{ instanceType: "g4dn.xlarge", market: "spot" }]);
    expect(told.filter(({ event }) => event === "workerLaunched")).toHaveLength(1);
  });
});
