import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OnlineItemKnn } from "../../src/baselines/online-item-knn.ts";

const shrinkage = 2;

/** The formula over pairs of items, as the literature writes it. */
function pairwise(histories: readonly (readonly number[])[], user: number, item: number): number {
  const users = (i: number): number => histories.filter((history) => history.includes(i)).length;
  const both = (i: number, j: number): number => histories.filter((h) => h.includes(i) && h.includes(j)).length;
  return histories[user].reduce(
    (sum, j) => sum + both(item, j) / Math.sqrt((users(item) + shrinkage) * (users(j) + shrinkage)),
    0,
  );
}

function scored(model: OnlineItemKnn, user: number, items: readonly number[]): number[] {
  const scores = new Float64Array(items.length);
  model.score(user, Int32Array.from(items), scores);
  return [...scores];
}

describe("item-knn", () => {
  it("gives the cosine formula over pairs of items, for any histories", () => {
    const histories = fc.array(fc.uniqueArray(fc.nat(11), { maxLength: 8 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(histories, (all) => {
        const model = new OnlineItemKnn(shrinkage);
        all.forEach((history, user) => {
          for (const item of history) model.learn(user, item, 0);
        });
        const items = Array.from({ length: 12 }, (_, item) => item);
        for (let user = 0; user < all.length; user++) {
          scored(model, user, items).forEach((score, item) => {
            expect(score).toBeCloseTo(pairwise(all, user, item), 10);
          });
        }
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it("recommends the other colour's squares to nobody on a checkerboard", () => {
    const model = new OnlineItemKnn();
    for (let user = 0; user < 20; user++) {
      for (let item = user % 2; item < 20; item += 2) if (item !== user) model.learn(user, item, 0);
    }
    for (let user = 0; user < 20; user++) {
      const [own, other] = scored(model, user, [user, (user + 1) % 20]);
      expect(own).toBeGreaterThan(other);
      expect(other).toBe(0);
    }
  });

  it("takes an interaction into account at once, and users that it has never seen", () => {
    const model = new OnlineItemKnn();
    model.learn(0, 1, 0);
    model.learn(0, 2, 0);
    expect(scored(model, 5000, [1, 2])).toEqual([0, 0]);
    model.learn(5000, 1, 0);
    expect(scored(model, 5000, [2])[0]).toBeGreaterThan(0);
  });
});
