/** The worker as its instances run it, a bundle, on emulators of S3, SQS and CloudWatch. */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CloudWatchClient, ListMetricsCommand } from "@aws-sdk/client-cloudwatch";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { describe, expect, it } from "vitest";
import { S3ObjectStore } from "../../src/adapters/aws/s3-object-store.ts";
import { SqsJobQueue } from "../../src/adapters/aws/sqs-job-queue.ts";
import { ObjectStoreRegistry } from "../../src/adapters/registry/object-store-registry.ts";
import { decodeJson } from "../../src/core/json.ts";
import { onEmulators } from "../adapters/aws/emulators.ts";
import { storeSample, trainJob } from "../app/worker/worker-world.ts";
import { startWorker } from "./worker-process.ts";

onEmulators(["ministack"], (name, settings) => {
  describe(`a worker on ${name}`, { timeout: 180_000 }, () => {
    it("trains from S3 and SQS, leaves a poison job to the dead letters with its reason, and counts both", async () => {
      const id = randomUUID();
      const s3 = new S3Client({ ...settings, forcePathStyle: true });
      await s3.send(new CreateBucketCommand({ Bucket: `ncf-${id}` }));
      const store = new S3ObjectStore({ client: s3, bucket: `ncf-${id}` });
      await storeSample(store);

      const sqs = new SQSClient(settings);
      const dead = await sqs.send(new CreateQueueCommand({ QueueName: `dead-${id}` }));
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: dead.QueueUrl, AttributeNames: ["QueueArn"] }),
      );
      const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount: 3 });
      const jobs = await sqs.send(new CreateQueueCommand({ QueueName: `jobs-${id}`, Attributes: { RedrivePolicy } }));
      const queue = await SqsJobQueue.open({ client: sqs, url: jobs.QueueUrl ?? "" });
      const poison = await queue.send("no job");
      await queue.send(JSON.stringify(trainJob));

      const bundle = await mkdtemp(path.join(tmpdir(), "ncf-worker-bundle-"));
      const build = fileURLToPath(new URL("../../scripts/build-gpu-worker.mjs", import.meta.url));
      await promisify(execFile)(process.execPath, [build, bundle]);
      const { code, messages } = await startWorker(
        {
          AWS_ENDPOINT_URL: settings.endpoint,
          AWS_ACCESS_KEY_ID: settings.credentials.accessKeyId,
          AWS_SECRET_ACCESS_KEY: settings.credentials.secretAccessKey,
          AWS_REGION: settings.region,
          NCF_BUCKET: `ncf-${id}`,
          NCF_TRAINING_JOBS_URL: jobs.QueueUrl ?? "",
          NCF_WORKER_IDLE_SECONDS: "2",
          NCF_METRICS_NAMESPACE: `ncf-${id}`,
          NCF_INSTANCE_METADATA_URL: "off",
        },
        ["--backend", "wasm"],
        path.join(bundle, "main.mjs"),
      ).ended;
      await rm(bundle, { recursive: true });
      expect(messages.join("\n")).toContain("run run-1: version");
      expect(code).toBe(0);
      const [version] = await new ObjectStoreRegistry(store).list();
      expect(await new ObjectStoreRegistry(store).champion()).toMatchObject({ version, revision: 1 });
      expect(decodeJson(await store.get(`runs/${poison}/error.json`))).toMatchObject({
        code: "TRAINING_JOB_INVALID",
        delivery: 3,
      });
      expect(await queue.counts()).toEqual({ ready: 0, inFlight: 0, deadLetters: 1 });
      const { Metrics = [] } = await new CloudWatchClient(settings).send(
        new ListMetricsCommand({ Namespace: `ncf-${id}` }),
      );
      expect(Metrics.map(({ MetricName }) => MetricName)).toEqual(
        expect.arrayContaining(["JobsTrained", "JobsFailed"]),
      );
    });
  });
});
