import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type UserKnnSettings, userKnn, userKnnRecency } from "../../src/baselines/user-knn.ts";
import { sampleOfHistories } from "../core/sample-of-histories.ts";

const catalogueSize = 10;
const items = Int32Array.from({ length: catalogueSize }, (_, item) => item);
const history = fc.uniqueArray(fc.nat(catalogueSize - 1), { maxLength: 8 });

/** The formula as the docstring writes it, over all users. */
function bruteForce(
  all: readonly (readonly number[])[],
  asked: readonly number[],
  settings: UserKnnSettings,
): number[] {
  const { neighbours, shrinkage, amplification, discount, recency } = settings;
  const weight = (place: number): number => (asked.length - place) ** -recency;
  const square = asked.reduce((sum, _, place) => sum + weight(place) ** 2, 0);
  const similarity = (other: readonly number[]): number =>
    asked.reduce((sum, item, place) => sum + (other.includes(item) ? weight(place) : 0), 0) /
    Math.sqrt((square + shrinkage) * (other.length + shrinkage) || 1);
  const nearest = all
    .filter((other) => other.some((item) => !asked.includes(item)) && similarity(other) > 0)
    .sort((a, b) => similarity(b) - similarity(a))
    .slice(0, neighbours);
  return [...items].map(
    (item) =>
      nearest
        .filter((other) => other.includes(item))
        .reduce((sum, other) => sum + similarity(other) ** amplification, 0) /
      (all.filter((other) => other.includes(item)).length + 1) ** discount,
  );
}

async function scores(
  all: readonly (readonly number[])[],
  asked: readonly number[],
  settings: UserKnnSettings,
): Promise<number[]> {
  const model = await userKnn.fit({ sample: sampleOfHistories(all, catalogueSize), attributes: [] }, settings);
  const found = new Float64Array(catalogueSize);
  model.scoreHistory(Int32Array.from(asked), items, found);
  return [...found];
}

describe("user-knn", () => {
  it.each([
    { neighbours: 100, shrinkage: 0, amplification: 1, discount: 0, recency: 0 },
    { neighbours: 3, shrinkage: 2, amplification: 3, discount: 0.5, recency: 0 },
    { neighbours: 3, shrinkage: 1, amplification: 2, discount: 0.25, recency: 1 },
  ])("gives the formula over all users for any histories: %o", async (settings) => {
    await fc.assert(
      fc.asyncProperty(fc.array(history, { minLength: 1, maxLength: 8 }), history, async (all, asked) => {
        const expected = bruteForce(all, asked, settings);
        (await scores(all, asked, settings)).forEach((score, item) => {
          expect(score).toBeCloseTo(expected[item], 10);
        });
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  it("learns nothing from whoever has nothing beside the history, as its own user", async () => {
    const all = [[0, 1], [0, 1, 2], [0]];
    expect((await scores(all, [0, 1], { ...userKnn.defaults, neighbours: 1 }))[2]).toBeGreaterThan(0);
  });

  it("follows, with order, those who share the newest items", async () => {
    const all = [
      [0, 8],
      [1, 9],
    ];
    const ordered = await scores(all, [0, 1], userKnnRecency.defaults);
    expect(ordered[9]).toBeGreaterThan(ordered[8]);
    const unordered = await scores(all, [0, 1], userKnn.defaults);
    expect(unordered[9]).toBe(unordered[8]);
  });
});
