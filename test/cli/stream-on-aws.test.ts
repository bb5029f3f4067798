/** `ncf stream`, `ncf worker` and `ncf models` on S3 and SQS, beside the broker that `NCF_KAFKA` (HOST:PORT) names. */
import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { describe, expect, it } from "vitest";
import { S3ObjectStore } from "../../src/adapters/aws/s3-object-store.ts";
import { KafkaInteractionLog } from "../../src/adapters/kafka/kafka-interaction-log.ts";
import { FileObjectStore } from "../../src/adapters/local/file-object-store.ts";
import { onEmulators } from "../adapters/aws/emulators.ts";
import { chaosRecords } from "../chaos/events.ts";
import { ncf, startNcf } from "./ncf.ts";

const broker = process.env.NCF_KAFKA ?? "";
const skipped = broker === "" ? " (set NCF_KAFKA to a broker's HOST:PORT)" : "";
const hourMs = 3_600_000;

it("says what a place in S3 looks like", async () => {
  const { code, stderr } = await ncf(["models", "list", "--registry", "s3:/bucket"]);
  expect(code).toBe(2);
  expect(stderr).toContain("expected a folder, s3://BUCKET or s3://BUCKET/PREFIX");
});

describe.skipIf(broker === "")(`a stream${skipped}`, () => {
  onEmulators(["ministack"], (name, { endpoint, region, credentials }) => {
    it(`keeps its state in S3 and asks for trainings through SQS, on ${name}`, async () => {
      const folder = await mkdtemp(path.join(tmpdir(), "ncf-stream-aws-"));
      const at = (of: string) => path.join(folder, of);
      const { accessKeyId, secretAccessKey } = credentials;
      const env = {
        AWS_ENDPOINT_URL: endpoint,
        AWS_REGION: region,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
      };
      const size = ["--users", "120", "--movies", "400", "--ratings", "6000", "--seed", "7"];
      expect(await ncf(["generate", ...size, "--out", at("data")])).toMatchObject({ code: 0 });
      const models = ["--models", "mf", "--epochs", "1", "--threads", "1", "--publish"];
      expect(await ncf(["run", "--dataset", at("data"), ...models, "--out", at("out")])).toMatchObject({ code: 0 });

      const bucket = `ncf-${randomUUID()}`;
      const s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
      await s3.send(new CreateBucketCommand({ Bucket: bucket }));
      const store = new S3ObjectStore({ client: s3, bucket, prefix: "live" });
      const published = new FileObjectStore(at("out/registry"));
      for (const key of await published.list("")) await store.put(key, await published.get(key));
      const sqs = new SQSClient({ endpoint, region, credentials });
      const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName: bucket }));
      const places = ["--registry", `s3://${bucket}/live`, "--jobs", QueueUrl];

      const prefix = `w${randomUUID().slice(0, 8)}.`;
      expect(await ncf(["topics", "create", "--brokers", broker, "--topic-prefix", prefix])).toMatchObject({ code: 0 });
      const group = `${prefix}g`;
      const input = ["--brokers", broker, "--topic-prefix", prefix, "--group", group, "--window", "1h", "--port", "0"];
      const pace = ["--train-windows", "2", "--keep-interval", "1s", "--commit-interval", "50", "--idle-timeout", "2s"];
      const { child, outcome, stderrHas } = startNcf(["stream", ...input, ...places, ...pace], env);
      const log = await KafkaInteractionLog.open({ brokers: [broker] });
      const movies = (await readFile(at("data/movies.csv"), "utf8")).trim().split("\n").slice(1);
      const startMs = Math.floor(Date.now() / hourMs) * hourMs - 30 * hourMs;
      const items = movies.map((line) => line.split(",")[0]);
      const shape = { count: 300, startMs, stepMs: hourMs / 50, graceMs: hourMs / 6, users: 130, items, seed: 3 };
      await log.append(`${prefix}interactions`, chaosRecords(shape));
      await log.close();
      await stderrHas("(window): ncf worker does it");
      child.kill("SIGTERM");
      const { code, stderr } = await outcome;
      expect(code, stderr).toBe(0);
      for (const kind of ["streams", "reports", "interactions", "snapshots"]) {
        const keys = (await store.list(`${kind}/`)).filter((key) => key.includes(group));
        expect(keys, kind).not.toEqual([]);
      }

      const worked = await ncf(["worker", ...places, "--once"], env);
      expect(worked, worked.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining("1 trained") });
      const listed = await ncf(["models", "list", "--registry", `s3://${bucket}/live`, "--json"], env);
      const { champion, versions } = JSON.parse(listed.stdout);
      expect(versions[1].fineTuning).toMatchObject({ baseVersion: champion.version });
      s3.destroy();
      sqs.destroy();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }, 180_000);
  });
});
