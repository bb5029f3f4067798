import { describe, expect, it } from "vitest";
import { parseTrainingJob } from "../../../src/app/jobs/training-job.ts";
import { ingestUpload } from "../../../src/app/uploads/ingest-upload.ts";
import { sampleDataset } from "../../../src/app/uploads/sample-dataset.ts";
import { trainingOptionsSchema } from "../../../src/app/uploads/training-options.ts";
import { datasetOfRecord } from "../../../src/app/uploads/upload-keys.ts";
import { decodeJson } from "../../../src/core/json.ts";
import { bytesOf, inMemory, ratingsCsv, uploadDeps } from "./uploads.ts";

const defaults = trainingOptionsSchema.parse({});

async function withDataset(csv: string) {
  const deps = inMemory();
  await deps.store.put("uploads/ratings.csv", bytesOf(csv));
  const outcome = await ingestUpload(deps, { key: "uploads/ratings.csv", maxBytes: 1e6 });
  if (outcome.kind !== "ingested") throw new Error("expected a data set");
  return { deps, datasetId: outcome.datasetId };
}

const received = async ({ requests }: ReturnType<typeof inMemory>) =>
  (await requests.receive({ max: 10, visibilityTimeoutSeconds: 60 })).map(({ body }) => parseTrainingJob(body));

describe("a data set", () => {
  it("becomes a sample, and one training request however often it comes", async () => {
    const { deps, datasetId } = await withDataset(ratingsCsv(10));
    const outcome = await sampleDataset(deps, datasetId, { ...defaults, fraction: 0.5, epochs: 2 });
    if (outcome.kind !== "requested") throw new Error("expected a request");
    const { sampleId, runId } = outcome;
    expect(await deps.samplesAt(`samples/${sampleId}`).read()).toMatchObject({
      manifest: { dataset: "ratings.csv", options: { fraction: 0.5 }, counts: { users: 5, testedUsers: 5 } },
    });
    expect(await sampleDataset(deps, datasetId, { ...defaults, fraction: 0.5, epochs: 2 })).toEqual({
      kind: "known",
      sampleId,
      runId,
    });
    expect(await received(deps)).toEqual([
      {
        kind: "train",
        runId,
        samplePrefix: `samples/${sampleId}/`,
        preset: "neumf",
        epochs: 2,
        seed: 1,
        promote: "always",
      },
    ]);
  });

  it("is sampled once for several trainings, and the same request is sent again where a crash left no note", async () => {
    const { deps, datasetId } = await withDataset(ratingsCsv(4));
    const first = await sampleDataset(deps, datasetId, defaults);
    const second = await sampleDataset(deps, datasetId, { ...defaults, preset: "mf" });
    expect(second).toMatchObject({ kind: "requested", drawn: false });
    if (first.kind !== "requested" || second.kind !== "requested") throw new Error("expected requests");
    expect(second.sampleId).toBe(first.sampleId);
    expect(second.runId).not.toBe(first.runId);
    await deps.store.delete(`samples/${first.sampleId}/requested/${first.runId}.json`);
    await sampleDataset(deps, datasetId, defaults);
    expect((await received(deps)).map((job) => job.kind === "train" && job.runId)).toEqual([
      first.runId,
      second.runId,
      first.runId,
    ]);
  });

  it("keeps its sample whole for readers while the same event, twice at once, draws it anew", async () => {
    const { deps, datasetId } = await withDataset(ratingsCsv(10));
    const first = await sampleDataset(deps, datasetId, defaults);
    if (first.kind !== "requested") throw new Error("expected a request");
    const samples = () => deps.samplesAt(`samples/${first.sampleId}`);
    const before = await samples().read();
    let reads = 0;
    // The other one looked before there was anything, and now writes what is there.
    const readEachTime = new Proxy(deps.store, {
      get: (of, name) => {
        const method = Reflect.get(of, name) as (...args: unknown[]) => Promise<unknown>;
        return async (...args: unknown[]) => {
          if (name === "head" && String(args[0]).startsWith("samples/")) return null;
          const done = await method.apply(of, args);
          if (name !== "get" && name !== "getRange" && name !== "head") {
            expect(await samples().read()).toEqual(before);
            reads += 1;
          }
          return done;
        };
      },
    });
    const other = { ...uploadDeps(readEachTime), requests: deps.requests };
    expect(await sampleDataset(other, datasetId, defaults)).toMatchObject({ kind: "requested", drawn: true });
    expect(reads).toBeGreaterThan(4);
    const [job, again, ...more] = await received(deps);
    expect(more).toEqual([]);
    expect(again).toEqual(job);
  });

  it("in which nobody can be tested is refused, with the reason in the store", async () => {
    const { deps, datasetId } = await withDataset(
      "userId,movieId,rating,timestamp\n1,1,4,1000000000\n2,1,4,1000000001\n",
    );
    const outcome = await sampleDataset(deps, datasetId, defaults);
    expect(outcome).toMatchObject({ kind: "refused", code: "DATA_TOO_SMALL" });
    const record = decodeJson(await deps.store.get(`samples/${outcome.sampleId}/refused.json`));
    expect(record).toMatchObject({ datasetId, code: "DATA_TOO_SMALL" });
    expect(await received(deps)).toEqual([]);
  });

  it("that is not there is an error", async () => {
    await expect(sampleDataset(inMemory(), "none", defaults)).rejects.toMatchObject({ code: "DATASET_NOT_FOUND" });
    expect([datasetOfRecord("datasets/ab/ingest.json"), datasetOfRecord("datasets/ab/upload.json")]).toEqual([
      "ab",
      null,
    ]);
  });
});
