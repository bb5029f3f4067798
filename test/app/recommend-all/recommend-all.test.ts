import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, expect, it } from "vitest";
import { FileObjectStore } from "../../../src/adapters/local/file-object-store.ts";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { parquetRecommendations } from "../../../src/adapters/parquet/recommendations-writer.ts";
import { userModelOf } from "../../../src/app/fitted-model.ts";
import { trainedItems } from "../../../src/app/new-items.ts";
import { recommend } from "../../../src/app/recommend.ts";
import { userRanker } from "../../../src/app/recommend-all/rank-users.ts";
import { type RecommendAllRequest, recommendAll } from "../../../src/app/recommend-all/recommend-all.ts";
import { itemKnn } from "../../../src/baselines/item-knn.ts";
import { labelOf } from "../../../src/core/ids.ts";
import type { UserModel } from "../../../src/core/user-model.ts";
import { createScorer } from "../../../src/ncf/wasm/scorer.ts";
import { noProgress } from "../../../src/ports/progress.ts";
import { checkerboard } from "../../core/checkerboard.ts";

const sample = checkerboard(3, 240, 40);
const users = sample.userIds.length;
let folder: string;
let model: UserModel;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ncf-all-"));
  const fitted = await itemKnn.fit({ sample, attributes: Array.from(sample.itemIds, () => []) }, itemKnn.defaults);
  model = userModelOf(createScorer, fitted, trainedItems(sample), []);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function runAll(name: string, request: Partial<RecommendAllRequest> = {}, parts = new MemoryObjectStore()) {
  const ranked: number[] = [];
  const lines: string[] = [];
  const asked = { sample, version: "v1", k: 10, ...request };
  const rank = userRanker(model, { ...sample, ...asked.sample }, asked.k);
  const result = await recommendAll(
    {
      parts,
      table: parquetRecommendations(new FileObjectStore(folder), name),
      progress: noProgress,
      log: (line) => lines.push(line),
      rank: async (from, to) => {
        ranked.push(to - from);
        return rank(from, to);
      },
      parallel: 2,
    },
    asked,
  );
  return { result, lines, parts, rankedUsers: ranked.reduce((sum, count) => sum + count, 0) };
}

async function rowsOf(name: string) {
  const connection = await (await DuckDBInstance.create()).connect();
  const reader = await connection.runAndReadAll(`select * from '${path.join(folder, name)}'`);
  return reader.getRowObjectsJson();
}

it("the table has each user's recommendations, best first, as a request for one user gives them", async () => {
  const { result } = await runAll("all.parquet");
  expect(result).toMatchObject({ users, rows: 10 * users, resumedUsers: 0 });
  const rows = await rowsOf("all.parquet");
  for (const user of [0, 1, 300, users - 1]) {
    const one = recommend({ sample, items: [] }, model, String(sample.userIds[user]), 10);
    expect(rows.slice(10 * user, 10 * user + 10)).toEqual(
      one.map(({ itemId, score }, i) => ({
        userId: String(sample.userIds[user]),
        rank: String(i + 1),
        itemId,
        score: Math.fround(score),
      })),
    );
  }
});

it("users with fewer unseen items have fewer rows, and ids that are no integers stand as text", async () => {
  const userLabels = new Map([[sample.userIds[1], "user one"]]);
  await runAll("few.parquet", { sample: { ...sample, userLabels }, k: 100 });
  const rows = await rowsOf("few.parquet");
  const unseen = sample.itemIds.length - 40;
  expect(rows).toHaveLength(unseen * users);
  expect(rows[unseen]).toMatchObject({ userId: "user one", rank: "1" });
  expect(rows[2 * unseen - 1]).toMatchObject({ userId: "user one", rank: String(unseen) });
  expect(rows[2 * unseen].userId).toBe(labelOf(sample.userIds[2], userLabels));
});

it("goes on with the parts of an earlier call, and starts anew for another model, k or damaged part", async () => {
  const { parts } = await runAll("first.parquet");
  const keys = await parts.list("part-");
  await parts.delete(keys[1]);
  await parts.put(keys[2], new Uint8Array(7));
  const again = await runAll("again.parquet", {}, parts);
  expect(again).toMatchObject({ rankedUsers: 256 + (users - 512), lines: [] });
  expect(again.result.resumedUsers).toBe(256);
  expect(await rowsOf("again.parquet")).toEqual(await rowsOf("first.parquet"));
  for (const request of [{ version: "v2" }, { k: 5 }]) {
    const { rankedUsers, lines } = await runAll("other.parquet", request, parts);
    expect({ rankedUsers, lines: lines.length }).toEqual({ rankedUsers: users, lines: 1 });
  }
});

it("refuses more rows than it could hold, and stops when told to", async () => {
  await expect(runAll("much.parquet", { k: 2 ** 20 })).rejects.toThrow(/Ask for fewer/);
  await expect(runAll("stop.parquet", { signal: AbortSignal.abort(new Error("stopped")) })).rejects.toThrow("stopped");
});
