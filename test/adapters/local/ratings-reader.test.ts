import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readDataset } from "../../../src/adapters/local/ratings-reader.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ncf-ratings-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function write(path: string, content: string | Uint8Array): Promise<string> {
  const target = join(folder, path);
  await mkdir(join(target, ".."), { recursive: true });
  await writeFile(target, content);
  return target;
}

const header = "userId,movieId,rating,timestamp\n";

describe("MovieLens CSV", () => {
  const ratings = `${header}7,10,4.0,964982703\n7,30,0.5,964981247\n3,10,5,1112486027\n`;

  it("reads rows in file order with ids interned by first appearance", async () => {
    const path = await write("csv/ratings.csv", ratings);
    const { ratings: table, validation } = await readDataset(path);
    expect([...table.userIds]).toEqual([7, 3]);
    expect([...table.itemIds]).toEqual([10, 30]);
    expect([...table.user]).toEqual([0, 0, 1]);
    expect([...table.item]).toEqual([0, 1, 0]);
    expect([...table.rating]).toEqual([4, 0.5, 5]);
    expect([...table.timestampMs]).toEqual([964982703000, 964981247000, 1112486027000]);
    expect(validation).toMatchObject({
      source: "ratings.csv",
      format: "movielens-csv",
      ratingsSha256: createHash("sha256").update(ratings).digest("hex"),
      rowsRead: 3,
      rowsKept: 3,
      rowsRejected: 0,
      users: 2,
      items: 2,
      firstTimestampMs: 964981247000,
      lastTimestampMs: 1112486027000,
      itemsWithoutRatings: null,
    });
  });

  it("reads movies with quoted commas, doubled quotes and no genres", async () => {
    await write("movies/ratings.csv", ratings);
    await write(
      "movies/movies.csv",
      'movieId,title,genres\n10,"American President, The (1995)",Comedy|Drama\n30,"A ""quoted"" title",(no genres listed)\n40,Never rated,War\n',
    );
    const { items, validation } = await readDataset(join(folder, "movies"));
    expect(items).toEqual([
      { id: 10, title: "American President, The (1995)", genres: ["Comedy", "Drama"] },
      { id: 30, title: 'A "quoted" title', genres: [] },
      { id: 40, title: "Never rated", genres: ["War"] },
    ]);
    expect(validation.itemsWithoutRatings).toBe(1);
    expect(validation.itemsNotListed).toBe(0);
  });

  it("keeps the rows of selected users only, and reports on the whole file", async () => {
    const path = await write("select/ratings.csv", ratings);
    const { ratings: table, validation } = await readDataset(path, {
      selectUsers: (ids) => Uint8Array.from(ids, (id) => (id === 3 ? 1 : 0)),
    });
    expect([...table.userIds]).toEqual([3]);
    expect([...table.itemIds]).toEqual([10]);
    expect([...table.user]).toEqual([0]);
    expect(validation.rowsKept).toBe(3);
    expect(validation.users).toBe(2);
  });
});

const real = process.env.NCF_ML_LATEST_SMALL;

describe.skipIf(real === undefined)("ml-latest-small (skipped unless NCF_ML_LATEST_SMALL names its folder)", () => {
  it("gives the counts of its README", async () => {
    const { ratings, items, validation } = await readDataset(real as string);
    expect(ratings.length).toBe(100_836);
    expect(items).toHaveLength(9742);
    expect(validation).toMatchObject({
      ratingsSha256: "aa289ca83157595d0df6aea1be6a4ded676ddc4385472e8313a8ed9805352646",
      rowsRejected: 0,
      users: 610,
      items: 9724,
      itemsWithoutRatings: 18,
      itemsNotListed: 0,
      repeatedPairs: 0,
    });
  });
});
