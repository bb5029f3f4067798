import { describe, expect, it } from "vitest";
import { attributesOf, createAttributeProfile } from "../../src/ncf/attribute-profile.ts";

describe("attributes", () => {
  it("are the genres and the five years of release, where the title tells the year", () => {
    expect(attributesOf({ title: "Heat (1995)", genres: ["Action", "Crime"] })).toEqual([
      "Action",
      "Crime",
      "released from 1995",
    ]);
    expect(attributesOf({ title: "2001 (A Space Odyssey) (1969) ", genres: [] })).toEqual(["released from 1965"]);
    expect(attributesOf({ title: "Babylon 5", genres: ["Sci-Fi"] })).toEqual(["Sci-Fi"]);
  });
});

describe("an attribute profile", () => {
  // What the score is multiplied with on its way into a logit.
  const weight = 0.5;
  const attributes = [["a"], ["a"], ["b"], ["b", "c"], [], ["a"], ["a", "b"], ["unheard of"]];
  const everything = Int32Array.from(attributes.keys());
  const scoresOf = (history: readonly number[], trained = attributes.length): Float64Array => {
    const scores = new Float64Array(attributes.length);
    createAttributeProfile(attributes, trained).addTo(scores, Int32Array.from(history), everything);
    return scores.map((score) => score / weight);
  };

  it("tells nothing without a history", () => {
    for (const score of scoresOf([])) expect(score).toBe(0);
  });

  it("is the logarithm of the likelihood ratio", () => {
    const scores = scoresOf([2, 0], 4);
    // Shares of the first four items by Laplace's rule: a and b 3/6, c 2/6, unheard of 1/6; weights 2^(−1/8) and 1.
    const older = 2 ** (-1 / 8);
    const p = [2 + 1, 2 + older, 4 / 3, 4 / 6].map((sum) => sum / (4 + 1 + older));
    const q = [1 / 2, 1 / 2, 1 / 3, 1 / 6];
    const expected = (has: readonly boolean[]): number =>
      has.reduce((sum, own, g) => sum + Math.log(own ? p[g] / q[g] : (1 - p[g]) / (1 - q[g])), 0);
    expect(scores[3]).toBeCloseTo(expected([false, true, true, false]), 12);
    expect(scores[4]).toBeCloseTo(expected([false, false, false, false]), 12);
    expect(scores[5]).toBeCloseTo(expected([true, false, false, false]), 12);
    expect(scores[7]).toBeCloseTo(expected([false, false, false, true]), 12);
  });

  it("prefers what the newest items have", () => {
    const [firstA, , firstB] = scoresOf([2, 2, 2, 0, 0, 0]);
    expect(firstA).toBeGreaterThan(firstB);
    const scores = scoresOf([0, 0, 0, 2, 2, 2]);
    expect(scores[2]).toBeGreaterThan(scores[0]);
    const newest = Array.from({ length: 64 }, (_, i) => i % 3);
    expect(scoresOf([3, 3, 3, ...newest])).toEqual(scoresOf(newest));
  });

  it("adds to the logits that are there", () => {
    const [logits, alone] = [Float64Array.of(3, -2), new Float64Array(2)];
    const profile = createAttributeProfile(attributes, attributes.length);
    const [history, items] = [Int32Array.of(3, 1), Int32Array.of(2, 7)];
    profile.addTo(logits, history, items);
    profile.addTo(alone, history, items);
    expect([...logits]).toEqual([3 + alone[0], -2 + alone[1]]);
  });
});
