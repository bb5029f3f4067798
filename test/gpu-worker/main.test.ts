import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FileJobQueue } from "../../src/adapters/local/file-job-queue.ts";
import { FileObjectStore } from "../../src/adapters/local/file-object-store.ts";
import { ObjectStoreRegistry } from "../../src/adapters/registry/object-store-registry.ts";
import { readRunProgress } from "../../src/app/worker/run-progress.ts";
import { decodeJson } from "../../src/core/json.ts";
import { storeSample, trainJob, workerWorld } from "../app/worker/worker-world.ts";
import { startWorker } from "./worker-process.ts";

/** Seconds of training in each of its two parts, with many checkpoints. */
const job = { ...trainJob, epochs: 150 };
const files = {
  judged: "runs/run-1/models/mf/checkpoint.safetensors",
  all: "runs/run-1/final/mf/checkpoint.safetensors",
};

let root: string;
let folders = 0;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "ncf-gpu-worker-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A bucket and a queue in folders, with a sample and a job. */
async function world(epochs = job.epochs) {
  const folder = path.join(root, String(folders++));
  const [bucket, jobs] = [path.join(folder, "bucket"), path.join(folder, "jobs")];
  const store = new FileObjectStore(bucket);
  const queue = new FileJobQueue(jobs, { maxReceives: 3 });
  await storeSample(store);
  await queue.send(JSON.stringify({ ...job, epochs }));
  const env = {
    NCF_BUCKET: pathToFileURL(bucket).href,
    NCF_TRAINING_JOBS_URL: pathToFileURL(jobs).href,
    NCF_BACKEND: "wasm",
    NCF_WORKER_IDLE_SECONDS: "0",
    NCF_WORKER_LEASE_SECONDS: "3",
    NCF_CHECKPOINT_MINUTES: "0.0005",
    NCF_WORKER_THREADS: "1",
  };
  return { store, queue, registry: new ObjectStoreRegistry(store), env };
}

const isThere = (store: FileObjectStore, key: string) =>
  expect.poll(() => store.head(key), { timeout: 60_000, interval: 20 }).not.toBe(null);

async function published(registry: ObjectStoreRegistry): Promise<string> {
  const [version, ...others] = await registry.list();
  expect(others).toEqual([]);
  return (await registry.card(version)).files["model.safetensors"].sha256;
}

async function undisturbed(): Promise<string> {
  const { queue, registry, work } = await workerWorld();
  await queue.send(JSON.stringify(job));
  await work("w0", { checkpointEveryMs: 60_000 });
  return published(registry);
}

describe("the worker's process", { timeout: 180_000 }, () => {
  it("is killed in mid-training, twice, and the next one ends with the same model bytes", async () => {
    const { store, queue, registry, env } = await world();
    for (const key of [files.judged, files.all]) {
      const { child, ended } = startWorker({ ...env, NCF_WORKER_IDLE_SECONDS: "60" });
      await isThere(store, key);
      child.kill("SIGKILL");
      await ended;
      expect(await registry.list()).toEqual([]);
    }
    const { code, messages } = await startWorker({ ...env, NCF_WORKER_IDLE_SECONDS: "10" }).ended;
    expect(code).toBe(0);
    expect(messages.join("\n")).toMatch(/mf: going on from step \d+/);
    expect(await published(registry)).toBe(await undisturbed());
    expect(await queue.counts()).toEqual({ ready: 0, inFlight: 0, deadLetters: 0 });
  });

  it("ends on SIGTERM with a checkpoint, and hands its job on", async () => {
    const { store, queue, registry, env } = await world();
    const { child, ended } = startWorker(env);
    await isThere(store, files.judged);
    child.kill("SIGTERM");
    const { code, messages } = await ended;
    expect(code).toBe(0);
    expect(messages).toContain("stopping: SIGTERM came");
    expect(messages).toContain("run run-1: handed on to another worker");
    expect(await queue.counts()).toMatchObject({ ready: 1, inFlight: 0 });
    expect(await readRunProgress(store, "run-1")).toMatchObject({ state: "handedOn" });
    expect((await startWorker(env).ended).messages.join("\n")).toMatch(/mf: going on from step \d+/);
    expect(await registry.champion()).toMatchObject({ revision: 1 });
  });

  it("ends on the notice that its spot instance is taken away", async () => {
    // It looks for a notice every 5 s, and must not be done by then.
    const { store, queue, env } = await world(10_000);
    let isTaken = false;
    const seen: string[] = [];
    const metadata = createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers["x-aws-ec2-metadata-token"] ?? ""}`);
      if (request.method === "PUT") response.end("token-1");
      else if (isTaken) response.end(JSON.stringify({ action: "terminate", time: "2026-01-01T00:02:00Z" }));
      else response.writeHead(404).end();
    }).listen(0, "127.0.0.1");
    await once(metadata, "listening");
    const url = `http://127.0.0.1:${(metadata.address() as AddressInfo).port}`;
    const { ended } = startWorker({ ...env, NCF_INSTANCE_METADATA_URL: url, NCF_WORKER_IDLE_SECONDS: "60" });
    await isThere(store, files.judged);
    isTaken = true;
    const { code, messages } = await ended;
    metadata.close();
    expect(code).toBe(0);
    expect(messages).toContain("stopping: EC2 will terminate this spot instance at 2026-01-01T00:02:00Z");
    expect(await queue.counts()).toMatchObject({ ready: 1, inFlight: 0 });
    expect(seen.slice(0, 2)).toEqual(["PUT /latest/api/token ", "GET /latest/meta-data/spot/instance-action token-1"]);
  });

  it("refuses jobs where it has not the backend that it is to use, until they are dead letters", async () => {
    const { store, queue, env } = await world();
    const without = { ...env, NCF_BACKEND: "tfjs", NCF_TFJS_NODE: root };
    for (let tries = 1; tries <= 3; tries++) {
      const { code, messages } = await startWorker(without).ended;
      expect(code).toBe(1);
      expect(messages.join("\n")).toContain(`run run-1: delivery ${tries} of job`);
    }
    expect(decodeJson(await store.get("runs/run-1/error.json"))).toMatchObject({ code: "TENSORFLOW_UNAVAILABLE" });
    await startWorker(without).ended;
    expect(await queue.counts()).toEqual({ ready: 0, inFlight: 0, deadLetters: 1 });
  });

  it("says which settings are wrong", async () => {
    const { code, messages } = await startWorker({ NCF_BUCKET: "", NCF_TRAINING_JOBS_URL: "jobs" }, [
      "--backend",
      "cpu",
    ]).ended;
    expect(code).toBe(2);
    for (const name of ["NCF_BUCKET", "NCF_TRAINING_JOBS_URL", "NCF_BACKEND"]) expect(messages[0]).toContain(name);
  });
});
