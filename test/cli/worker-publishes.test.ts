import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { FileJobQueue } from "../../src/adapters/local/file-job-queue.ts";
import { FileObjectStore } from "../../src/adapters/local/file-object-store.ts";
import { ParquetInteractionChunks } from "../../src/adapters/parquet/parquet-interaction-chunks.ts";
import { requestTraining } from "../../src/app/loop/training-request.ts";
import { numericId } from "../../src/core/ids.ts";
import { ncf, startNcf } from "./ncf.ts";

let folder: string;
const at = (name: string) => path.join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "ncf-worker-publishes-"));
  const size = ["--users", "120", "--movies", "400", "--ratings", "6000", "--seed", "7"];
  expect(await ncf(["generate", ...size, "--out", at("data")])).toMatchObject({ code: 0 });
  const models = ["--models", "mf,popularity", "--epochs", "2", "--threads", "1", "--publish"];
  expect(await ncf(["run", "--dataset", at("data"), ...models, "--out", at("out")])).toMatchObject({ code: 0 });
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const models = async (...command: string[]) => {
  const { code, stdout } = await ncf(["models", ...command, "--registry", at("out/registry"), "--json"]);
  expect(code).toBe(0);
  return JSON.parse(stdout);
};

it("a worker killed in training publishes once when started again, and ncf serve takes the version up", {
  timeout: 180_000,
}, async () => {
  const { champion } = await models("list");
  const store = new FileObjectStore(at("out/registry"));
  const [to, group] = [3, "g"];
  await new ParquetInteractionChunks(store, `interactions/${group}/0/`).write(
    { from: 0, to },
    ["1", "2", "3"].map((itemText, offset) => {
      const ids = { userText: "zoe", itemText, userId: numericId("zoe"), itemId: numericId(itemText) };
      return { ...ids, offset, timestampMs: 2_000_000_000_000 + offset, rating: null };
    }),
  );
  const queue = new FileJobQueue(at("jobs"), { maxReceives: 3 });
  const request = {
    requestId: "g-1",
    group,
    baseVersion: champion.version,
    ranges: { 0: { from: 0, to } },
    reason: "window" as const,
    createdAtMs: 1,
  };
  expect(await requestTraining({ store, queue, nowMs: Date.now }, request, 60_000)).toBe("requested");

  const worker = ["worker", "--registry", at("out/registry"), "--jobs", at("jobs"), "--once", "--json"];
  const running = startNcf([...worker, "--epochs", "1000", "--older-per-new", "2000"]);
  while ((await queue.counts()).inFlight === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  running.child.kill("SIGKILL");
  expect(await running.outcome).toMatchObject({ code: null, stdout: "" });
  expect((await models("list")).versions.length).toBe(1);

  // The job comes back by itself when the killed worker's time is over; here that time is now.
  const later = new FileJobQueue(at("jobs"), { maxReceives: 3, nowMs: () => Date.now() + 300_000 });
  const [job] = await later.receive({ visibilityTimeoutSeconds: 1, waitSeconds: 0 });
  await queue.extend(job.receipt, 0);
  await queue.send(job.body);
  for (let delivery = 1; delivery <= 2; delivery++) {
    const { stdout, stderr } = await ncf(worker);
    expect(JSON.parse(stdout), stderr).toEqual({ trained: 1, nothingNew: 0, failed: 0 });
  }
  expect(await queue.counts()).toEqual({ ready: 0, inFlight: 0, deadLetters: 0 });
  const { versions } = await models("list");
  expect(versions.length).toBe(2);

  const service = startNcf(["serve", "--registry", at("out/registry"), "--port", "0", "--json"]);
  const url = await new Promise<string>((resolve, reject) => {
    let stdout = "";
    service.child.stdout?.on("data", (chunk) => {
      stdout += chunk;
      const found = /"url": "([^"]+)"/.exec(stdout);
      if (found !== null) resolve(found[1]);
    });
    void service.outcome.then(({ stderr }) => reject(new Error(stderr)));
  });
  const answer = async () => (await fetch(`${url}/users/zoe/recommendations?k=5`)).json() as Promise<Answer>;
  expect(await answer()).toMatchObject({ version: champion.version, basis: "popularity" });
  const tuned = versions.find(({ version }: Answer) => version !== champion.version).version;
  await models("promote", tuned);
  await service.stderrHas(`Serving version ${tuned} now.`);
  const { version, basis, items } = await answer();
  expect({ version, basis }).toEqual({ version: tuned, basis: "model" });
  expect(items.length).toBe(5);
  expect(items.every(({ itemId }) => !["1", "2", "3"].includes(itemId))).toBe(true);
  service.child.kill("SIGTERM");
  expect(await service.outcome).toMatchObject({ code: 0 });
});

interface Answer {
  readonly version: string;
  readonly basis: string;
  readonly items: readonly { readonly itemId: string }[];
}
