import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createHandler } from "../../lambdas/launch-worker.ts";
import { MemoryJobQueue } from "../../src/adapters/local/memory-job-queue.ts";
import { MemoryObjectStore } from "../../src/adapters/local/memory-object-store.ts";
import { MemoryWorkerLauncher } from "../../src/adapters/local/memory-worker-launcher.ts";
import { context, keeping, sqsEvent } from "./invocation.ts";

function world(launcher = new MemoryWorkerLauncher()) {
  const observer = keeping();
  const jobs = new MemoryJobQueue({ maxReceives: 3 });
  const options = { gpuInstanceTypes: ["g4dn.xlarge"], cpuInstanceTypes: ["c7i.2xlarge"], maxWorkers: 1 };
  const store = new MemoryObjectStore();
  const handler = createHandler({ store, jobs, launcher, options, nowMs: Date.now, newId: randomUUID, observer });
  return { handler, observer, jobs, launcher };
}

const job = (runId: string): string =>
  JSON.stringify({ kind: "train", runId, samplePrefix: "samples/a/", preset: "mf", seed: 1, promote: "always" });

describe("the launcher", () => {
  it("forwards a request once, launches a worker, and gives back only what is no request", async () => {
    const { handler, observer, jobs, launcher } = world();
    expect(await handler(sqsEvent(job("run-1"), "{}", job("run-1")), context)).toEqual({
      batchItemFailures: [{ itemIdentifier: "message-1" }],
    });
    expect(await jobs.counts()).toMatchObject({ ready: 1 });
    expect(launcher.requests).toMatchObject([{ instanceTypes: ["g4dn.xlarge"], market: "spot", backend: "auto" }]);
    expect(observer.events.map(({ event }) => event)).toEqual(["requestForwarded", "requestFailed", "workerLaunched"]);
  });

  it("launches for jobs that wait when the schedule says that it is time", async () => {
    const { handler, jobs, launcher } = world();
    await jobs.send(job("run-2"));
    const scheduled = { version: "0", "detail-type": "Scheduled Event", source: "aws.events", detail: {} };
    expect(await handler(scheduled, context)).toEqual({ batchItemFailures: [] });
    expect(launcher.requests).toHaveLength(1);
    await handler(scheduled, context);
    expect(launcher.requests).toHaveLength(1);
  });

  it("keeps requests for later while nothing is free, and says how to ask for a quota", async () => {
    const { handler, observer } = world(new MemoryWorkerLauncher({ refusal: () => "quota" }));
    expect(await handler(sqsEvent(job("run-3")), context)).toEqual({
      batchItemFailures: [{ itemIdentifier: "message-0" }],
    });
    const refused = observer.events.filter(({ event }) => event === "workerQuotaRefused");
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toHaveProperty("advice");
  });
});
