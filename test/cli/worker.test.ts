import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FileJobQueue } from "../../src/adapters/local/file-job-queue.ts";
import { ncf, startNcf } from "./ncf.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "ncf-worker-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("ncf worker", () => {
  it("says why it cannot do a job, and leaves it to the dead letters", { timeout: 60_000 }, async () => {
    const jobs = path.join(folder, "jobs");
    const queue = new FileJobQueue(jobs, { maxReceives: 3 });
    await queue.send("no request");
    const args = ["worker", "--registry", path.join(folder, "registry"), "--jobs", jobs, "--once", "--json"];
    for (let delivery = 1; delivery <= 3; delivery++) {
      const { code, stdout, stderr } = await ncf(args);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toEqual({ trained: 0, nothingNew: 0, failed: 1 });
      expect(stderr).toContain('expected a training request, found "no request"');
    }
    expect(JSON.parse((await ncf(args)).stdout)).toMatchObject({ failed: 0 });
    expect((await queue.counts()).deadLetters).toBe(1);
  });

  it("ends on SIGTERM while it waits", { timeout: 60_000 }, async () => {
    const jobs = path.join(folder, "other-jobs");
    await new FileJobQueue(jobs, { maxReceives: 3 }).send("no request");
    const { child, outcome, stderrHas } = startNcf(["worker", "--registry", folder, "--jobs", jobs]);
    await stderrHas("delivery 3");
    child.kill("SIGTERM");
    expect(await outcome).toMatchObject({ code: 0, stdout: expect.stringContaining("3 failed") });
  });

  it("waits for a queue that is away, and says so", { timeout: 60_000 }, async () => {
    // Nothing listens on port 1.
    const queue = "http://127.0.0.1:1/000000000000/jobs";
    const env = { AWS_REGION: "eu-west-1", AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };
    const { child, outcome, stderrHas } = startNcf(["worker", "--registry", folder, "--jobs", queue], {
      ...env,
      AWS_ENDPOINT_URL: "http://127.0.0.1:1",
    });
    await stderrHas("Trying again in 1.0 s");
    child.kill("SIGTERM");
    expect(await outcome).toMatchObject({ code: 0, stdout: expect.stringContaining("0 trained") });
  });
});
