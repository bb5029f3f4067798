/** The built bundles in plain Node processes, on S3, SQS and EC2 of the emulators, and on a real Kafka. */
import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { CreateLaunchTemplateCommand, DescribeImagesCommand, EC2Client } from "@aws-sdk/client-ec2";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { S3ObjectStore } from "../../src/adapters/aws/s3-object-store.ts";
import { SqsJobQueue } from "../../src/adapters/aws/sqs-job-queue.ts";
import { KafkaInteractionLog } from "../../src/adapters/kafka/kafka-interaction-log.ts";
import { ObjectStoreRegistry } from "../../src/adapters/registry/object-store-registry.ts";
import { parseTrainingJob } from "../../src/app/jobs/training-job.ts";
import { publishModel } from "../../src/app/published-model.ts";
import { reportKey } from "../../src/app/stream/archived-report.ts";
import { encodeJsonFile } from "../../src/core/json.ts";
import { onEmulators } from "../adapters/aws/emulators.ts";
import { reportWith } from "../app/http-api/window-reports.ts";
import { twoTastesToPublish } from "../app/serving/two-tastes.ts";
import { bytesOf, ratingsCsv } from "../app/uploads/uploads.ts";
import { invoke } from "./bundle.ts";
import { httpEvent, s3Event, sqsEvent } from "./invocation.ts";

const buildMs = 120_000;
let built: string;
beforeAll(async () => {
  built = await mkdtemp(path.join(tmpdir(), "ncf-bundles-"));
  await build(built);
}, buildMs);
afterAll(() => rm(built, { recursive: true, force: true }));

/** The script's own limits on sizes fail it. */
const build = (out: string, ...names: readonly string[]) =>
  promisify(execFile)(process.execPath, ["scripts/build-lambdas.mjs", ...names, "--out", out]);

const hashOf = async (folder: string) =>
  createHash("sha256")
    .update(await readFile(path.join(folder, "lambdas/score/index.mjs")))
    .digest("hex");

describe("the bundles", () => {
  it("are the same bytes from the same sources", { timeout: buildMs }, async () => {
    const again = await mkdtemp(path.join(tmpdir(), "ncf-bundles-"));
    await build(again, "score");
    expect(await hashOf(again)).toBe(await hashOf(built));
    await rm(again, { recursive: true });
  });

  it("say what is missing from their environment", async () => {
    await expect(invoke(built, "ingest", { NCF_BUCKET: "bucket" }, [])).rejects.toThrow(/NCF_MAX_UPLOAD_BYTES/);
  });
});

describe("without an answer of S3", () => {
  it("score tells its callers while they still wait", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const env = {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      NCF_BUCKET: "bucket",
    };
    const { answers } = await invoke(built, "score", env, [httpEvent("GET", "/health")]);
    expect(answers).toMatchObject([{ statusCode: 503, headers: { "retry-after": "5" } }]);
    silent.close();
  });
});

