/** `cdk deploy` as users run it, on a local AWS whose Lambdas are real Node processes, and what an upload sets going there. */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { DescribeInstancesCommand, EC2Client } from "@aws-sdk/client-ec2";
import { ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parseTrainingJob } from "../../src/app/jobs/training-job.ts";
import { type EmulatorSettings, onEmulators } from "../adapters/aws/emulators.ts";
import { ncf } from "../cli/ncf.ts";
import { copyRepository } from "./repository-copy.ts";

const minutes = 60_000;
const cli = createRequire(import.meta.url).resolve("aws-cdk/bin/cdk");
const stackName = `ncf-${randomUUID().slice(0, 8)}`;

/** 30 users, 20 ratings each. */
function ratings(): string {
  const rows = Array.from({ length: 600 }, (_, i) => {
    const [user, nth] = [1 + Math.floor(i / 20), i % 20];
    return `${user},${1 + ((user * 7 + nth * 3) % 100)},4,${1_500_000_000 + user * 100 + nth}`;
  });
  return `userId,movieId,rating,timestamp\n${rows.join("\n")}\n`;
}

onEmulators(["ministack"], (name, settings) => {
  describe(`a deployment on ${name}`, { timeout: 3 * minutes }, () => deployment(settings));
});

function deployment(settings: EmulatorSettings): void {
  const { endpoint, region, credentials } = settings;
  const environment = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_REGION: region,
  };
  const s3 = new S3Client({ ...settings, forcePathStyle: true });
  let folder: string;
  let outputs: Record<"data" | "training" | "serving", Record<string, string>>;

  const cdk = (...args: string[]): string =>
    execFileSync(process.execPath, [cli, ...args, "-c", `stackName=${stackName}`, "-c", `region=${region}`], {
      cwd: path.join(folder, "repository"),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...environment },
    });

  /** The keys below a prefix. */
  const keys = async (prefix: string): Promise<string[]> => {
    const { Contents = [] } = await s3.send(
      new ListObjectsV2Command({ Bucket: outputs.data.BucketName, Prefix: prefix }),
    );
    return Contents.map(({ Key = "" }) => Key);
  };
  const upload = (file: string, Body: string) =>
    s3.send(new PutObjectCommand({ Bucket: outputs.data.BucketName, Key: `uploads/${file}`, Body }));
  const soon = { timeout: 2 * minutes, interval: 1_000 };

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "ncf-deploy-"));
    copyRepository(folder);
    cdk("bootstrap", `aws://000000000000/${region}`);
    const file = path.join(folder, "outputs.json");
    cdk("deploy", "--all", "--require-approval", "never", "--outputs-file", file);
    const printed = JSON.parse(readFileSync(file, "utf8")) as Record<string, Record<string, string>>;
    outputs = {
      data: printed[`${stackName}-data`],
      training: printed[`${stackName}-training`],
      serving: printed[`${stackName}-serving`],
    };
  }, 8 * minutes);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("makes a training job of an upload, and launches a worker for it", async () => {
    await upload("ratings.csv", ratings());
    await vi.waitUntil(async () => (await keys("runs/")).some((key) => key.endsWith("/forwarded.json")), soon);
    expect(await keys("datasets/")).toContainEqual(expect.stringMatching(/\/ingest\.json$/));
    expect(await keys("samples/")).toContainEqual(expect.stringMatching(/\/manifest\.json$/));

    const { Messages = [] } = await new SQSClient(settings).send(
      new ReceiveMessageCommand({ QueueUrl: outputs.training.TrainingJobsUrl, WaitTimeSeconds: 20 }),
    );
    expect(parseTrainingJob(Messages[0]?.Body ?? "")).toMatchObject({ kind: "train", promote: expect.anything() });

    const ec2 = new EC2Client(settings);
    const launched = async () => {
      const Filters = [{ Name: "tag:ncf:stack", Values: [stackName] }];
      const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters }));
      return Reservations.flatMap(({ Instances = [] }) => Instances);
    };
    await vi.waitUntil(async () => (await launched()).length > 0, soon);
    expect(await launched()).toMatchObject([{ InstanceType: "g4dn.xlarge" }]);
  });

  it("says why an upload is refused", async () => {
    await upload("poison.csv", "hello,world\n1,2\n");
    await vi.waitUntil(async () => (await keys("uploads-failed/")).includes("uploads-failed/poison.csv.json"), soon);
  });

  it("answers signed requests, and no others", () => {
    const [id] = new URL(outputs.serving.ApiUrl).host.split(".");
    const url = `${endpoint}/_aws/execute-api/${id}/$default/users/1/recommendations?k=5`;
    // As the output CurlCommand has it; the emulator has the API under another name.
    const signed = [
      "--aws-sigv4",
      `aws:amz:${region}:execute-api`,
      "--user",
      `${credentials.accessKeyId}:${credentials.secretAccessKey}`,
    ];
    const curl = (...args: string[]) =>
      execFileSync("curl", ["-s", "-w", "\n%{http_code}", ...args, url], { encoding: "utf8" }).split("\n");
    expect(curl().at(-1)).toBe("403");
    const [body, status] = curl(...signed);
    expect(status).toBe("503");
    expect(JSON.parse(body)).toMatchObject({ status: 503, detail: expect.stringContaining("no model is trained yet") });
  });

  it("is asked by its name, signed", async () => {
    const { code, stderr } = await ncf(["--stack", stackName, "recommend", "--user", "1"], environment);
    expect(code).toBe(1);
    expect(stderr).toContain(`from deployment ${stackName}, found 503: no model is trained yet`);
  });

  it("is removed without what it has learnt", () => {
    const stacks = ["observability", "serving", "training"].map((part) => `${stackName}-${part}`);
    // What was synthesised for the deployment, rather than anew.
    const destroy = (...names: string[]) => cdk("destroy", "--force", "--app", "cdk.out", ...names);
    expect(() => destroy(...stacks)).not.toThrow();
    expect(() => destroy(`${stackName}-data`)).toThrow();
  });
}
