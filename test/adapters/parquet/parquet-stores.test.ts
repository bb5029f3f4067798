import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileObjectStore } from "../../../src/adapters/local/file-object-store.ts";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { ParquetDatasetStore } from "../../../src/adapters/parquet/parquet-dataset-store.ts";
import { ParquetSampleStore } from "../../../src/adapters/parquet/parquet-sample-store.ts";
import { rowGroupRows } from "../../../src/adapters/parquet/parquet-writer.ts";
import { leaveOneOut } from "../../../src/core/leave-one-out.ts";
import type { ItemDetails, RatingTable, ValidationReport } from "../../../src/core/ratings.ts";
import type { StoredDataset } from "../../../src/ports/dataset-store.ts";
import type { SampleFiles } from "../../../src/ports/sample-store.ts";

const aliceId = 2 ** 52 + 12345;

/** Users rate items in turn; user 1 is named by text, every 7th rating is missing, times go back before 1970. */
function ratingTable(users: number, perUser: number): RatingTable {
  const length = users * perUser;
  const row = (value: (i: number) => number) => Array.from({ length }, (_, i) => value(i));
  return {
    length,
    userIds: Float64Array.from({ length: users }, (_, user) => (user === 1 ? aliceId : 100 + user)),
    itemIds: Float64Array.from({ length: 50 }, (_, item) => 2 * item),
    userLabels: new Map(users > 1 ? [[aliceId, "alice"]] : []),
    itemLabels: new Map(),
    user: Int32Array.from(row((i) => Math.floor(i / perUser))),
    item: Int32Array.from(row((i) => i % 50)),
    timestampMs: Float64Array.from(row((i) => -5 + (i % perUser) * 86_400_001)),
    rating: Float32Array.from(row((i) => (i % 7 === 0 ? Number.NaN : (i % 10) / 2))),
  };
}

const items: ItemDetails[] = [
  { id: 0, title: "Amélie (2001)", genres: ["Comedy", "Romance"], tags: ["dreamy", "paris"] },
  { id: 2, title: "", genres: [] },
  { id: 999, title: "Never rated", genres: ["War"] },
];

function dataset(ratings: RatingTable): StoredDataset {
  const validation = { source: "test", rowsRead: ratings.length, rowsKept: ratings.length } as ValidationReport;
  return { name: "test", generated: true, ratings, items, validation };
}

function sampleFiles(ratings: RatingTable): SampleFiles {
  const chosen = new Uint8Array(ratings.userIds.length).fill(1);
  const { sample, counts } = leaveOneOut(ratings, chosen, { tieRule: "firstInFile", seed: 1, listedItemIds: null });
  const options = { fraction: 1, sampler: "hash", seed: 1, tieRule: "firstInFile", catalogue: "sample" } as const;
  const size = { users: sample.userIds.length, items: sample.itemIds.length };
  const manifest = { dataset: "test", generated: true, ratingsSha256: "", options, counts: { ...counts, ...size } };
  return { sample, items: items.slice(0, 2), manifest: { ...manifest, sha256: "" } };
}

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ncf-parquet-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function query(sql: string): Promise<unknown[]> {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  await connection.run("SET TimeZone = 'UTC'");
  const rows = (await connection.runAndReadAll(sql)).getRowsJson();
  connection.closeSync();
  return rows[0] as unknown[];
}

describe("data sets", () => {
  it("come back as they were written", async () => {
    const written = dataset(ratingTable(30, 20));
    const store = new ParquetDatasetStore(new MemoryObjectStore(), "dataset");
    await store.write(written);
    expect(await store.read()).toEqual(written);
  });

  it("open in DuckDB with the same counts, missing ratings and times", async () => {
    const { ratings } = dataset(ratingTable(30, 20));
    await new ParquetDatasetStore(new FileObjectStore(folder), "dataset").write(dataset(ratings));
    const file = join(folder, "dataset/interactions.parquet");
    const columns = "count(*), count(rating), count(distinct userId), min(timestamp)::text, epoch_ms(max(timestamp))";
    const given = ratings.rating.filter((rating) => !Number.isNaN(rating)).length;
    expect(await query(`select ${columns}, typeof(any_value(timestamp)) from '${file}'`)).toEqual([
      "600",
      String(given),
      "30",
      "1969-12-31 23:59:59.995+00",
      String(Math.max(...ratings.timestampMs)),
      "TIMESTAMP WITH TIME ZONE",
    ]);
  });
});