onEmulators(["ministack"], (emulator, settings) => {
  describe(`on ${emulator}`, () => {
    const bucket = `ncf-${randomUUID()}`;
    const s3 = new S3Client({ ...settings, forcePathStyle: true });
    const sqs = new SQSClient(settings);
    const store = new S3ObjectStore({ client: s3, bucket });
    const env = {
      AWS_ENDPOINT_URL: settings.endpoint,
      AWS_REGION: settings.region,
      AWS_ACCESS_KEY_ID: settings.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: settings.credentials.secretAccessKey,
      NCF_BUCKET: bucket,
    };
    const newQueue = async (): Promise<string> => {
      const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName: `ncf-${randomUUID()}` }));
      return QueueUrl;
    };
    beforeAll(async () => {
      await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    });
    afterAll(() => {
      s3.destroy();
      sqs.destroy();
    });

    it("an upload becomes a data set, a sample and one training request", async () => {
      const requests = await newQueue();
      await store.put("uploads/my ratings.csv", bytesOf(ratingsCsv(20)));
      const uploaded = s3Event(bucket, "uploads/my ratings.csv");
      const ingested = await invoke(built, "ingest", { ...env, NCF_MAX_UPLOAD_BYTES: "1000000" }, [uploaded, uploaded]);
      const events = ingested.log.flatMap(({ event }) => event ?? []);
      expect(events).toEqual(["uploadIngested", "uploadKnown"]);
      expect(ingested.log.find(({ event }) => event === "uploadIngested")).toMatchObject({
        service: "ingest",
        correlation_id: "s3-request-1",
        rowsKept: 100,
      });
      const [record] = (await store.list("datasets/")).filter((key) => key.endsWith("/ingest.json"));
      const sampleEnv = {
        ...env,
        NCF_TRAINING_REQUESTS_URL: requests,
        NCF_SAMPLE_OPTIONS: '{"preset":"mf","epochs":3}',
      };
      await invoke(built, "sample", sampleEnv, [s3Event(bucket, record), s3Event(bucket, record)]);
      const jobs = await new SqsJobQueue({ client: sqs, url: requests }).receive({
        max: 10,
        visibilityTimeoutSeconds: 30,
        waitSeconds: 2,
      });
      expect(jobs.map(({ body }) => parseTrainingJob(body))).toMatchObject([
        { kind: "train", preset: "mf", epochs: 3 },
      ]);
    });

    it("score answers from the champion in the bucket, and without one says so", async () => {
      const request = httpEvent("GET", "/users/1/recommendations", { query: "k=5" });
      const early = await invoke(built, "score", env, [request]);
      expect(early.answers).toMatchObject([{ statusCode: 503 }]);
      const { published } = await twoTastesToPublish();
      const registry = new ObjectStoreRegistry(store);
      const { version } = await publishModel(registry, published);
      await registry.promote(version);
      await store.put("streams/live.json", bytesOf("{}"));
      await store.put(
        reportKey("live", 0),
        encodeJsonFile({ offset: 0, report: reportWith({ startMs: 0, hrAt10: 0.5 }) }),
      );
      const { answers, log } = await invoke(built, "score", env, [request, httpEvent("GET", "/windows")]);
      expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200]);
      const { basis, items } = JSON.parse(answers[0].body);
      expect([basis, items.length]).toEqual(["model", 5]);
      expect(JSON.parse(answers[1].body).windows).toMatchObject([{ hrAt10: 0.5 }]);
      expect(log.find(({ event }) => event === "requestAnswered")).toMatchObject({ correlation_id: "api-request-1" });
      const metrics = log.flatMap(({ _aws }) => (_aws === undefined ? [] : JSON.stringify(_aws)));
      expect(metrics.join()).toContain("RequestAnswered");
    });

    onEmulators(["moto"], (_, moto) => {
      it("launch-worker forwards a request and starts a worker", async () => {
        const ec2 = new EC2Client({ ...settings, endpoint: moto.endpoint });
        const { Images = [] } = await ec2.send(new DescribeImagesCommand({}));
        const { LaunchTemplate } = await ec2.send(
          new CreateLaunchTemplateCommand({
            LaunchTemplateName: randomUUID(),
            LaunchTemplateData: { ImageId: Images[0]?.ImageId, InstanceType: "g4dn.xlarge" },
          }),
        );
        ec2.destroy();
        const jobs = await newQueue();
        const job = {
          kind: "train",
          runId: "run-1",
          samplePrefix: "samples/a/",
          preset: "mf",
          seed: 1,
          promote: "always",
        };
        const { answers, log } = await invoke(
          built,
          "launch-worker",
          {
            ...env,
            AWS_ENDPOINT_URL_EC2: moto.endpoint,
            NCF_STACK: bucket,
            NCF_TRAINING_JOBS_URL: jobs,
            NCF_LAUNCH_TEMPLATE_ID: LaunchTemplate?.LaunchTemplateId ?? "",
            NCF_GPU_INSTANCE_TYPES: "g4dn.xlarge,g5.xlarge",
            NCF_CPU_INSTANCE_TYPES: "c7i.2xlarge",
            NCF_SUBNET_IDS: "",
            NCF_MAX_WORKERS: "1",
          },
          [sqsEvent(JSON.stringify(job), "poison"), { source: "aws.events" }],
        );
        expect(answers).toEqual([{ batchItemFailures: [{ itemIdentifier: "message-1" }] }, { batchItemFailures: [] }]);
        expect(log.flatMap(({ event }) => event ?? [])).toEqual([
          "requestForwarded",
          "requestFailed",
          "workerLaunched",
        ]);
        expect(await new SqsJobQueue({ client: sqs, url: jobs }).counts()).toMatchObject({ ready: 1 });
      });
    });
  });
});

const broker = process.env.NCF_KAFKA || undefined;
const noBroker = "set NCF_KAFKA to a broker's HOST:PORT; scripts/start-kafka.sh starts one";

if (broker === undefined && process.env.CI_REQUIRE_SERVICES === "1") {
  it("finds a Kafka, as CI_REQUIRE_SERVICES=1 demands", () => expect.fail(noBroker));
}

describe.skipIf(broker === undefined)(`on Kafka${broker === undefined ? ` (${noBroker})` : ""}`, () => {
  it("interactions come into the topic, or their sender is told within seconds that they may not have", async () => {
    const topic = `interactions-${randomUUID()}`;
    const log = await KafkaInteractionLog.open({ brokers: [broker ?? ""] });
    await log.createTopic(topic, 2);
    const env = { NCF_KAFKA_BROKERS: broker ?? "", NCF_TOPIC_INTERACTIONS: topic };
    const batch = { interactions: ["1", "2", "3"].map((userId) => ({ userId, itemId: "7", timestampMs: 5 })) };
    const post = (body: unknown) => httpEvent("POST", "/interactions", { body });
    const { answers } = await invoke(built, "interactions", env, [
      post(batch),
      post({ userId: "4", itemId: "7" }),
      post({}),
    ]);
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 400]);
    expect(JSON.parse(answers[0].body)).toEqual({ accepted: 3 });
    const ends = [await log.endOffset(topic, 0), await log.endOffset(topic, 1)];
    expect(ends[0] + ends[1]).toBe(4);
    await log.close();
    // Nobody listens there.
    const away = await invoke(built, "interactions", { ...env, NCF_KAFKA_BROKERS: "127.0.0.1:1" }, [post(batch)]);
    expect(away.answers).toMatchObject([{ statusCode: 503, headers: { "retry-after": "5" } }]);
    expect(JSON.parse(away.answers[0].body).errors.map(({ field }: { field: string }) => field)).toEqual([
      "interactions[0]",
      "interactions[1]",
      "interactions[2]",
    ]);
  });
});
