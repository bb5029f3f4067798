/**
 * The whole of a deployment: from `cdk deploy` to recommendations, windows, a retraining and a rollback. Lambdas, queues and
 * buckets are emulated, the machines behind launched instances are processes, Kafka is a real broker.
 */
import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../scripts/local/child.ts";
import { type Deployment, deploy } from "../../scripts/local/deployment.ts";
import { clientSettings, emulatedEnvironment } from "../../scripts/local/emulators.ts";
import { Instances } from "../../scripts/local/instances.ts";
import { type ConnectedLauncher, connectLauncher } from "../../scripts/local/launcher.ts";
import { streamContainer } from "../../scripts/local/stream-container.ts";
import { S3ObjectStore } from "../../src/adapters/aws/s3-object-store.ts";
import { FileObjectStore } from "../../src/adapters/local/file-object-store.ts";
import { ObjectStoreRegistry } from "../../src/adapters/registry/object-store-registry.ts";
import { mix } from "../../src/core/rng.ts";
import { ncf, type RunningCommand, startNcf } from "../cli/ncf.ts";
import { onLocalAws } from "./local-aws.ts";
import { ask } from "./signed-http.ts";

const minute = 60_000;
const hourMs = 60 * minute;
const seen = { timeout: 2 * minute, interval: 500 };

