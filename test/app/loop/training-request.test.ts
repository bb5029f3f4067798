import { describe, expect, it } from "vitest";
import { MemoryJobQueue } from "../../../src/adapters/local/memory-job-queue.ts";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { releaseTrainingLease } from "../../../src/app/loop/training-lease.ts";
import { parseTrainingRequest, requestTraining, type TrainingRequest } from "../../../src/app/loop/training-request.ts";

const request: TrainingRequest = {
  requestId: "g-1",
  group: "g",
  baseVersion: "000001-00000000",
  ranges: { 0: { from: 0, to: 10 } },
  reason: "window",
  createdAtMs: 1,
};

describe("a training request", () => {
  it("is sent once, while no other one of its group is in flight", async () => {
    const clock = { ms: 0 };
    const nowMs = () => clock.ms;
    const store = new MemoryObjectStore();
    const queue = new MemoryJobQueue({ maxReceives: 3, nowMs });
    const ask = (requestId: string, group = "g") =>
      requestTraining({ store, queue, nowMs }, { ...request, requestId, group }, 1000);
    const answers = await Promise.all(["a", "b", "c"].map((requestId) => ask(requestId)));
    expect(answers.sort()).toEqual(["inFlight", "inFlight", "requested"]);
    expect(await ask("d", "other group")).toBe("requested");
    expect((await queue.counts()).ready).toBe(2);
    clock.ms = 1000;
    expect(await ask("e")).toBe("requested");
    expect(await ask("f")).toBe("inFlight");
    await releaseTrainingLease(store, { group: "g", requestId: "a" });
    expect(await ask("f")).toBe("inFlight");
    await releaseTrainingLease(store, { group: "g", requestId: "e" });
    expect(await ask("f")).toBe("requested");
  });

  it("comes back from a job's body as it was, and anything else is refused", () => {
    expect(parseTrainingRequest(JSON.stringify(request))).toEqual(request);
    for (const body of ["{", "{}", JSON.stringify({ ...request, ranges: { a: {} } })]) {
      expect(() => parseTrainingRequest(body)).toThrow(/expected a training request/);
    }
  });
});
