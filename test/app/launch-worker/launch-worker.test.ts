import { beforeEach, describe, expect, it } from "vitest";
import { MemoryJobQueue } from "../../../src/adapters/local/memory-job-queue.ts";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { MemoryWorkerLauncher } from "../../../src/adapters/local/memory-worker-launcher.ts";
import { type LaunchEvent, launchMetric } from "../../../src/app/launch-worker/launch-events.ts";
import {
  handleTrainingRequests,
  type LaunchWorkerDeps,
  type LaunchWorkerOptions,
  reconcile,
} from "../../../src/app/launch-worker/launch-worker.ts";
import { NcfError } from "../../../src/core/errors.ts";
import { encodeJson } from "../../../src/core/json.ts";
import type { Market } from "../../../src/ports/worker-launcher.ts";

const options: LaunchWorkerOptions = {
  gpuInstanceTypes: ["g4dn.xlarge", "g5.xlarge"],
  cpuInstanceTypes: ["c6i.2xlarge"],
  maxWorkers: 1,
};
const minuteMs = 60_000;

function request(runId: string, changes: object = {}): { messageId: string; body: string } {
  const job = { kind: "train", runId, samplePrefix: "samples/s/", preset: "neumf", seed: 1, promote: "always" };
  return { messageId: `message of ${runId}`, body: JSON.stringify({ ...job, ...changes }) };
}

