import { describe, expect, it } from "vitest";
import { contentBased } from "../../src/baselines/content-based.ts";
import { sampleOfHistories } from "../core/sample-of-histories.ts";

const attributes = [["a"], ["a"], ["b"], ["b", "c"], [], ["a", "b"]];

async function scores(history: readonly number[], recency = contentBased.defaults.recency): Promise<Float64Array> {
  const sample = sampleOfHistories([[0, 1]], attributes.length);
  const model = await contentBased.fit({ sample, attributes }, { prior: 4, recency });
  const found = new Float64Array(attributes.length);
  model.scoreHistory(Int32Array.from(history), Int32Array.from(found.keys()), found);
  return found;
}

describe("content-based", () => {
  it("is the logarithm of the likelihood ratio between the history's attributes and the catalogue's", async () => {
    const found = await scores([2, 0], 1);
    // Shares by Laplace's rule: a 4/8, b 4/8, c 2/8; weights 1/2 and 1.
    const q = [1 / 2, 1 / 2, 1 / 4];
    const p = [2 + 1, 2 + 1 / 2, 1].map((sum) => sum / (4 + 3 / 2));
    const expected = (has: readonly boolean[]): number =>
      has.reduce((sum, own, g) => sum + Math.log(own ? p[g] / q[g] : (1 - p[g]) / (1 - q[g])), 0);
    expect(found[1]).toBeCloseTo(expected([true, false, false]), 12);
    expect(found[3]).toBeCloseTo(expected([false, true, true]), 12);
    expect(found[4]).toBeCloseTo(expected([false, false, false]), 12);
  });

  it("tells nothing without a history, and follows the newest items with one", async () => {
    expect(await scores([])).toEqual(new Float64Array(attributes.length));
    const [a, , b] = await scores([0, 1, 2], 0);
    expect(a).toBeGreaterThan(b);
    const [afterwards, , newest] = await scores([0, 2, 3]);
    expect(newest).toBeGreaterThan(afterwards);
  });
});
