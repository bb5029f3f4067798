import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ItemKnnSettings, itemKnn, itemKnnRecency } from "../../src/baselines/item-knn.ts";
import { OnlineItemKnn } from "../../src/baselines/online-item-knn.ts";
import { sampleOfHistories } from "../core/sample-of-histories.ts";

const catalogueSize = 10;
const items = Int32Array.from({ length: catalogueSize }, (_, item) => item);
const histories = fc.array(fc.uniqueArray(fc.nat(catalogueSize - 1), { maxLength: 8 }), { minLength: 1, maxLength: 8 });

/** The formula over pairs of items, as the docstring writes it. */
function pairwise(
  all: readonly (readonly number[])[],
  history: readonly number[],
  { neighbours, shrinkage, recency, fitRecency }: ItemKnnSettings,
): number[] {
  const users = (item: number): number => all.filter((own) => own.includes(item)).length;
  const similarity = (i: number, j: number): number =>
    all
      .filter((own) => own.includes(i) && own.includes(j))
      .reduce((sum, own) => sum + (1 + Math.abs(own.indexOf(i) - own.indexOf(j))) ** -fitRecency, 0) /
    Math.sqrt((users(i) + shrinkage) * (users(j) + shrinkage) || 1);
  const nearest = (j: number): number[] =>
    [...items]
      .filter((i) => i !== j && similarity(i, j) > 0)
      .sort((a, b) => similarity(b, j) - similarity(a, j) || a - b)
      .slice(0, neighbours);
  return [...items].map((i) =>
    history.reduce(
      (sum, j, place) => sum + (nearest(j).includes(i) ? (history.length - place) ** -recency * similarity(i, j) : 0),
      0,
    ),
  );
}

async function scores(
  all: readonly (readonly number[])[],
  history: readonly number[],
  settings: ItemKnnSettings,
): Promise<number[]> {
  const model = await itemKnn.fit({ sample: sampleOfHistories(all, catalogueSize), attributes: [] }, settings);
  const found = new Float64Array(catalogueSize);
  model.scoreHistory(Int32Array.from(history), items, found);
  return [...found];
}

describe("item-knn", () => {
  it.each([
    { neighbours: catalogueSize, shrinkage: 2, recency: 0, fitRecency: 0 },
    { neighbours: 3, shrinkage: 0, recency: 0, fitRecency: 0 },
    { neighbours: catalogueSize, shrinkage: 1, recency: 1, fitRecency: 0.7 },
  ])("gives the formula over pairs of items for any histories: %o", async (settings) => {
    await fc.assert(
      fc.asyncProperty(histories, async (all) => {
        const expected = pairwise(all, all[0], settings);
        (await scores(all, all[0], settings)).forEach((score, item) => {
          expect(score).toBeCloseTo(expected[item], 5);
        });
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  it("learns at once what it learns one by one", async () => {
    const shrinkage = 2;
    const settings = { neighbours: catalogueSize, shrinkage, recency: 0, fitRecency: 0 };
    await fc.assert(
      fc.asyncProperty(histories, async (all) => {
        const online = new OnlineItemKnn(shrinkage);
        all.forEach((history, user) => {
          for (const item of history) online.learn(user, item, 0);
        });
        const expected = new Float64Array(catalogueSize);
        online.score(0, items, expected);
        (await scores(all, all[0], settings)).forEach((score, item) => {
          // An item of the history resembles itself; the neighbours leave it out.
          if (!all[0].includes(item)) expect(score).toBeCloseTo(expected[item], 5);
        });
      }),
      { seed: 2, numRuns: 100 },
    );
  });

  it("prefers, with order, what follows the newest item, and what was taken close to it", async () => {
    const all = [
      [0, 1, 9, 8, 2],
      [3, 4, 7, 6, 5],
    ];
    const [, one, two, , four] = await scores(all, [3, 0], itemKnnRecency.defaults);
    expect(one).toBeGreaterThan(two);
    expect(one).toBeGreaterThan(four);
    const unordered = await scores(all, [3, 0], itemKnn.defaults);
    expect(unordered[1]).toBe(unordered[2]);
    expect(unordered[1]).toBe(unordered[4]);
  });

  it("stops a fit that is aborted", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    // Long enough for the event loop to get a turn: 4 histories of 3,000 items.
    const long = Array.from({ length: 4 }, () => Array.from({ length: 3000 }, (_, item) => item));
    const sample = sampleOfHistories(long, 3000);
    await expect(itemKnn.fit({ sample, attributes: [] }, itemKnn.defaults, { signal })).rejects.toThrow("enough");
  });
});
