import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { columnChart, histogramColumns } from "../../../src/app/report/charts/columns.ts";
import { baseRateLoss } from "../../../src/app/report/charts/loss.ts";
import { axisFor, position, shortLabel, spread } from "../../../src/app/report/charts/scale.ts";
import { scatterChart } from "../../../src/app/report/charts/scatter.ts";

describe("axes", () => {
  it("take round ends that hold the values", () => {
    expect(axisFor([0.532, 0.752], { bounds: [0, 1] }).ticks).toEqual([0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8]);
    expect(axisFor([0, 0.61])).toMatchObject({ low: 0, high: 0.8 });
  });

  it("stay within bounds and are never empty", () => {
    expect(axisFor([1, 1], { minSpan: 0.1, bounds: [0, 1] })).toMatchObject({ high: 1 });
    const { low, high } = axisFor([0, 0], { minSpan: 0.1, bounds: [0, 1] });
    expect(low).toBe(0);
    expect(high).toBeGreaterThan(0);
  });

  it("hold any values within 0 to 1, with few ticks in ascending order", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(share, { minLength: 1, maxLength: 8 }), (values) => {
        const axis = axisFor(values, { minSpan: 0.1, bounds: [0, 1] });
        expect(axis.low).toBeLessThanOrEqual(Math.min(...values));
        expect(axis.high).toBeGreaterThanOrEqual(Math.max(...values));
        expect(axis.ticks.length).toBeGreaterThanOrEqual(2);
        expect(axis.ticks.length).toBeLessThanOrEqual(8);
        expect([...axis.ticks].sort((a, b) => a - b)).toEqual(axis.ticks);
        for (const value of values) expect(position(axis, value)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe("labels", () => {
  it("move apart to the gap and keep their order", () => {
    const moved = spread([10, 11, 50], 15);
    expect(moved[1] - moved[0]).toBeGreaterThanOrEqual(14.99);
    expect(moved[2]).toBe(50);
    expect(spread([30, 10], 15)).toEqual([30, 10]);
  });

  it("are cut without splitting a character", () => {
    expect(shortLabel("short", 10)).toBe("short");
    expect(shortLabel("🎬🎬🎬🎬", 3)).toBe("🎬🎬…");
  });
});

describe("the loss of knowing nothing", () => {
  it("is the entropy of one positive among its negatives", () => {
    expect(baseRateLoss(4)).toBeCloseTo(0.5004, 4);
    expect(baseRateLoss(1)).toBeCloseTo(Math.LN2, 12);
    expect(baseRateLoss(0)).toBe(0);
  });
});

describe("the scatter of models", () => {
  it("names all at the edge, apart and in the order of their heights", () => {
    const points = Array.from({ length: 12 }, (_, i) => ({ name: `m-${i}`, x: 0.05, y: 0.001 * i, tone: "m0" }));
    const svg = scatterChart({
      text: { id: "s", title: "t", description: "d" },
      points,
      xAxis: axisFor([0, 0.1]),
      yAxis: axisFor([0, 0.2]),
      xName: "x",
      tickText: String,
    }).text;
    const heights = [...svg.matchAll(/class="label" x="100%" dx="6" y="([\d.]+)"/g)].map((match) => Number(match[1]));
    expect(heights).toHaveLength(12);
    // Heights go down the page, as the values go up.
    for (let i = 1; i < 12; i++) expect(heights[i - 1] - heights[i]).toBeGreaterThan(14);
    const bottom = Number(/<svg[^>]*height="(\d+)"/.exec(svg)?.[1]);
    expect(Math.max(...heights)).toBeLessThan(bottom);
    expect(Math.min(...heights)).toBeGreaterThan(0);
  });
});

describe("the ratings' columns", () => {
  it("are the values themselves where they are few", () => {
    expect(histogramColumns([{ rating: 0.5, count: 2 }])).toEqual([{ label: "0.5", count: 2 }]);
  });

  it("are twelve ranges that lose no rating where the values are many", () => {
    const histogram = Array.from({ length: 100 }, (_, i) => ({ rating: i - 20, count: i }));
    const columns = histogramColumns(histogram);
    expect(columns).toHaveLength(12);
    expect(columns.reduce((sum, c) => sum + c.count, 0)).toBe(4950);
  });

  it("stand on zero, the highest as high as the plot", () => {
    const svg = columnChart({ id: "x", title: "t", description: "d" }, [
      { label: "1", count: 50 },
      { label: "2", count: 100 },
      { label: "3", count: 0 },
    ]).text;
    const heights = [...svg.matchAll(/<rect[^>]*? height="([\d.]+)"/g)].map((m) => Number(m[1]));
    expect(heights).toEqual([75, 150, 0]);
  });
});