describe("samples", () => {
  it("come back as they were written, over several row groups", async () => {
    const written = sampleFiles(ratingTable(6000, 25));
    expect(written.sample.train.items.length).toBeGreaterThan(rowGroupRows);
    const store = new ParquetSampleStore(new MemoryObjectStore(), "sample");
    await store.write(written);
    expect(await store.read()).toEqual(written);
  });

  it("keep users with a single rating, who have no test item", async () => {
    const written = sampleFiles(ratingTable(3, 1));
    expect([...written.sample.testItems]).toEqual([-1, -1, -1]);
    const store = new ParquetSampleStore(new MemoryObjectStore(), "sample");
    await store.write(written);
    expect(await store.read()).toEqual(written);
  });

  it("open in DuckDB grouped by user, oldest first, with the same counts and times", async () => {
    const written = sampleFiles(ratingTable(200, 20));
    await new ParquetSampleStore(new FileObjectStore(folder), "sample").write(written);
    const { train } = written.sample;
    const file = (name: string) => `'${join(folder, "sample", name)}'`;
    const latest = String(train.timestampsMs.reduce((a, b) => Math.max(a, b)));
    expect(await query(`select count(*), epoch_ms(max(timestamp)) from ${file("train.parquet")}`)).toEqual([
      String(train.items.length),
      latest,
    ]);
    const steps = `select userId - lag(userId) over w u, epoch_ms(timestamp) - lag(epoch_ms(timestamp)) over w t
      from (select *, file_row_number n from read_parquet(${file("train.parquet")}, file_row_number = true))
      window w as (order by n)`;
    expect(await query(`select count(*) from (${steps}) where u < 0 or (u = 0 and t < 0)`)).toEqual(["0"]);
    expect(await query(`select count(*), count(distinct userId) from ${file("test.parquet")}`)).toEqual(["200", "200"]);
    expect(await query(`select title, genres from ${file("items.parquet")} where itemId = 0`)).toEqual([
      "Amélie (2001)",
      "Comedy|Romance",
    ]);
  });
});

describe("damage", () => {
  async function written(): Promise<ParquetSampleStore> {
    const store = new ParquetSampleStore(new FileObjectStore(folder), "sample");
    await store.write(sampleFiles(ratingTable(50, 20)));
    return store;
  }

  it("rejects a missing sample", async () => {
    const store = new ParquetSampleStore(new FileObjectStore(folder), "sample");
    await expect(store.read()).rejects.toMatchObject({ code: "SAMPLE_NOT_FOUND" });
  });

  it("rejects a torn table", async () => {
    const store = await written();
    const path = join(folder, "sample/train.parquet");
    await writeFile(path, (await readFile(path)).subarray(0, 1000));
    await expect(store.read()).rejects.toMatchObject({ code: "FILE_DAMAGED" });
  });

  it("rejects a table of the same size with other bytes, wherever they are", async () => {
    const store = await written();
    const path = join(folder, "sample/train.parquet");
    const bytes = await readFile(path);
    for (let position = 0; position < bytes.length; position += Math.ceil(bytes.length / 40)) {
      const altered = Buffer.from(bytes);
      altered[position] ^= 0x55;
      await writeFile(path, altered);
      await expect(store.read()).rejects.toMatchObject({ code: "FILE_DAMAGED" });
    }
  });

  it("rejects a missing table, a torn manifest, a foreign one and one of a later version", async () => {
    const store = await written();
    const path = join(folder, "sample/manifest.json");
    const manifest = await readFile(path, "utf8");
    await writeFile(path, manifest.slice(0, 200));
    await expect(store.read()).rejects.toMatchObject({ code: "FILE_DAMAGED" });
    await writeFile(path, manifest.replace('"ncf-sample"', '"other"'));
    await expect(store.read()).rejects.toMatchObject({ code: "FILE_FOREIGN" });
    await writeFile(path, manifest.replace('"formatVersion": 1', '"formatVersion": 2'));
    await expect(store.read()).rejects.toMatchObject({ code: "FILE_VERSION", message: expect.stringContaining("2") });
    await writeFile(path, manifest);
    await rm(join(folder, "sample/test.parquet"));
    await expect(store.read()).rejects.toMatchObject({ code: "FILE_DAMAGED" });
  });

  it("leaves no manifest behind when writing over a sample fails half-way", async () => {
    const store = await written();
    const files = sampleFiles(ratingTable(50, 20));
    const broken = { ...files.sample, train: { ...files.sample.train, timestampsMs: null as unknown as Float64Array } };
    await expect(store.write({ ...files, sample: broken })).rejects.toThrow();
    await expect(store.read()).rejects.toMatchObject({ code: "SAMPLE_NOT_FOUND" });
  });
});
