import { beforeAll, describe, expect, it } from "vitest";
import { startUntrainedItems, trainedItems, withListedItems } from "../../src/app/new-items.ts";
import type { ItemDetails } from "../../src/core/ratings.ts";
import type { Sample } from "../../src/core/sample.ts";
import type { TrainedModel } from "../../src/ncf/model.ts";
import { createScorer } from "../../src/ncf/wasm/scorer.ts";
import { detailsOf, twoTastesModel } from "./serving/two-tastes.ts";

let model: TrainedModel;
let sample: Sample;
let details: ItemDetails[];
beforeAll(async () => {
  ({ model, sample } = await twoTastesModel());
  details = detailsOf(sample);
});

/** The user's score of each item, by id. */
function scoresOf(of: TrainedModel, { itemIds }: Sample, user: number): Map<number, number> {
  const scores = new Float64Array(itemIds.length);
  createScorer(of).score(user, Int32Array.from(itemIds.keys()), scores);
  return new Map(Array.from(itemIds, (id, i) => [id, scores[i]]));
}

describe("listed items", () => {
  // Between the sample's ids, and after them.
  const added: ItemDetails[] = [
    { id: 40.5, title: "New red film", genres: ["Drama"] },
    { id: 2 ** 52, title: "New blue film", genres: ["Comedy"] },
    { id: 0, title: "Of no genre", genres: [] },
  ];

  it("join the catalogue by id, leave trained items' scores as they are, and start from their genres", () => {
    const extended = withListedItems(model, sample, [...details, ...added]);
    expect([...extended.sample.itemIds]).toEqual(
      [...sample.itemIds, ...added.map(({ id }) => id)].sort((a, b) => a - b),
    );
    const itemId = (of: Sample, i: number) => of.itemIds[of.train.items[i]];
    for (let i = 0; i < sample.train.items.length; i += 7) expect(itemId(extended.sample, i)).toBe(itemId(sample, i));
    expect(Array.from(extended.sample.testItems, (item) => extended.sample.itemIds[item])).toEqual(
      Array.from(sample.testItems, (item) => sample.itemIds[item]),
    );
    const [reds, blues] = [0, 1].map((user) => scoresOf(extended.model, extended.sample, user));
    for (const [id, score] of scoresOf(model, sample, 0)) expect(reds.get(id)).toBe(score);
    const preference = (scores: Map<number, number>) => (scores.get(40.5) ?? 0) - (scores.get(2 ** 52) ?? 0);
    expect(preference(reds)).toBeGreaterThan(0.2);
    expect(preference(blues)).toBeLessThan(-0.2);
  });

  it("of the sample that nobody has touched in training start from their genres, too", () => {
    const untouched: Sample = {
      ...sample,
      train: { ...sample.train, items: sample.train.items.map((item) => (item === 4 ? 6 : item)) },
    };
    const started = startUntrainedItems(model, trainedItems(untouched), details);
    const [before, after] = [model, started].map((of) => scoresOf(of, sample, 0));
    for (const [id, score] of before) {
      if (id === 5) expect(after.get(id)).not.toBe(score);
      else expect(after.get(id)).toBe(score);
    }
    expect(startUntrainedItems(model, trainedItems(sample), details)).toBe(model);
  });
});
