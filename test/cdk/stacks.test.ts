import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { workerStartScript } from "../../cdk/constructs/worker-start.ts";
import { recommenderApp, resourcesOf, streamContext, templatesOf } from "./templates.ts";

const lambdas = (templates: ReturnType<typeof templatesOf>) =>
  Object.values(templates)
    .flatMap((template) => resourcesOf(template, "AWS::Lambda::Function"))
    .map(([, { Environment }]) => (Environment as { Variables?: Record<string, string> } | undefined)?.Variables ?? {})
    .filter(({ POWERTOOLS_SERVICE_NAME }) => POWERTOOLS_SERVICE_NAME !== undefined);

const environmentOf = (templates: ReturnType<typeof templatesOf>, name: string) =>
  lambdas(templates).find(({ POWERTOOLS_SERVICE_NAME }) => POWERTOOLS_SERVICE_NAME === name) ?? {};

describe("the default deployment", () => {
  const templates = templatesOf(recommenderApp());
  const { training, serving, data } = templates;

  it("has no stack for Kafka, and nothing that is billed while nobody uses it", () => {
    expect(Object.keys(templates)).toEqual(["data", "training", "serving", "observability"]);
    const types = Object.values(templates).flatMap((t) =>
      Object.values(t.toJSON().Resources as Record<string, { Type: string }>).map(({ Type }) => Type),
    );
    for (const billed of [
      "AWS::EC2::NatGateway",
      "AWS::EC2::EIP",
      "AWS::EC2::Instance",
      "AWS::KMS::Key",
      "AWS::ECS::Service",
    ]) {
      expect(types).not.toContain(billed);
    }
  });

  it("gives each Lambda its environment", () => {
    expect(
      lambdas(templates)
        .map(({ POWERTOOLS_SERVICE_NAME }) => POWERTOOLS_SERVICE_NAME)
        .sort(),
    ).toEqual(["ingest", "launch-worker", "sample", "score"]);
    expect(environmentOf(templates, "ingest")).toMatchObject({ NCF_MAX_UPLOAD_BYTES: "1073741824" });
    expect(environmentOf(templates, "sample")).toMatchObject({ NCF_SAMPLE_OPTIONS: "{}" });
    expect(environmentOf(templates, "launch-worker")).toMatchObject({
      NCF_STACK: "movies",
      NCF_GPU_INSTANCE_TYPES: "g4dn.xlarge,g5.xlarge",
      NCF_CPU_INSTANCE_TYPES: "c7i.2xlarge,c6i.2xlarge,m7i.2xlarge,c7i.xlarge,m7i.xlarge",
      NCF_MAX_WORKERS: "1",
    });
    const names = ["NCF_BUCKET", "NCF_TRAINING_JOBS_URL", "NCF_LAUNCH_TEMPLATE_ID", "NCF_SUBNET_IDS"];
    expect(Object.keys(environmentOf(templates, "launch-worker"))).toEqual(expect.arrayContaining(names));
    for (const { NCF_BUCKET, POWERTOOLS_METRICS_NAMESPACE } of lambdas(templates)) {
      expect(NCF_BUCKET).toBeDefined();
      expect(POWERTOOLS_METRICS_NAMESPACE).toBe("ncf-stream/movies");
    }
  });

  it("gives the Lambdas that read uploads memory for the largest, and no more than new accounts may have", () => {
    const memoryOf = (context: object) => {
      const functions = resourcesOf(templatesOf(recommenderApp({ ...context })).training, "AWS::Lambda::Function");
      return ["ingest", "sample"].map(
        (name) =>
          functions.find(([, { Environment }]) =>
            JSON.stringify(Environment ?? {}).includes(`SERVICE_NAME":"${name}"`),
          )?.[1].MemorySize,
      );
    };
    expect(memoryOf({})).toEqual([1769, 3008]);
    const [ingest, sample] = memoryOf({ maxUploadBytes: 4 * 1024 ** 3 });
    expect(ingest).toBeGreaterThan(5000);
    expect(sample).toBeGreaterThan(9000);
    expect(sample).toBeLessThanOrEqual(10_240);
  });

  it("starts ingest at an upload, and sample at a data set that is whole", () => {
    const [[, { NotificationConfiguration }]] = resourcesOf(training, "Custom::S3BucketNotifications");
    const { LambdaFunctionConfigurations } = NotificationConfiguration as {
      LambdaFunctionConfigurations: { Filter: { Key: { FilterRules: unknown[] } } }[];
    };
    expect(LambdaFunctionConfigurations.map(({ Filter }) => Filter.Key.FilterRules)).toEqual([
      [{ Name: "prefix", Value: "uploads/" }],
      [
        { Name: "suffix", Value: "/ingest.json" },
        { Name: "prefix", Value: "datasets/" },
      ],
    ]);
  });

  it("looks for jobs without a worker every five minutes", () => {
    training.hasResourceProperties("AWS::Events::Rule", { ScheduleExpression: "rate(5 minutes)", State: "ENABLED" });
  });

  it("prints where everything is, and lines to paste", () => {
    expect(Object.keys(data.toJSON().Outputs)).toEqual(expect.arrayContaining(["BucketName", "UploadCommand"]));
    expect(Object.keys(training.toJSON().Outputs)).toEqual(
      expect.arrayContaining(["TrainingRequestsUrl", "TrainingJobsUrl", "LaunchTemplateId"]),
    );
    const { CurlCommand, ApiUrl } = serving.toJSON().Outputs;
    expect(ApiUrl).toBeDefined();
    expect(JSON.stringify(CurlCommand)).toContain(
      'curl --aws-sigv4 \\\\\\"aws:amz:eu-central-1:execute-api\\\\\\"'.replaceAll("\\\\\\", "\\"),
    );
  });

  it("looks nothing up, with an account or without", () => {
    for (const context of [{}, { account: "123456789012" }, streamContext]) {
      expect(recommenderApp(context).synth().manifest.missing).toBeUndefined();
    }
  });

  it("is protected from being removed by mistake as long as data is to be kept", () => {
    const ofData = (context: object) =>
      recommenderApp({ ...context })
        .synth()
        .getStackByName("movies-data").terminationProtection;
    expect(ofData({})).toBe(true);
    expect(ofData({ keepData: "false" })).toBe(false);
  });

  it("keeps within CloudFormation's own rules", () => {
    const app = recommenderApp({ ...streamContext, "@aws-cdk/core:validateAgainstDefaultRules": true });
    expect(() => app.synth()).not.toThrow();
  });
});

