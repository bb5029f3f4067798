import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FileObjectStore } from "../../src/adapters/local/file-object-store.ts";
import { RunProgressWriter } from "../../src/app/worker/run-progress.ts";
import { writeRunFailure, writeRunResult } from "../../src/app/worker/run-records.ts";
import { NcfError } from "../../src/core/errors.ts";
import { noMetrics } from "../../src/ports/metrics.ts";
import { ncf, startNcf } from "./ncf.ts";

let folder: string;
let store: FileObjectStore;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "ncf-runs-"));
  store = new FileObjectStore(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const progressOf = (runId: string): RunProgressWriter =>
  new RunProgressWriter(
    { store, metrics: noMetrics, nowMs: Date.now, tell: () => {} },
    { runId, worker: "w1", delivery: 1, everyMs: 0 },
  );
const finished = { version: "v1", champion: "v1", worker: "w1", finishedAtMs: 1 };

describe("ncf runs", () => {
  it("shows each run: waiting, training, failed, handed on, finished", async () => {
    expect((await ncf(["runs", "--store", folder])).stdout).toBe("No runs yet.\n");
    await store.put("runs/a/request.json", new TextEncoder().encode("{}"));
    const training = progressOf("b");
    training.start("Training mf", 200, "samples").update(90, "epoch 1/2, loss 0.5");
    await training.end("running");
    const error = new NcfError("SAMPLE_NOT_FOUND", "expected a sample, found none");
    await writeRunFailure(store, { runId: "c", jobId: "j", delivery: 3, worker: "w1", failedAtMs: 1, error });
    await progressOf("d").end("handedOn", "SIGTERM came");
    await writeRunResult(store, { runId: "e", ...finished });
    const { stdout, code } = await ncf(["runs", "--store", folder]);
    expect(code).toBe(0);
    const [a, b, c, d, e] = stdout.trimEnd().split("\n");
    expect(a).toBe("a  waits for a worker");
    expect(b).toMatch(/^b {2}Training mf {2}45 % {2}epoch 1\/2, loss 0\.5 {2}\(w1, [\d.]+ s ago\)$/);
    expect(c).toBe("c  failed at delivery 3: expected a sample, found none");
    expect(d).toMatch(/^d {2}waits for another worker {2}\(w1 handed it on [\d.]+ s ago: SIGTERM came\)$/);
    expect(e).toBe("e  finished: version v1");

    const { runs } = JSON.parse((await ncf(["runs", "b", "--store", folder, "--json"])).stdout);
    expect(runs).toMatchObject([{ runId: "b", progress: { done: 90, total: 200 }, result: null, failure: null }]);
    const unknown = await ncf(["runs", "x", "--store", folder]);
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('found "x"') });
    expect((await ncf(["runs"])).code).toBe(2);
  });

  it("follows a run until it is finished", async () => {
    const { outcome } = startNcf(["runs", "f", "--store", folder, "--follow"]);
    const progress = progressOf("f");
    progress.start("Training mf", 100, "samples").update(20);
    await progress.end("running");
    await writeRunResult(store, { runId: "f", ...finished });
    const { code, stdout } = await outcome;
    expect(code).toBe(0);
    expect(stdout.trimEnd().split("\n").at(-1)).toBe("f  finished: version v1");
  });
});
