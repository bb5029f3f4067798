import { describe, expect, it } from "vitest";
import { pairwiseWeights } from "../../src/baselines/pairwise-weights.ts";

describe("pairwise weights", () => {
  it("are the logarithm of the odds for one feature that is on or off", () => {
    // Without a ridge: of 100 pairs with a difference of 1, 80 say yes.
    const differences = Float64Array.from({ length: 100 }, (_, pair) => (pair < 80 ? 1 : -1));
    expect(pairwiseWeights(differences, 1, 1e-9)[0]).toBeCloseTo(Math.log(4), 6);
  });

  it("do not depend on a feature's unit, and lie nearer to 0 with a greater ridge", () => {
    const differences = (unit: number): Float64Array =>
      Float64Array.from({ length: 300 }, (_, at) =>
        at % 2 === 0 ? unit * Math.sin(at) : Math.cos(7 * at) + 0.4 * Math.sin(at - 1),
      );
    const small = pairwiseWeights(differences(1), 2, 1);
    const large = pairwiseWeights(differences(1000), 2, 1);
    expect(large[0] * 1000).toBeCloseTo(small[0], 8);
    expect(large[1]).toBeCloseTo(small[1], 8);
    expect(Math.abs(pairwiseWeights(differences(1), 2, 1000)[1])).toBeLessThan(Math.abs(small[1]));
  });

  it("are 0 where nothing tells the items apart, or there are no pairs", () => {
    expect(pairwiseWeights(new Float64Array(20), 2, 1)).toEqual(new Float64Array(2));
    expect(pairwiseWeights(new Float64Array(0), 2, 1)).toEqual(new Float64Array(2));
  });
});