onLocalAws((emulators, kafka) => {
  describe("a deployment", { timeout: 5 * minute }, () => {
    const name = `e2e-${randomUUID().slice(0, 8)}`;
    const env = { ...emulatedEnvironment(emulators), NCF_TOPIC_PREFIX: `${name}.` };
    const s3 = new S3Client({ ...clientSettings(emulators.endpoint), forcePathStyle: true });
    let folder: string;
    let deployment: Deployment;
    let launcher: ConnectedLauncher;
    let store: S3ObjectStore;
    let registry: ObjectStoreRegistry;
    let machines: Instances;
    let stream: RunningCommand | undefined;
    const at = (file: string) => path.join(folder, file);
    const champion = async () => (await registry.champion())?.version;

    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), "ncf-e2e-"));
      const context = {
        kafka,
        kafkaTls: "false",
        streamImage: "ncf-stream:local",
        streamGroup: name,
        interactionsTopic: `${name}.interactions`,
        sampleOptions: JSON.stringify({ preset: "mf", epochs: 2 }),
        backend: "wasm",
        workerIdleSeconds: "2",
        keepData: "false",
      };
      deployment = await deploy(emulators, { name, context });
      launcher = await connectLauncher(emulators, deployment);
      store = new S3ObjectStore({ client: s3, bucket: deployment.bucket });
      registry = new ObjectStoreRegistry(store);
      machines = new Instances(emulators, { stack: name, folder, environment: { NCF_WORKER_THREADS: "1" } });
      const size = ["--users", "150", "--movies", "300", "--ratings", "9000", "--seed", "7"];
      expect(await ncf(["generate", ...size, "--out", at("data")])).toMatchObject({ code: 0 });
      await run("python3", ["-m", "zipfile", "-c", at("data.zip"), at("data/ratings.csv"), at("data/movies.csv")]);
    }, 10 * minute);

    afterAll(async () => {
      stream?.child.kill("SIGKILL");
      await machines?.stop();
      s3.destroy();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }, minute);

    it("answers 503 before there is a model", async () => {
      expect(await ask(deployment, "/users/1/recommendations")).toMatchObject({ status: 503 });
    });

    it("launches a worker for an upload, from the template that was deployed", async () => {
      await store.put("uploads/data.zip", await readFile(at("data.zip")));
      await expect.poll(() => machines.list(), seen).toHaveLength(1);
      const [{ InstanceType, InstanceLifecycle, Tags = [] }] = await machines.list();
      expect({ InstanceType, InstanceLifecycle }).toEqual({ InstanceType: "g4dn.xlarge", InstanceLifecycle: "spot" });
      const tags = Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]));
      expect(tags).toMatchObject({
        "aws:ec2launchtemplate:id": launcher.launchTemplateId,
        "ncf:stack": name,
        "ncf:worker": "true",
        "ncf:backend": "auto",
      });
      expect(launcher.deployed.IamInstanceProfile?.Arn).toContain(`${name}-training-TrainingWorkerProfile`);
    });

    it("trains on it, and the worker's instance ends when nothing is left to do", async () => {
      const [machine, ...others] = await machines.startNew();
      expect(others).toEqual([]);
      await machine.ended;
      expect(await readFile(at(`${machine.instanceId}.log`), "utf8")).toContain("ends (idle)");
      expect(await machines.list()).toEqual([]);
      expect(await registry.champion()).toMatchObject({ revision: 1 });
    });

    it("answers over HTTP what one machine's own run answers: the same bytes, ids and scores", async () => {
      const models = ["--models", "mf", "--epochs", "2", "--threads", "1", "--publish"];
      const ran = await ncf(["run", "--dataset", at("data.zip"), ...models, "--out", at("out")]);
      expect(ran, ran.stderr).toMatchObject({ code: 0 });
      const embedded = new FileObjectStore(at("out/registry"));
      const own = (await new ObjectStoreRegistry(embedded).champion())?.version;
      const file = (version?: string) => `models/${version}/model.safetensors`;
      expect(Buffer.compare(await store.get(file(await champion())), await embedded.get(file(own)))).toBe(0);

      const { url, child, outcome } = await serving(at("out/registry"));
      for (const asked of ["/users/1/recommendations?k=20", "/users/77/recommendations", "/users/150/history"]) {
        const { version: _, ...answer } = (await (await fetch(`${url}${asked}`)).json()) as Record<string, unknown>;
        expect(await ask(deployment, asked), asked).toMatchObject({ status: 200, body: answer });
      }
      child.kill("SIGTERM");
      await outcome;
    });

    it("takes interactions over HTTP, tests them on the stream, and shows windows over HTTP", async () => {
      expect(await ncf(["topics", "create", "--brokers", kafka], env)).toMatchObject({ code: 0 });
      const { command, environment } = await streamContainer(emulators, deployment);
      const pace = { NCF_COMMIT_INTERVAL: "50", NCF_KEEP_INTERVAL: "1s", NCF_REPORT_INTERVAL: "1s", NCF_IDLE_TIMEOUT: "2s" };
      const shape = { NCF_WINDOW: "1h", NCF_GRACE: "10m", NCF_TRAIN_WINDOWS: "2", NCF_PORT: "0" };
      stream = startNcf(command, { ...env, ...environment, ...pace, ...shape });
      for (const interactions of batches(await readFile(at("data/movies.csv"), "utf8"))) {
        const { status, body } = await ask(deployment, "/interactions", { interactions });
        expect({ status, body }).toMatchObject({ status: 200, body: { accepted: interactions.length } });
      }
      const finals = async () => {
        const { body } = await ask(deployment, "/windows");
        return (body as { windows: { final: boolean; cases: number }[] }).windows.filter(({ final }) => final);
      };
      await expect.poll(async () => (await finals()).length, seen).toBeGreaterThanOrEqual(2);
      expect((await finals()).reduce((sum, { cases }) => sum + cases, 0)).toBeGreaterThan(0);
    });

    it("trains anew on what came over the stream, on a worker that is launched for it", async () => {
      const first = await champion();
      await expect.poll(() => machines.list(), seen).toHaveLength(1);
      const [machine] = await machines.startNew();
      await machine.ended;
      const versions = await registry.list();
      expect(versions, await readFile(at(`${machine.instanceId}.log`), "utf8")).toHaveLength(2);
      const [tuned] = versions.filter((version) => version !== first);
      expect(await registry.card(tuned)).toMatchObject({ fineTuning: { baseVersion: first } });
      // On trial by now: the stream would promote it after many more events.
      expect(await champion()).toBe(first);
    });

    it("serves another version without a restart, and the former one again", async () => {
      const [first, tuned] = await registry.list();
      const served = async () => {
        const { body } = await ask(deployment, "/users/1/recommendations?k=1");
        return (body as { version: string }).version;
      };
      const places = ["--registry", `s3://${deployment.bucket}`];
      expect(await ncf(["models", "promote", tuned, ...places], env)).toMatchObject({ code: 0 });
      await expect.poll(served, seen).toBe(tuned);
      expect(await ncf(["models", "rollback", ...places], env)).toMatchObject({ code: 0 });
      await expect.poll(served, seen).toBe(first);
    });

    it("ends the stream with all committed", async () => {
      stream?.child.kill("SIGTERM");
      expect(await stream?.outcome).toMatchObject({ code: 0 });
    });
  });
});

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

/** Six hours of interactions, a hundred a batch, by users of the data set and new ones. */
function batches(movies: string): { userId: string; itemId: string; timestampMs: number }[][] {
  const itemIds = movies.trim().split("\n").slice(1).map((line) => line.split(",")[0]);
  const startMs = Math.floor(Date.now() / hourMs) * hourMs - 30 * hourMs;
  return [0, 1, 2].map((batch) =>
    Array.from({ length: 100 }, (_, i) => {
      const n = 100 * batch + i;
      const userId = String(1 + (mix(n, 1, 7) % 170));
      return { userId, itemId: itemIds[mix(n, 2, 7) % itemIds.length], timestampMs: startMs + (n * hourMs) / 50 };
    }),
  );
}
