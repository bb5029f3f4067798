import { beforeAll, describe, expect, it } from "vitest";
import { explainScores } from "../../src/app/explain.ts";
import { explainForUser } from "../../src/app/explain-user.ts";
import { userModelOf } from "../../src/app/fitted-model.ts";
import { trainedItems } from "../../src/app/new-items.ts";
import { itemKnn } from "../../src/baselines/item-knn.ts";
import type { ItemDetails } from "../../src/core/ratings.ts";
import type { Sample } from "../../src/core/sample.ts";
import type { UserModel } from "../../src/core/user-model.ts";
import { createScorer } from "../../src/ncf/wasm/scorer.ts";
import { detailsOf, twoTastesModel } from "./serving/two-tastes.ts";

let sample: Sample;
let details: ItemDetails[];
/** By kind: a network with its profile, and a baseline. */
let models: { readonly mf: UserModel; readonly knn: UserModel };
beforeAll(async () => {
  const trained = await twoTastesModel();
  sample = trained.sample;
  details = detailsOf(sample);
  const attributes = Array.from(sample.itemIds, () => []);
  const knn = await itemKnn.fit({ sample, attributes }, itemKnn.defaults);
  const [mf, baseline] = [trained.model, knn].map((model) =>
    userModelOf(createScorer, model, trainedItems(sample), details),
  );
  models = { mf, knn: baseline };
});

describe("an explanation", () => {
  // Even indices are of one taste, odd ones of the other.
  const history = Int32Array.of(0, 1, 2, 3, 4, 5);

  it.each(["mf", "knn"] as const)("gives each item's effect: the score less the score without it (%s)", (name) => {
    const model = models[name];
    const scoreOf = (part: Int32Array, item: number): number => {
      const scores = new Float64Array(1);
      model.scoreFolded(model.fold(part, -1), part, Int32Array.of(item), scores);
      return scores[0];
    };
    const explained = explainScores(model, { history, user: -1 }, Int32Array.of(20, 31));
    for (const [i, item] of [20, 31].entries()) {
      const { score, reasons } = explained[i];
      expect(score).toBe(scoreOf(history, item));
      expect(reasons.map((reason) => reason.item).sort()).toEqual([...history]);
      for (const reason of reasons) {
        const without = history.filter((one) => one !== reason.item);
        expect(reason.effect).toBe(score - scoreOf(without, item));
      }
      const effects = reasons.map(({ effect }) => effect);
      expect(effects).toEqual(effects.toSorted((a, b) => b - a));
    }
  });

  it.each(["mf", "knn"] as const)("names what is of the item's own taste first (%s)", (name) => {
    for (const item of [20, 31]) {
      const [{ reasons }] = explainScores(models[name], { history, user: -1 }, Int32Array.of(item));
      const first = reasons.slice(0, 3);
      expect(first.map((reason) => reason.item % 2)).toEqual([item % 2, item % 2, item % 2]);
      expect(first.every(({ effect }) => effect > 0)).toBe(true);
    }
  });

  it("leaves out the newest items alone where it is told how many", () => {
    const [{ reasons }] = explainScores(models.knn, { history, user: -1 }, Int32Array.of(20), 2);
    expect(reasons.map(({ item }) => item).sort()).toEqual([4, 5]);
    const [nobody] = explainScores(models.knn, { history: new Int32Array(0), user: -1 }, Int32Array.of(20));
    expect(nobody.reasons).toEqual([]);
  });

  it("says what genres and periods add to a network's score, and nothing for a baseline", () => {
    const ofOneTaste = Int32Array.of(0, 2, 4, 6, 8, 10);
    const [red, blue] = explainScores(models.mf, { history: ofOneTaste, user: -1 }, Int32Array.of(20, 31));
    expect(red.attributes).toBeGreaterThan(0.1);
    expect(blue.attributes).toBeLessThan(-0.1);
    expect(explainScores(models.knn, { history: ofOneTaste, user: -1 }, Int32Array.of(20))[0].attributes).toBe(0);
  });

  it("of a user of the sample is in titles, and counts an item that they have as if they had not", () => {
    const { offsets, items } = sample.train;
    const own = items.subarray(offsets[0], offsets[1]);
    const unseen = [...sample.itemIds.keys()].find(
      (item) => item % 2 === 0 && !own.includes(item) && item !== sample.testItems[0],
    );
    const explained = explainForUser({ sample, items: details }, models.mf, "1", String(sample.itemIds[unseen ?? 0]));
    expect(explained).toMatchObject({ userId: "1", model: "mf", inHistory: false, title: details[unseen ?? 0].title });
    expect(explained.reasons).toHaveLength(own.length + 1);
    expect(explained.reasons[0].title).toMatch(/^Red film/);
    expect(explained.servedScore).not.toBe(explained.score);
    const had = explainForUser({ sample, items: details }, models.mf, "1", String(sample.itemIds[own[3]]));
    expect(had.inHistory).toBe(true);
    expect(had.reasons.map(({ itemId }) => itemId)).not.toContain(had.itemId);
  });

  it("refuses users and items that the sample lacks, naming some that it has", () => {
    const of = (user: string, item: string) => () => explainForUser({ sample, items: details }, models.mf, user, item);
    expect(of("nobody", "1")).toThrow(/"nobody".*such as 1/);
    expect(of("1", "nothing")).toThrow(/"nothing".*such as 1/);
  });
});
