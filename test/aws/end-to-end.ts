/**
 * The whole of a deployment: from `cdk deploy` to recommendations, windows, a retraining and a rollback, and what comes twice or
 * broken on the way. Lambdas, queues and buckets are emulated, the machines behind launched instances are processes, Kafka is a
 * real broker.
 */
import { readFile } from "node:fs/promises";
import { SendMessageCommand, SetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../scripts/local/child.ts";
import { clientSettings, type Emulators } from "../../scripts/local/emulators.ts";
import { streamContainer } from "../../scripts/local/stream-container.ts";
import { SqsJobQueue } from "../../src/adapters/aws/sqs-job-queue.ts";
import { FileObjectStore } from "../../src/adapters/local/file-object-store.ts";
import { ObjectStoreRegistry } from "../../src/adapters/registry/object-store-registry.ts";
import { decodeJson } from "../../src/core/json.ts";
import { ncf, type RunningCommand, startNcf } from "../cli/ncf.ts";
import { DeployedRecommender } from "./deployed-recommender.ts";
import { interactionBatches } from "./interaction-batches.ts";

const minute = 60_000;
const seen = { timeout: 2 * minute, interval: 500 };

export function endToEnd(emulators: Emulators, kafka: string): void {
  describe("a deployment", { timeout: 3 * minute }, () => {
    let app: DeployedRecommender;
    let stream: RunningCommand | undefined;

    beforeAll(async () => {
      app = await DeployedRecommender.deploy(emulators, kafka);
      const size = ["--users", "150", "--movies", "300", "--ratings", "9000", "--seed", "7"];
      expect(await ncf(["generate", ...size, "--out", app.at("data")])).toMatchObject({ code: 0 });
      const files = ["ratings.csv", "movies.csv"].map((file) => app.at(`data/${file}`));
      await run("python3", ["-m", "zipfile", "-c", app.at("data.zip"), ...files]);
    }, 10 * minute);

    afterAll(async () => {
      stream?.child.kill("SIGKILL");
      await app?.stop();
    }, minute);

    it("answers 503 before there is a model", async () => {
      expect(await app.ask("/users/1/recommendations")).toMatchObject({ status: 503 });
    });

    it("launches a worker for an upload, from the template that was deployed", async () => {
      const { instances, launcher, name } = app;
      await app.store.put("uploads/data.zip", await readFile(app.at("data.zip")));
      await expect.poll(() => instances.list(), seen).toHaveLength(1);
      const [{ InstanceType, InstanceLifecycle, Tags = [] }] = await instances.list();
      expect({ InstanceType, InstanceLifecycle }).toEqual({ InstanceType: "g4dn.xlarge", InstanceLifecycle: "spot" });
      expect(Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]))).toMatchObject({
        "aws:ec2launchtemplate:id": launcher.launchTemplateId,
        "ncf:stack": name,
        "ncf:worker": "true",
        "ncf:backend": "auto",
      });
      expect(launcher.deployed.IamInstanceProfile?.Arn).toContain(`${name}-training-TrainingWorkerProfile`);
    });

    it("trains on it, and the worker's instance ends when nothing is left to do", async () => {
      const [machine, ...others] = await app.instances.startNew();
      expect(others).toEqual([]);
      await machine.ended;
      expect(await readFile(app.at(`${machine.instanceId}.log`), "utf8")).toContain("ends (idle)");
      expect(await app.instances.list()).toEqual([]);
      expect(await app.registry.champion()).toMatchObject({ revision: 1 });
    });

    it("answers over HTTP what one machine's own run answers: the same bytes, ids and scores", async () => {
      const models = ["--models", "mf", "--epochs", "2", "--threads", "1", "--publish"];
      const ran = await ncf(["run", "--dataset", app.at("data.zip"), ...models, "--out", app.at("out")]);
      expect(ran, ran.stderr).toMatchObject({ code: 0 });
      const embedded = new FileObjectStore(app.at("out/registry"));
      const own = (await new ObjectStoreRegistry(embedded).champion())?.version;
      const file = (version?: string) => `models/${version}/model.safetensors`;
      expect(Buffer.compare(await app.store.get(file(await app.champion())), await embedded.get(file(own)))).toBe(0);

      const { url, child, outcome } = await serving(app.at("out/registry"));
      for (const route of ["/users/1/recommendations?k=20", "/users/77/recommendations", "/users/150/history"]) {
        const { version: _, ...body } = (await (await fetch(`${url}${route}`)).json()) as Record<string, unknown>;
        expect(await app.ask(route), route).toMatchObject({ status: 200, body });
      }
      child.kill("SIGTERM");
      await outcome;
    });

    it("does nothing anew for an upload, an event and a request that come twice", async () => {
      const { store, deployment } = app;
      const requests = new SQSClient(clientSettings(emulators.endpoint));
      const [record] = (await store.list("runs/")).filter((key) => key.endsWith("/request.json"));
      const { job } = decodeJson(await store.get(record)) as { job: object };
      const before = await store.list("");
      // A new object of the same bytes, with an event of its own; then sample's event, then launch-worker's message again.
      await store.put("uploads/again.zip", await readFile(app.at("data.zip")));
      const [ingested] = before.filter((key) => key.endsWith("/ingest.json"));
      await store.put(ingested, await store.get(ingested));
      const again = { QueueUrl: deployment.trainingRequestsUrl, MessageBody: JSON.stringify(job) };
      await requests.send(new SendMessageCommand(again));
      const drained = { ready: 0, inFlight: 0 };
      const queue = await SqsJobQueue.open({ client: requests, url: deployment.trainingRequestsUrl });
      await expect.poll(() => queue.counts(), seen).toMatchObject(drained);
      // Time for whatever should not happen.
      await new Promise((resolve) => setTimeout(resolve, 5_000));
      expect(await queue.counts()).toEqual({ ...drained, deadLetters: 0 });
      const jobs = await SqsJobQueue.open({ client: requests, url: deployment.trainingJobsUrl });
      expect(await jobs.counts()).toEqual({ ...drained, deadLetters: 0 });
      expect((await store.list("")).filter((key) => !before.includes(key))).toEqual(["uploads/again.zip"]);
      expect(await app.instances.list()).toEqual([]);
      requests.destroy();
    });

    it("refuses an upload that holds no ratings, with a report, and keeps a request that nobody can read", async () => {
      const { store, deployment } = app;
      const client = new SQSClient(clientSettings(emulators.endpoint));
      const QueueUrl = deployment.trainingRequestsUrl;
      // A test cannot wait for six minutes five times.
      const Attributes = { VisibilityTimeout: "2" };
      await client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
      await store.put("uploads/poison.zip", new TextEncoder().encode("no zip"));
      await client.send(new SendMessageCommand({ QueueUrl, MessageBody: "no request" }));
      await expect.poll(() => store.list("uploads-failed/"), seen).toHaveLength(1);
      const [report] = await store.list("uploads-failed/");
      expect(decodeJson(await store.get(report))).toMatchObject({
        key: "uploads/poison.zip",
        code: expect.any(String),
      });
      const queue = await SqsJobQueue.open({ client, url: QueueUrl });
      await expect.poll(() => queue.counts(), seen).toEqual({ ready: 0, inFlight: 0, deadLetters: 1 });
      client.destroy();
    });

    it("takes interactions over HTTP, tests them on the stream, and shows windows over HTTP", async () => {
      expect(await ncf(["topics", "create", "--brokers", kafka], app.env)).toMatchObject({ code: 0 });
      const { command, environment } = await streamContainer(emulators, app.deployment);
      const pace = {
        NCF_COMMIT_INTERVAL: "50",
        NCF_KEEP_INTERVAL: "1s",
        NCF_REPORT_INTERVAL: "1s",
        NCF_IDLE_TIMEOUT: "2s",
      };
      const shape = { NCF_WINDOW: "1h", NCF_GRACE: "10m", NCF_TRAIN_WINDOWS: "2", NCF_PORT: "0" };
      stream = startNcf(command, { ...app.env, ...environment, ...pace, ...shape });
      for (const interactions of interactionBatches(await readFile(app.at("data/movies.csv"), "utf8"), Date.now())) {
        const answer = await app.ask("/interactions", { interactions });
        expect(answer).toMatchObject({ status: 200, body: { accepted: interactions.length } });
      }
      const finals = async () => {
        const { body } = await app.ask("/windows");
        return (body as { windows: { final: boolean; cases: number }[] }).windows.filter(({ final }) => final);
      };
      await expect.poll(async () => (await finals()).length, seen).toBeGreaterThanOrEqual(2);
      expect((await finals()).reduce((sum, { cases }) => sum + cases, 0)).toBeGreaterThan(0);
    });

    it("trains anew on what came over the stream, on a worker that is launched for it", async () => {
      const first = await app.champion();
      await expect.poll(() => app.instances.list(), seen).toHaveLength(1);
      const [machine] = await app.instances.startNew();
      await machine.ended;
      const versions = await app.registry.list();
      expect(versions, await readFile(app.at(`${machine.instanceId}.log`), "utf8")).toHaveLength(2);
      const [tuned] = versions.filter((version) => version !== first);
      expect(await app.registry.card(tuned)).toMatchObject({ fineTuning: { baseVersion: first } });
      // On trial by now: the stream would promote it after many more events.
      expect(await app.champion()).toBe(first);
    });

    it("serves another version without a restart, and the former one again", async () => {
      const [first, tuned] = await app.registry.list();
      const served = async () => {
        const { body } = await app.ask("/users/1/recommendations?k=1");
        return (body as { version: string }).version;
      };
      const places = ["--registry", `s3://${app.deployment.bucket}`];
      expect(await ncf(["models", "promote", tuned, ...places], app.env)).toMatchObject({ code: 0 });
      await expect.poll(served, seen).toBe(tuned);
      expect(await ncf(["models", "rollback", ...places], app.env)).toMatchObject({ code: 0 });
      await expect.poll(served, seen).toBe(first);
    });

    it("ends the stream with all committed", async () => {
      stream?.child.kill("SIGTERM");
      expect(await stream?.outcome).toMatchObject({ code: 0 });
    });
  });
}

/** A service on this machine, once it listens. */
async function serving(registry: string): Promise<RunningCommand & { readonly url: string }> {
  const running = startNcf(["serve", "--registry", registry, "--port", "0", "--json"]);
  let stdout = "";
  running.child.stdout?.on("data", (chunk) => {
    stdout += chunk;
  });
  const url = () => /"url": "([^"]+)"/.exec(stdout)?.[1];
  await expect.poll(url, seen).toBeDefined();
  return { ...running, url: url() ?? "" };
}