describe("other deployments", () => {
  it("add POST /interactions and a stream processor for a Kafka", () => {
    const templates = templatesOf(recommenderApp(streamContext));
    const { streaming } = templates;
    expect(environmentOf(templates, "interactions")).toMatchObject({
      NCF_KAFKA_BROKERS: streamContext.kafka,
      NCF_KAFKA_SECRET_ARN: streamContext.kafkaSecret,
      NCF_TOPIC_INTERACTIONS: "interactions",
    });
    streaming.resourceCountIs("AWS::ECS::Service", 1);
    const [[, { ContainerDefinitions }]] = resourcesOf(streaming, "AWS::ECS::TaskDefinition");
    const [{ Secrets, Environment }] = ContainerDefinitions as {
      Secrets: { Name: string }[];
      Environment: { Name: string }[];
    }[];
    expect(Secrets.map(({ Name }) => Name)).toEqual([
      "NCF_KAFKA_SASL",
      "NCF_KAFKA_SASL_USER",
      "NCF_KAFKA_SASL_PASSWORD",
    ]);
    expect(Environment.map(({ Name }) => Name)).not.toContain("NCF_KAFKA_SASL_PASSWORD");
  });

  it("take a Kafka that asks for no password, such as a local one", () => {
    const templates = templatesOf(
      recommenderApp({ kafka: "b:9092", kafkaTls: "false", streamImage: "ncf-stream:local" }),
    );
    const environment = environmentOf(templates, "interactions");
    expect(environment).toMatchObject({ NCF_KAFKA_BROKERS: "b:9092", NCF_KAFKA_TLS: "0" });
    expect(Object.keys(environment)).not.toContain("NCF_KAFKA_SECRET_ARN");
    expect(JSON.stringify(templates.streaming.toJSON())).not.toContain("NCF_KAFKA_SASL");
  });

  it("take Amazon Linux rather than the image for GPUs where there are none", () => {
    const template = (context: object) =>
      JSON.stringify(resourcesOf(templatesOf(recommenderApp({ ...context })).training, "AWS::EC2::LaunchTemplate"));
    expect(template({})).toContain("resolve:ssm:/aws/service/deeplearning/ami/");
    expect(template({ gpuInstanceTypes: "" })).toContain("resolve:ssm:/aws/service/deeplearning/ami/");
    expect(template({ gpuInstanceTypes: "none" })).toContain("resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023");
  });

  it("put workers into a VPC that is there, or into the default one", () => {
    const named = templatesOf(recommenderApp({ vpc: "vpc-0123456789abcdef0", subnets: "subnet-0a,subnet-0b" }));
    named.training.resourceCountIs("AWS::EC2::VPC", 0);
    expect(environmentOf(named, "launch-worker").NCF_SUBNET_IDS).toBe("subnet-0a,subnet-0b");
    const ofAccount = templatesOf(recommenderApp({ vpc: "default" }));
    ofAccount.training.resourceCountIs("AWS::EC2::VPC", 0);
    expect(environmentOf(ofAccount, "launch-worker").NCF_SUBNET_IDS).toBe("");
  });

  it("answer by a function URL where there is no HTTP API", () => {
    const { serving } = templatesOf(recommenderApp({ httpApi: "false", functionUrl: "true" }));
    serving.resourceCountIs("AWS::ApiGatewayV2::Api", 0);
    serving.hasResourceProperties("AWS::Lambda::Url", { AuthType: "AWS_IAM" });
    expect(JSON.stringify(serving.toJSON().Outputs.CurlCommand)).toContain(":lambda");
  });

  it.each([
    ["a Kafka without an image", { kafka: "b:9092" }, /expected streamImage beside kafka/],
    ["a Kafka in the default VPC", { ...streamContext, vpc: "default" }, /found "default". Name the VPC/],
    ["a VPC without subnets", { vpc: "vpc-0abc" }, /expected subnets=subnet-/],
    ["no way to ask", { httpApi: false }, /expected httpApi or functionUrl/],
    ["a name that is none", { stackName: "my movies" }, /name: expected a letter/],
    [
      "a worker older than it takes",
      { workerMaxAgeSeconds: 3e6 },
      /workerMaxAgeSeconds: expected a whole number from 60 to 1728000/,
    ],
    ["an upload larger than a Lambda's memory", { maxUploadBytes: 1e12 }, /maxUploadBytes: expected 1 to/],
    ["sample options that are no JSON", { sampleOptions: "{fraction" }, /expected JSON/],
    ["a folder without bundles", { assetsFolder: "/nowhere" }, /expected the bundle .*Run: npm run build:lambdas/],
  ])("refuse %s", (_what, context, message) => {
    expect(() => recommenderApp(context)).toThrow(message);
  });
});

