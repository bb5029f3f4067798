import { describe, expect, it } from "vitest";
import { decayedPopularity, popularity, popularityOf } from "../../src/baselines/popularity.ts";
import { sampleOfHistories } from "../core/sample-of-histories.ts";

const days = 86_400_000;

describe("popularity", () => {
  const sample = sampleOfHistories([[0, 1], [1], [1, 2, 0]], 4);
  const items = Int32Array.of(3, 2, 1, 0);

  it("counts training interactions, the same for everybody", async () => {
    const model = await popularity.fit({ sample, attributes: [] }, popularity.defaults);
    const scores = new Float64Array(4);
    model.scoreHistory(Int32Array.of(2), items, scores);
    expect(scores).toEqual(Float64Array.of(0, 1, 3, 2));
    const atOnce = new Float64Array(4);
    popularityOf(sample).score(2, items, atOnce);
    expect(atOnce).toEqual(scores);
  });

  it("halves, decayed, with every half-life of age", async () => {
    const timestampsMs = Float64Array.of(0, 10, 20, 20, 0, 10).map((day) => day * days);
    const dated = { ...sample, train: { ...sample.train, timestampsMs } };
    const settings = { ...decayedPopularity.defaults, halfLifeDays: 10 };
    const model = await decayedPopularity.fit({ sample: dated, attributes: [] }, settings);
    const scores = new Float64Array(4);
    model.scoreHistory(new Int32Array(0), items, scores);
    // Item 0 on days 0 and 10, item 1 on 10, 20 and 20, item 2 on 0.
    const expected = [0, 1, 2 + 4 + 4, 1 + 2];
    scores.forEach((score, i) => {
      expect(score / scores[1]).toBeCloseTo(expected[i], 12);
    });
  });
});
