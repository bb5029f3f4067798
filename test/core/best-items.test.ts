import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bestPositions } from "../../src/core/best-items.ts";

describe("the best positions", () => {
  it("are those of a stable sort by falling score", () => {
    const score = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true }));
    fc.assert(
      fc.property(fc.array(score, { maxLength: 60 }), fc.nat(70), (list, count) => {
        const sorted = [...list.keys()].sort((a, b) => (list[a] < list[b] ? 1 : list[a] > list[b] ? -1 : a - b));
        expect(bestPositions(Float64Array.from(list), count)).toEqual(sorted.slice(0, count));
      }),
    );
  });

  it("do not exist where a score is no number", () => {
    expect(() => bestPositions(Float64Array.of(1, Number.NaN), 1)).toThrow(
      expect.objectContaining({ code: "SCORE_NAN" }),
    );
  });
});
