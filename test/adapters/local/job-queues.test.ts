import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileJobQueue } from "../../../src/adapters/local/file-job-queue.ts";
import { MemoryJobQueue } from "../../../src/adapters/local/memory-job-queue.ts";
import { testJobQueue } from "../../conformance/job-queue.ts";
import { startChild } from "./child-process.ts";

function settableClock(startMs: number) {
  let nowMs = startMs;
  return {
    nowMs: () => nowMs,
    advance: async (ms: number) => {
      nowMs += ms;
    },
  };
}

testJobQueue(
  "memory",
  async () => {
    const { nowMs, advance } = settableClock(1_700_000_000_000);
    return { queue: new MemoryJobQueue({ maxReceives: 3, nowMs }), advance };
  },
  { earlierReceipts: "refused" },
);

testJobQueue(
  "folder",
  async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "ncf-jobs-"));
    const { nowMs, advance } = settableClock(1_700_000_000_000);
    return {
      queue: new FileJobQueue(folder, { maxReceives: 3, nowMs }),
      advance,
      close: () => rm(folder, { recursive: true }),
    };
  },
  { earlierReceipts: "refused" },
);

describe("a folder of jobs", () => {
  const script = new URL("./children/receive-jobs.ts", import.meta.url);
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "ncf-jobs-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("outlives the process: jobs, deliveries and dead letters", async () => {
    const { nowMs, advance } = settableClock(1_700_000_000_000);
    const options = { maxReceives: 1, nowMs };
    const before = new FileJobQueue(folder, options);
    await before.send("dead");
    await before.receive({ visibilityTimeoutSeconds: 1 });
    await advance(1000);
    await before.receive({ visibilityTimeoutSeconds: 1 });
    await before.send("in flight");
    const [{ receipt }] = await before.receive({ visibilityTimeoutSeconds: 60 });
    await before.send("ready");
    const after = new FileJobQueue(folder, options);
    expect(await after.counts()).toEqual({ ready: 1, inFlight: 1, deadLetters: 1 });
    await after.extend(receipt, 120);
    await after.delete(receipt);
    expect(await after.receive({ max: 10, visibilityTimeoutSeconds: 1 })).toMatchObject([{ body: "ready" }]);
    expect(await after.deadLetters?.receive({ visibilityTimeoutSeconds: 1 })).toMatchObject([{ body: "dead" }]);
  });

  it("gives each job to one of several processes", async () => {
    const queue = new FileJobQueue(folder, { maxReceives: 3 });
    const bodies = Array.from({ length: 120 }, (_, i) => `job ${String(i).padStart(3, "0")}`);
    for (const body of bodies) await queue.send(body);
    const children = [1, 2, 3, 4].map(() => startChild(script, [folder, "all"]));
    await Promise.all(children.map(({ ended }) => ended));
    expect(children.flatMap(({ lines }) => lines).sort()).toEqual(bodies);
    expect(await queue.counts()).toEqual({ ready: 0, inFlight: 0, deadLetters: 0 });
  });

  it("delivers again what a killed process had", async () => {
    const queue = new FileJobQueue(folder, { maxReceives: 3 });
    await queue.send("job");
    const child = startChild(script, [folder, "hold"]);
    await child.linesReach(1);
    child.process.kill("SIGKILL");
    await child.ended;
    expect(await queue.receive({ visibilityTimeoutSeconds: 1 })).toEqual([]);
    const later = new FileJobQueue(folder, { maxReceives: 3, nowMs: () => Date.now() + 601_000 });
    expect(await later.receive({ visibilityTimeoutSeconds: 1 })).toMatchObject([{ body: "job", receiveCount: 2 }]);
  });

  it("delivers no half-sent job, and is rid of it an hour later", async () => {
    const [old, fresh] = ["1.tmp", "2.tmp"].map((name) => path.join(folder, name));
    await writeFile(old, "ha");
    await writeFile(fresh, "ha");
    const longAgo = new Date(Date.now() - 2 * 3_600_000);
    await utimes(old, longAgo, longAgo);
    const queue = new FileJobQueue(folder, { maxReceives: 3 });
    expect(await queue.receive({ visibilityTimeoutSeconds: 1 })).toEqual([]);
    expect(await readdir(folder)).toEqual(["2.tmp"]);
  });

  it("that cannot be written is named in the error, with the way out", async () => {
    const blocked = path.join(folder, "file");
    await writeFile(blocked, "a file stands where the folder should be");
    const sending = new FileJobQueue(blocked, { maxReceives: 3 }).send("job");
    await expect(sending).rejects.toMatchObject({ code: "JOB_NOT_SENT" });
    await expect(sending).rejects.toThrow(/Choose a folder/);
  });
});

describe("the number of receives before a job is a dead letter", () => {
  it.each([0, 1.5, 1001, Number.NaN])("is refused when it is %s", (maxReceives) => {
    expect(() => new MemoryJobQueue({ maxReceives })).toThrow(expect.objectContaining({ code: "JOB_INVALID" }));
    expect(() => new FileJobQueue("jobs", { maxReceives })).toThrow(expect.objectContaining({ code: "JOB_INVALID" }));
  });
});