describe("a launcher", () => {
  let nowMs: number;
  let ids: number;
  let store: MemoryObjectStore;
  let jobs: MemoryJobQueue;
  let refusal: (instanceType: string, market: Market) => "shortage" | "quota" | null;
  let launcher: MemoryWorkerLauncher;
  let told: LaunchEvent[];
  let deps: LaunchWorkerDeps;

  beforeEach(() => {
    nowMs = 1_700_000_000_000;
    ids = 0;
    store = new MemoryObjectStore();
    jobs = new MemoryJobQueue({ maxReceives: 3, nowMs: () => nowMs });
    refusal = () => null;
    launcher = new MemoryWorkerLauncher({ refusal: (instanceType, market) => refusal(instanceType, market) });
    told = [];
    deps = {
      store,
      jobs,
      launcher,
      nowMs: () => nowMs,
      newId: () => `id-${++ids}`,
      tell: (event) => told.push(event),
    };
  });

  const handle = (...messages: { messageId: string; body: string }[]) =>
    handleTrainingRequests(deps, options, messages);
  const names = () => told.map(({ event }) => event);

  describe("that gets requests", () => {
    it("records and forwards each, and starts a worker on the first GPU type, spot", async () => {
      const handled = await handle(request("r1"), request("r2"));
      expect(handled).toMatchObject({ failedMessageIds: [], forwarded: 2, workers: { kind: "launched" } });
      const received = await jobs.receive({ max: 10, visibilityTimeoutSeconds: 60 });
      expect(received.map(({ body }) => JSON.parse(body))).toEqual(
        ["r1", "r2"].map((runId) => JSON.parse(request(runId).body)),
      );
      expect(launcher.requests).toMatchObject([
        { instanceTypes: options.gpuInstanceTypes, market: "spot", backend: "auto" },
      ]);
      expect(await store.list("")).toEqual([
        "launcher/state.json",
        ...["r1", "r2"].flatMap((run) => [`runs/${run}/forwarded.json`, `runs/${run}/request.json`]),
      ]);
      expect(told.map(launchMetric)).toEqual(["RequestForwarded", "RequestForwarded", "WorkerLaunched"]);
    });

    it("forwards a request that comes twice once, and starts nothing for what is done", async () => {
      await handle(request("r1"));
      expect(await handle(request("r1"))).toMatchObject({
        failedMessageIds: [],
        forwarded: 0,
        workers: { kind: "enough" },
      });
      expect(await jobs.counts()).toMatchObject({ ready: 1 });
      const [job] = await jobs.receive({ visibilityTimeoutSeconds: 60 });
      await jobs.delete(job.receipt);
      launcher.end("i-1");
      nowMs += 10 * minuteMs;
      expect(await handle(request("r1"))).toMatchObject({ forwarded: 0, workers: { kind: "enough" } });
      expect(await launcher.running()).toEqual([]);
    });

    it("forwards what a stream asks for as a tuning", async () => {
      const tuning = {
        requestId: "v1-42",
        group: "g",
        baseVersion: "v1",
        ranges: { "0": { from: 0, to: 10 } },
        reason: "drift",
        createdAtMs: 1,
      };
      await handle({ messageId: "m", body: JSON.stringify(tuning) });
      const [job] = await jobs.receive({ visibilityTimeoutSeconds: 60 });
      expect(JSON.parse(job.body)).toEqual({ kind: "tune", ...tuning });
      // The stream asks again until it is trained: for the same, whatever the time and the reason by then.
      const again = { ...tuning, reason: "window", windowsThroughMs: 3_600_000, createdAtMs: 2 };
      expect(await handle({ messageId: "m2", body: JSON.stringify(again) })).toMatchObject({
        failedMessageIds: [],
        forwarded: 0,
      });
      const other = { ...again, ranges: { 0: { from: 0, to: 1 } } };
      expect(await handle({ messageId: "m3", body: JSON.stringify(other) })).toMatchObject({
        failedMessageIds: ["m3"],
      });
    });

    it("fails a request that nobody can read, and no other, whatever the order", async () => {
      const handled = await handle({ messageId: "bad", body: "{" }, request("r1"));
      expect(handled).toMatchObject({ failedMessageIds: ["bad"], forwarded: 1, workers: { kind: "launched" } });
      expect(told[0]).toMatchObject({ event: "requestFailed", request: "bad", code: "TRAINING_JOB_INVALID" });
      expect(await handle({ messageId: "bad", body: "{" })).toEqual({
        failedMessageIds: ["bad"],
        forwarded: 0,
        workers: null,
      });
    });

    it("refuses another request under the name of an earlier run, which stays", async () => {
      await handle(request("r1"));
      expect(await handle(request("r1", { seed: 2 }))).toMatchObject({ failedMessageIds: ["message of r1"] });
      expect(told.at(-1)).toMatchObject({ event: "requestFailed", code: "RUN_TAKEN" });
      expect(await jobs.counts()).toMatchObject({ ready: 1 });
    });
  });

  describe("that crashes", () => {
    /** Fails once, in place of the call. */
    const failingOnce = <T extends object>(
      target: T,
      method: keyof T,
      when: (...args: unknown[]) => boolean = () => true,
    ): T => {
      let failed = false;
      return new Proxy(target, {
        get(object, name) {
          const value = Reflect.get(object, name, object);
          if (typeof value !== "function") return value;
          return async (...args: unknown[]) => {
            if (name === method && !failed && when(...args)) {
              failed = true;
              throw new NcfError("STORE_UNAVAILABLE", "killed here", { retriable: true });
            }
            return value.apply(object, args);
          };
        },
      });
    };

    it("between recording and forwarding loses nothing: the schedule brings it on, once", async () => {
      deps = { ...deps, jobs: failingOnce(jobs, "send") };
      expect(await handle(request("r1"))).toMatchObject({ failedMessageIds: ["message of r1"], forwarded: 0 });
      expect(await store.list("runs/")).toEqual(["runs/r1/request.json"]);
      expect(await reconcile(deps, options)).toEqual({ forwarded: 0, workers: { kind: "enough" } });
      nowMs += 3 * minuteMs;
      const reconciled = await Promise.all([reconcile(deps, options), reconcile(deps, options)]);
      expect(reconciled.map(({ forwarded }) => forwarded).sort()).toEqual([0, 1]);
      expect(await handle(request("r1"))).toMatchObject({ failedMessageIds: [], forwarded: 0 });
      expect(await jobs.counts()).toMatchObject({ ready: 1 });
      expect(await store.list("launcher/outbox/")).toEqual([]);
      expect(await launcher.running()).toHaveLength(1);
    });

    it.each([
      ["before recording", (key: unknown) => key === "runs/r1/request.json", 1],
      // The workers know a run that they have done.
      ["before noting that it has forwarded", (key: unknown) => key === "runs/r1/forwarded.json", 2],
    ])("%s loses nothing", async (_when, isKey, sent) => {
      deps = { ...deps, store: failingOnce(store, "putIfAbsent", isKey) };
      expect(await handle(request("r1"))).toMatchObject({ failedMessageIds: ["message of r1"] });
      nowMs += 3 * minuteMs;
      expect(await reconcile(deps, options)).toMatchObject({ forwarded: 1 });
      expect(await jobs.counts()).toMatchObject({ ready: sent });
    });

    it("after starting a worker that it was not told of starts no second one", async () => {
      deps = {
        ...deps,
        launcher: {
          running: () => launcher.running(),
          launch: async (one) => {
            await launcher.launch(one);
            throw new NcfError("LAUNCH_UNAVAILABLE", "the answer was lost", { retriable: true });
          },
        },
      };
      expect(await handle(request("r1"))).toMatchObject({ failedMessageIds: ["message of r1"], workers: null });
      expect(told.at(-1)).toMatchObject({ event: "workerLaunchFailed", code: "LAUNCH_UNAVAILABLE" });
      // The cloud does not list it yet.
      deps = { ...deps, launcher: { launch: (one) => launcher.launch(one), running: async () => [] } };
      expect(await handle(request("r1"))).toMatchObject({ failedMessageIds: [], workers: { kind: "launched" } });
      expect(await launcher.running()).toHaveLength(1);
    });

    it("in the middle of a launch holds others up for two minutes, and they go on with the same launch", async () => {
      const launching = { launch: () => new Promise<never>(() => {}), running: () => launcher.running() };
      void handleTrainingRequests({ ...deps, launcher: launching }, options, [request("r1")]);
      await expect.poll(() => store.list("launcher/")).toEqual(["launcher/state.json"]);
      await expect
        .poll(async () => new TextDecoder().decode(await store.get("launcher/state.json")))
        .toContain("launch-");
      nowMs += minuteMs;
      expect(await reconcile(deps, options)).toMatchObject({ workers: { kind: "elsewhere" } });
      nowMs += 2 * minuteMs;
      expect(await reconcile(deps, options)).toMatchObject({ workers: { kind: "launched" } });
      const state = JSON.parse(new TextDecoder().decode(await store.get("launcher/state.json")));
      expect(state).toMatchObject({ claim: null, launched: [{ instanceId: "i-1" }] });
    });
  });

  describe("beside another one", () => {
    it("forwards a request once and starts one worker, however often both are asked", async () => {
      const racing = await Promise.all(Array.from({ length: 8 }, () => handle(request("r1"))));
      expect(racing.map(({ forwarded }) => forwarded).reduce((sum, n) => sum + n)).toBe(1);
      expect(racing.flatMap(({ failedMessageIds }) => failedMessageIds)).toEqual([]);
      expect(await jobs.counts()).toMatchObject({ ready: 1 });
      expect(launcher.requests).toHaveLength(1);
    });

    it("starts no more workers than are allowed, and in the end as many as there are jobs", async () => {
      const two = { ...options, maxWorkers: 2 };
      const runs = ["r1", "r2", "r3"];
      await Promise.all(runs.map((run) => handleTrainingRequests(deps, two, [request(run)])));
      expect((await launcher.running()).length).toBeLessThanOrEqual(2);
      await Promise.all([reconcile(deps, two), reconcile(deps, two)]);
      await reconcile(deps, two);
      expect(await launcher.running()).toHaveLength(2);
      expect(await jobs.counts()).toMatchObject({ ready: 3 });
    });

    it("counts a worker that the cloud does not list yet", async () => {
      deps = { ...deps, launcher: { launch: (one) => launcher.launch(one), running: async () => [] } };
      await handle(request("r1"));
      expect(await handle(request("r2"))).toMatchObject({ workers: { kind: "enough" } });
      nowMs += 2 * minuteMs;
      expect(await handle(request("r3"))).toMatchObject({ workers: { kind: "launched" } });
    });
  });

  describe("that looks on a schedule", () => {
    it("starts nothing without jobs", async () => {
      expect(await reconcile(deps, options)).toEqual({ forwarded: 0, workers: { kind: "enough" } });
      expect(launcher.requests).toEqual([]);
    });

    it("starts a worker for a job that came in the moment in which the last one ended itself", async () => {
      await handle(request("r1"));
      const [job] = await jobs.receive({ visibilityTimeoutSeconds: 60 });
      await jobs.delete(job.receipt);
      nowMs += 20 * minuteMs;
      expect(await handle(request("r2"))).toMatchObject({ workers: { kind: "enough" } });
      launcher.end("i-1");
      expect(await reconcile(deps, options)).toMatchObject({ workers: { kind: "launched" } });
    });

    it("replaces a worker that was killed, before its job is visible again", async () => {
      await handle(request("r1"));
      await jobs.receive({ visibilityTimeoutSeconds: 3600 });
      nowMs += 20 * minuteMs;
      expect(await reconcile(deps, options)).toMatchObject({ workers: { kind: "enough" } });
      launcher.end("i-1");
      expect(await reconcile(deps, options)).toMatchObject({
        workers: { kind: "launched", worker: { instanceId: "i-2" } },
      });
    });

    it("says each time that nothing can be launched", async () => {
      await jobs.send(request("r1").body);
      const denied = new NcfError("LAUNCH_DENIED", "expected to be allowed ec2:RunInstances");
      deps = { ...deps, launcher: { running: async () => [], launch: () => Promise.reject(denied) } };
      for (const times of [1, 2]) {
        await expect(reconcile(deps, options)).rejects.toBe(denied);
        expect(names()).toEqual(Array.from({ length: times }, () => "workerLaunchFailed"));
        nowMs += 5 * minuteMs;
      }
    });

    it("goes on past what it cannot read, and says so", async () => {
      await store.put("launcher/outbox/bad.json", encodeJson({ job: { kind: "?" }, claim: { by: "x", atMs: 0 } }));
      await jobs.send(request("r1").body);
      expect(await reconcile(deps, options)).toMatchObject({ workers: { kind: "launched" } });
      expect(told[0]).toMatchObject({ event: "requestFailed", request: "launcher/outbox/bad.json" });
    });
  });

  describe("that gets no machine", () => {
    it("lets the request come again, and takes one on demand after three shortages in a row", async () => {
      refusal = (_type, market) => (market === "spot" ? "shortage" : null);
      for (const shortages of [1, 2]) {
        expect(await handle(request("r1"))).toMatchObject({
          failedMessageIds: ["message of r1"],
          workers: { kind: "shortage" },
        });
        expect(told.at(-1)).toMatchObject({ event: "workerShortage", market: "spot", shortages });
        nowMs += 6 * minuteMs;
      }
      expect(await reconcile(deps, options)).toMatchObject({
        workers: { kind: "launched", worker: { instanceType: "g4dn.xlarge", market: "onDemand" } },
      });
      expect(await jobs.counts()).toMatchObject({ ready: 1 });
    });

    it("forgets shortages after a launch, and an hour later", async () => {
      const spotIsShort = (_type: string, market: Market) => (market === "spot" ? "shortage" : null);
      refusal = spotIsShort;
      await handle(request("r1"));
      await handle(request("r1"));
      nowMs += 61 * minuteMs;
      expect(await reconcile(deps, options)).toMatchObject({ workers: { kind: "shortage" } });
      refusal = () => null;
      expect(await reconcile(deps, options)).toMatchObject({ workers: { worker: { market: "spot" } } });
      refusal = spotIsShort;
      launcher.end("i-1");
      nowMs += 2 * minuteMs;
      expect(await reconcile(deps, options)).toMatchObject({ workers: { kind: "shortage" } });
      expect(told.at(-1)).toMatchObject({ event: "workerShortage", shortages: 1 });
    });

    it("takes one without a GPU where the account may have none, and says what to do", async () => {
      refusal = (type) => (type.startsWith("g") ? "quota" : null);
      expect(await handle(request("r1"))).toMatchObject({
        failedMessageIds: [],
        workers: { kind: "launched", worker: { instanceType: "c6i.2xlarge", market: "spot" } },
      });
      expect(names()).toEqual(["requestForwarded", "workerQuotaRefused", "workerQuotaRefused", "workerLaunched"]);
      expect(told[1]).toMatchObject({ market: "spot", advice: expect.stringMatching(/./) });
      expect(told.at(-1)).toMatchObject({ backend: "wasm" });
    });

    it("takes one on demand where the account may have no spot machines", async () => {
      refusal = (_type, market) => (market === "spot" ? "quota" : null);
      expect(await handle(request("r1"))).toMatchObject({
        workers: { kind: "launched", worker: { instanceType: "g4dn.xlarge", market: "onDemand" } },
      });
    });

    it("lets the request come again where the account may have nothing at all", async () => {
      refusal = () => "quota";
      expect(await handle(request("r1"))).toMatchObject({
        failedMessageIds: ["message of r1"],
        forwarded: 1,
        workers: { kind: "quota" },
      });
      expect(launcher.requests).toHaveLength(4);
      expect(await reconcile(deps, options)).toMatchObject({ workers: { kind: "quota" } });
    });

    it("says that no types are configured", async () => {
      const none = { ...options, gpuInstanceTypes: [], cpuInstanceTypes: [] };
      await handleTrainingRequests(deps, none, [request("r1")]);
      expect(told.at(-1)).toMatchObject({ event: "workerLaunchFailed", code: "LAUNCH_INVALID" });
    });
  });
});
