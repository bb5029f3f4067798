import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { standingOf } from "../../src/core/evaluation.ts";
import { PopularityPlaces } from "../../src/streaming/popularity-places.ts";

describe("places by popularity", () => {
  it("give the standings of the tables' values, ties included", () => {
    const values = fc.constantFrom(0, -0, 0.25, 1, 1 + Number.EPSILON, 7, Number.POSITIVE_INFINITY);
    const table = fc.array(values, { minLength: 8, maxLength: 8 });
    const candidates = fc.uniqueArray(fc.nat({ max: 7 }), { minLength: 1 });
    fc.assert(
      fc.property(table, table, candidates, (popularity, decayed, items) => {
        const tables = { popularity: Float64Array.from(popularity), decayedPopularity: Float64Array.from(decayed) };
        const found = new PopularityPlaces({ version: "v1", ...tables }).standings(Int32Array.from(items));
        const standing = (of: readonly number[]) =>
          standingOf(
            "table",
            Float64Array.from(items, (item) => of[item]),
          );
        expect(found).toEqual([standing(popularity), standing(decayed)]);
      }),
    );
  });

  it("refuse a table with NaN", () => {
    const tables = { popularity: Float64Array.of(1, 2), decayedPopularity: Float64Array.of(1, Number.NaN) };
    expect(() => new PopularityPlaces({ version: "v1", ...tables })).toThrowError(
      expect.objectContaining({ code: "SCORE_NAN" }),
    );
  });
});
