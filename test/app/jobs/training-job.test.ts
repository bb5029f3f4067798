import { describe, expect, it } from "vitest";
import { parseTrainingJob, runIdOf, runPrefix } from "../../../src/app/jobs/training-job.ts";

const train = { kind: "train", runId: "r-1", samplePrefix: "samples/s1/", preset: "neumf", seed: 1, promote: "always" };
const request = {
  requestId: "v1-42",
  group: "g",
  baseVersion: "v1",
  ranges: { "0": { from: 0, to: 10 } },
  reason: "window",
  createdAtMs: 1,
};

describe("a training job", () => {
  it("is a training on a sample, or a tuning on a stream", () => {
    expect(parseTrainingJob(JSON.stringify(train))).toEqual(train);
    expect(parseTrainingJob(JSON.stringify({ kind: "tune", ...request }))).toEqual({ kind: "tune", ...request });
  });

  it("is a tuning where a stream sent its request as it is", () => {
    const job = parseTrainingJob(JSON.stringify(request));
    expect(job).toEqual({ kind: "tune", ...request });
    expect(runPrefix(runIdOf(job))).toBe("runs/v1-42/");
  });

  it.each([
    ["no JSON", "{"],
    ["another kind", JSON.stringify({ ...train, kind: "judge" })],
    ["a run's id that is a path", JSON.stringify({ ...train, runId: ".." })],
    ["a tuning whose id is a path", JSON.stringify({ ...request, requestId: "." })],
    ["an unknown preset", JSON.stringify({ ...train, preset: "gpt" })],
    ["a sample's prefix that is no folder", JSON.stringify({ ...train, samplePrefix: "/samples" })],
    ["a field too many", JSON.stringify({ ...train, extra: 1 })],
    ["JSON that is no object", "null"],
  ])("is refused as %s, with the way out", (_what, body) => {
    expect(() => parseTrainingJob(body)).toThrow(expect.objectContaining({ code: "TRAINING_JOB_INVALID" }));
    expect(() => parseTrainingJob(body)).toThrow(/send it again/);
  });
});
