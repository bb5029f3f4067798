import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { ingestUpload, isUpload } from "../../../src/app/uploads/ingest-upload.ts";
import { decodeJson } from "../../../src/core/json.ts";
import { zipFile } from "../../adapters/local/zip-file.ts";
import { bytesOf, inMemory, ratingsCsv, uploadDeps } from "./uploads.ts";

const maxBytes = 1_000_000;

describe("an upload", () => {
  it("becomes a data set named by its content, with the validation report and where it came from", async () => {
    const deps = inMemory();
    const csv = bytesOf(ratingsCsv(3));
    const { etag } = await deps.store.put("uploads/my ratings/ratings.csv", csv);
    const outcome = await ingestUpload(deps, { key: "uploads/my ratings/ratings.csv", maxBytes });
    const sha256 = createHash("sha256").update(csv).digest("hex");
    const datasetId = sha256.slice(0, 32);
    expect(outcome).toMatchObject({ kind: "ingested", datasetId, validation: { rowsKept: 15, users: 3, items: 5 } });
    const dataset = await deps.datasetsAt(`datasets/${datasetId}`).read();
    expect(dataset).toMatchObject({ name: "ratings.csv", generated: false, validation: { rowsRead: 15 } });
    expect(dataset.ratings.length).toBe(15);
    expect(decodeJson(await deps.store.get(`datasets/${datasetId}/upload.json`))).toEqual({
      key: "uploads/my ratings/ratings.csv",
      etag,
      bytes: csv.length,
      sha256,
    });
  });

  it("is read once, whatever its name the second time", async () => {
    const deps = inMemory();
    const zip = zipFile({
      "ml/ratings.csv": ratingsCsv(3),
      "ml/movies.csv": "movieId,title,genres\n1,One (1999),Drama\n",
    });
    await deps.store.put("uploads/ml.zip", zip);
    await deps.store.put("uploads/again.zip", zip);
    const first = await ingestUpload(deps, { key: "uploads/ml.zip", maxBytes });
    expect(first.kind).toBe("ingested");
    const reading = { ...deps, source: { read: () => Promise.reject(new Error("read twice")) } };
    const second = await ingestUpload(reading, { key: "uploads/again.zip", maxBytes });
    expect(second).toEqual({ kind: "known", datasetId: "datasetId" in first && first.datasetId });
  });

  it.each([
    ["no table", "uploads/picture.png", bytesOf("not\u0000ratings"), "ENCODING_UNSUPPORTED"],
    ["a broken zip", "uploads/ml.zip", zipFile({ "ratings.csv": ratingsCsv(2) }).subarray(0, 90), "ZIP_INVALID"],
    ["an empty file", "uploads/ratings.csv", new Uint8Array(), "RATINGS_EMPTY"],
    ["too many bytes", "uploads/big.csv", new Uint8Array(maxBytes + 1), "UPLOAD_TOO_LARGE"],
  ])("that is %s leaves the reason beside it, and is not tried again", async (_, key, content, code) => {
    const deps = inMemory();
    await deps.store.put(key, content);
    const outcome = await ingestUpload(deps, { key, maxBytes });
    const recordKey = `uploads-failed/${key.slice("uploads/".length)}.json`;
    expect(outcome).toMatchObject({ kind: "refused", code, recordKey });
    expect(decodeJson(await deps.store.get(recordKey))).toMatchObject({
      key,
      code,
      message: expect.stringMatching(/expected/),
    });
    expect((await deps.store.list("datasets/")).length).toBe(0);
  });

  it("that unpacks to more than allowed is refused while it is read", async () => {
    const deps = inMemory();
    const csv = ratingsCsv(60_000);
    const zip = zipFile({ "ratings.csv": csv });
    expect(zip.length).toBeLessThan(csv.length / 2);
    await deps.store.put("uploads/bomb.zip", zip);
    const outcome = await ingestUpload(deps, { key: "uploads/bomb.zip", maxBytes: Math.floor(csv.length / 2) });
    expect(outcome).toMatchObject({
      kind: "refused",
      code: "UPLOAD_TOO_LARGE",
      reason: expect.stringContaining("unpacked"),
    });
  });

  it("that is gone, or has a name that is no key, is refused", async () => {
    const deps = inMemory();
    expect(await ingestUpload(deps, { key: "uploads/gone.csv", maxBytes })).toMatchObject({ code: "OBJECT_NOT_FOUND" });
    const odd = await ingestUpload(deps, { key: "uploads//../x.csv", maxBytes });
    expect(odd).toMatchObject({
      code: "OBJECT_KEY_INVALID",
      recordKey: expect.stringMatching(/^uploads-failed\/[0-9a-f]{64}\.json$/),
    });
    await deps.store.put(`uploads/${"é".repeat(128)}.csv`, bytesOf(ratingsCsv(2)));
    const long = await ingestUpload(deps, { key: `uploads/${"é".repeat(128)}.csv`, maxBytes });
    expect(long).toMatchObject({ code: "UPLOAD_NAME_TOO_LONG", reason: expect.stringContaining("260") });
    const recorded = await ingestUpload(deps, { key: `uploads/${"x".repeat(252)}`, maxBytes });
    for (const { recordKey } of [long, recorded] as { recordKey: string }[]) {
      expect(recordKey).toMatch(/^uploads-failed\/[0-9a-f]{64}\.json$/);
      expect(await deps.store.head(recordKey)).not.toBe(null);
    }
    expect(["uploads/", "uploads/a/", "uploads/a.csv", "datasets/a.csv"].filter(isUpload)).toEqual(["uploads/a.csv"]);
  });

  it("that is replaced while it is read is tried again, and troubles of the store are no fault of the file", async () => {
    class Replaced extends MemoryObjectStore {
      override async getRange(key: string, start: number, end: number): Promise<Uint8Array> {
        const bytes = await super.getRange(key, start, end);
        await this.put(key, bytesOf("another"));
        return bytes;
      }
    }
    const deps = uploadDeps(new Replaced());
    await deps.store.put("uploads/a.csv", bytesOf(ratingsCsv(2)));
    const request = { key: "uploads/a.csv", maxBytes };
    await expect(ingestUpload(deps, request)).rejects.toMatchObject({ code: "UPLOAD_CHANGED", retriable: true });
    const stored = inMemory();
    await stored.store.put("uploads/a.csv", bytesOf(ratingsCsv(2)));
    const failing = {
      ...stored,
      datasetsAt: () => ({ write: () => Promise.reject(new Error("no answer")), read: () => Promise.reject() }),
    };
    await expect(ingestUpload(failing, request)).rejects.toThrow("no answer");
    expect(await stored.store.list("uploads-failed/")).toEqual([]);
  });
});