describe("alarms", () => {
  const { observability } = templatesOf(recommenderApp({ ...streamContext, alarmEmail: "ops@example.com" }));
  const alarms = resourcesOf(observability, "AWS::CloudWatch::Alarm").map(
    ([, alarm]) => alarm as Record<string, string>,
  );
  const runbook = readFileSync(fileURLToPath(new URL("../../docs/runbook.md", import.meta.url)), "utf8");

  it("have an entry in the runbook each, and the runbook has no other", () => {
    const entries = [...runbook.matchAll(/^## (.+)$/gm)].map(([, entry]) => entry);
    expect(alarms.map(({ AlarmName }) => AlarmName.replace("movies-", "")).sort()).toEqual(entries.sort());
    for (const { AlarmName, AlarmDescription } of alarms) {
      expect(AlarmDescription).toMatch(new RegExp(`docs/runbook.md#${AlarmName.replace("movies-", "")}$`));
    }
  });

  it("take a job that is being trained for none that waits", () => {
    expect(alarms.find(({ AlarmName }) => AlarmName === "movies-training-job-waits")).toMatchObject({
      MetricName: "ApproximateNumberOfMessagesVisible",
      Statistic: "Minimum",
      Threshold: 1,
      Period: 300,
      EvaluationPeriods: 24,
    });
  });

  it("are mailed where somebody is named", () => {
    for (const alarm of alarms) expect(alarm.AlarmActions).toHaveLength(1);
    const { observability: silent } = templatesOf(recommenderApp());
    silent.resourceCountIs("AWS::SNS::Topic", 0);
  });
});

describe("a worker's start", () => {
  const script = workerStartScript({
    bucket: "bucket",
    bundle: "s3://assets/worker.zip",
    maxAgeSeconds: 3_600,
    environment: { NCF_BUCKET: "bucket", NCF_BACKEND: "auto" },
  });

  it("is a script that bash can read", () => {
    const { status, stderr } = spawnSync("bash", ["-n"], { input: script, encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  it("says when the instance ends before it does anything else, and again for the worker's age", () => {
    const lines = script.split("\n").filter((line) => !/^#|^$|^set /.test(line));
    expect(lines[0]).toBe("shutdown -h +45");
    expect(lines.slice(-2)).toEqual(["shutdown -h +75", "systemctl start ncf-worker"]);
  });

  it("switches the instance off however the worker ends, rather than start it anew", () => {
    expect(script).toContain("\nSuccessAction=poweroff\nFailureAction=poweroff\n");
    expect(script).not.toMatch(/^Restart/m);
  });

  it.each([
    ["packages", "dnf", "s3://bucket/workers/i-0123/start.log"],
    ["the instance's metadata", "curl", "s3://bucket/workers/unnamed/start.log"],
  ])("switches the instance off, its log kept, when it cannot get %s", (_what, failing, log) => {
    // The only programs there are: each notes its arguments, and one fails.
    const folder = mkdtempSync(path.join(tmpdir(), "ncf-start-"));
    for (const name of ["shutdown", "curl", "aws", "dnf"]) {
      const fails = name === failing ? "exit 1" : "";
      const body = `#!/bin/bash\necho "${name} $*" >>${folder}/calls\n${fails}\n[ ${name} != curl ] || echo i-0123\n`;
      writeFileSync(path.join(folder, name), body, { mode: 0o755 });
    }
    const { status } = spawnSync("/bin/bash", { input: script, env: { PATH: folder } });
    expect(status).not.toBe(0);
    const calls = readFileSync(path.join(folder, "calls"), "utf8").trim().split("\n");
    expect(calls[0]).toBe("shutdown -h +45");
    expect(calls.slice(-2)).toEqual([
      `aws s3 cp --only-show-errors /var/log/cloud-init-output.log ${log}`,
      "shutdown -h now",
    ]);
  });

  it("keeps the log of a start that hangs until the instance is switched off", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "ncf-start-"));
    for (const [name, does] of [
      ["shutdown", ":"],
      ["curl", "echo i-0123"],
      ["aws", ":"],
      ["dnf", "exec /bin/sleep 600"],
    ]) {
      writeFileSync(path.join(folder, name), `#!/bin/bash\necho "${name} $*" >>${folder}/calls\n${does}\n`, {
        mode: 0o755,
      });
    }
    const calls = () => readFileSync(path.join(folder, "calls"), "utf8").trim().split("\n");
    const starting = spawn("/bin/bash", { env: { PATH: folder }, detached: true, stdio: ["pipe", "ignore", "ignore"] });
    const ended = once(starting, "close");
    starting.stdin.end(script);
    await expect.poll(() => calls().at(-1), { timeout: 20_000 }).toMatch(/^dnf/);
    // As systemd ends a unit: all its processes.
    process.kill(-(starting.pid ?? 0), "SIGTERM");
    expect((await ended)[0]).toBe(1);
    expect(calls().slice(-2)).toEqual([
      "aws s3 cp --only-show-errors /var/log/cloud-init-output.log s3://bucket/workers/i-0123/start.log",
      "shutdown -h now",
    ]);
  });

  it("gives the worker its environment, and rights of nobody else", () => {
    expect(script).toContain(
      'Environment="NCF_BUCKET=bucket"\nEnvironment="NCF_BACKEND=auto"\nExecStart=/usr/bin/node-22 main.mjs',
    );
    expect(script).toContain("User=ncf-worker");
  });
});
