import { describe, expect, it } from "vitest";
import { ratingHistogram } from "../../../src/core/ratings/validation.ts";

describe("ratingHistogram", () => {
  it("lists few ratings as they are, ascending", () => {
    const counts = new Map([
      [5, 2],
      [0.5, 1],
      [-1, 3],
    ]);
    expect(ratingHistogram(counts)).toEqual([
      { rating: -1, count: 3 },
      { rating: 0.5, count: 1 },
      { rating: 5, count: 2 },
    ]);
  });

  it("rounds many down to the smallest power of ten that leaves at most 200 bars, and loses none", () => {
    const counts = new Map(Array.from({ length: 5000 }, (_, i) => [i / 10, 1]));
    const bars = ratingHistogram(counts);
    expect(bars).toHaveLength(50);
    expect(bars[1]).toEqual({ rating: 10, count: 100 });
    expect(bars.reduce((sum, { count }) => sum + count, 0)).toBe(5000);
  });

  it("ends for ratings of any size", () => {
    const counts = new Map(Array.from({ length: 300 }, (_, i) => [(i - 150) * 1e36, 1]));
    const bars = ratingHistogram(counts);
    expect(bars.length).toBeLessThanOrEqual(200);
    expect(bars.reduce((sum, { count }) => sum + count, 0)).toBe(300);
  });
});
