import { describe, expect, it } from "vitest";
import { createHandler as createIngest } from "../../lambdas/ingest.ts";
import { createHandler as createSample } from "../../lambdas/sample.ts";
import { parseTrainingJob } from "../../src/app/jobs/training-job.ts";
import { trainingOptionsSchema } from "../../src/app/uploads/training-options.ts";
import type { RatingsSource } from "../../src/ports/ratings-source.ts";
import { bytesOf, inMemory, ratingsCsv } from "../app/uploads/uploads.ts";
import { context, keeping, s3Event } from "./invocation.ts";

const options = trainingOptionsSchema.parse({ preset: "mf" });

describe("from an upload to a training request", () => {
  it("each Lambda does its part, once, whatever comes twice", async () => {
    const deps = inMemory();
    const observer = keeping();
    const ingest = createIngest({ ...deps, maxBytes: 1e6, observer });
    const sample = createSample({ ...deps, options, observer });
    await deps.store.put("uploads/my ratings + more.csv", bytesOf(ratingsCsv(6)));
    const uploaded = s3Event("bucket", "uploads/my ratings + more.csv", "uploads/");
    await ingest(uploaded, context);
    await ingest(uploaded, context);
    const records = (await deps.store.list("datasets/")).filter((key) => key.endsWith("/ingest.json"));
    expect(records).toHaveLength(1);
    await sample(s3Event("bucket", ...records, "datasets/x/users.parquet"), context);
    await sample(s3Event("bucket", ...records), context);
    const jobs = await deps.requests.receive({ max: 10, visibilityTimeoutSeconds: 1 });
    expect(jobs.map(({ body }) => parseTrainingJob(body))).toMatchObject([{ kind: "train", preset: "mf" }]);
    expect(observer.events.map(({ event }) => event)).toEqual([
      "uploadIngested",
      "uploadKnown",
      "trainingRequested",
      "trainingKnown",
    ]);
    expect(observer.events[0]).toMatchObject({ key: "uploads/my ratings + more.csv", rowsKept: 30, users: 6 });
  });

  it("a poison upload is refused with a record, and one that meets trouble is thrown back to be tried again", async () => {
    const deps = inMemory();
    const observer = keeping();
    await deps.store.put("uploads/poison.zip", bytesOf("PK\u0003\u0004 no zip"));
    await createIngest({ ...deps, maxBytes: 1e6, observer })(s3Event("bucket", "uploads/poison.zip"), context);
    expect(observer.events).toMatchObject([{ event: "uploadRefused", recordKey: "uploads-failed/poison.zip.json" }]);
    await deps.store.put("uploads/ratings.csv", bytesOf(ratingsCsv(2)));
    const uploads = { withFile: () => Promise.reject(new Error("the disk is full")) };
    const troubled = createIngest({ ...deps, uploads, maxBytes: 1e6, observer });
    await expect(troubled(s3Event("bucket", "uploads/ratings.csv"), context)).rejects.toThrow("the disk is full");
    expect(observer.errors).toHaveLength(1);
  });

  it("ignores S3's trial event, and says what it expected of another one", async () => {
    const observer = keeping();
    const ingest = createIngest({ ...inMemory(), maxBytes: 1, observer });
    await ingest({ Service: "Amazon S3", Event: "s3:TestEvent", Bucket: "bucket" }, context);
    await expect(ingest({ Records: [{ body: "{}" }] }, context)).rejects.toMatchObject({ code: "EVENT_INVALID" });
  });

  it("is told before its time is over", async () => {
    const observer = keeping();
    const deps = inMemory();
    await deps.store.put("uploads/a.csv", bytesOf(ratingsCsv(2)));
    let stopped = false;
    const source: RatingsSource = {
      read: (_, { signal } = {}) =>
        new Promise((_, reject) =>
          signal?.addEventListener("abort", () => {
            stopped = true;
            reject(signal.reason);
          }),
        ),
    };
    const stuck = createIngest({ ...deps, source, maxBytes: 1e6, observer });
    const hasty = { ...context, getRemainingTimeInMillis: () => 600 };
    await expect(stuck(s3Event("bucket", "uploads/a.csv"), hasty)).rejects.toMatchObject({ code: "TIMED_OUT" });
    expect(observer.events).toEqual([{ event: "timedOut" }]);
    expect(stopped).toBe(true);
    expect(await deps.store.list("uploads-failed/")).toEqual([]);
  });
});
