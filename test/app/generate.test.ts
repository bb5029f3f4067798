import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { FileObjectStore } from "../../src/adapters/local/file-object-store.ts";
import { MemoryObjectStore } from "../../src/adapters/local/memory-object-store.ts";
import { readDataset } from "../../src/adapters/local/ratings-reader.ts";
import { generate } from "../../src/app/generate.ts";
import { noProgress } from "../../src/ports/progress.ts";

const request = { shape: "small", seed: 1, users: 100, movies: 400, ratings: 5000 } as const;

describe("generating files", () => {
  it("writes what the reader of MovieLens's format takes without a complaint", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "ncf-generate-"));
    try {
      const files = await generate({ store: new FileObjectStore(folder), progress: noProgress }, request);
      expect(files).toEqual(request);
      expect((await readdir(folder)).sort()).toEqual(["generated.json", "movies.csv", "ratings.csv"]);
      const { validation, items, ratings } = await readDataset(folder);
      expect(validation).toMatchObject({
        rowsKept: 5000,
        rowsRejected: 0,
        repeatedPairs: 0,
        ratingsOutsideScale: 0,
        itemsWithoutRatings: 1,
        itemsNotListed: 0,
        users: 100,
      });
      expect(items).toHaveLength(400);
      expect(ratings.length).toBe(5000);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("marks the folder as generated", async () => {
    const store = new MemoryObjectStore();
    await generate({ store, progress: noProgress }, request);
    expect(JSON.parse(new TextDecoder().decode(await store.get("generated.json")))).toEqual(request);
  });

  it("stops when told to, without a ratings.csv", async () => {
    const store = new MemoryObjectStore();
    const stop = new AbortController();
    const progress = { start: () => ({ update: () => stop.abort(), end: () => undefined }) };
    await expect(generate({ store, progress }, { ...request, signal: stop.signal })).rejects.toMatchObject({
      name: "AbortError",
    });
    expect(await store.head("ratings.csv")).toBeNull();
  });
});
