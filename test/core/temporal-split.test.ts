import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { temporalSplit } from "../../src/core/temporal-split.ts";
import { ratingTable } from "./rating-table.ts";

describe("temporal split", () => {
  it("trains on what came before and streams the rest by time, equal times in file order", () => {
    const ratings = ratingTable([
      [7, 1, 500],
      [7, 2, 100],
      [8, 1, 200],
      [9, 3, 400],
      [8, 4, 400],
      [8, 2, 300],
    ]);
    const { fromMs, before, after } = temporalSplit(ratings, 0.5);
    expect(fromMs).toBe(400);
    expect([...before.userIds]).toEqual([7, 8]);
    expect([...before.itemIds]).toEqual([1, 2]);
    expect([...before.train.offsets]).toEqual([0, 1, 3]);
    expect([...before.train.items].map((item) => before.itemIds[item])).toEqual([2, 1, 2]);
    expect([...before.train.timestampsMs]).toEqual([100, 200, 300]);
    expect([...before.testItems]).toEqual([-1, -1]);
    expect([...after]).toEqual([3, 4, 0]);
  });

  it("loses no row and lets none of the stream's moment into training", () => {
    const row = fc.tuple(fc.nat(5), fc.nat(500), fc.nat(20));
    const rows = fc.uniqueArray(row, { minLength: 2, maxLength: 60, selector: ([user, item]) => `${user} ${item}` });
    fc.assert(
      fc.property(rows, fc.double({ min: 0.05, max: 0.95, noNaN: true }), (list, share) => {
        fc.pre(new Set(list.map(([, , time]) => time)).size > 1);
        const ratings = ratingTable(list);
        const sorted = list.map(([, , time]) => time).sort((a, b) => a - b);
        fc.pre(sorted[Math.floor(share * list.length)] > sorted[0]);
        const { fromMs, before, after } = temporalSplit(ratings, share);
        expect(before.train.items.length + after.length).toBe(list.length);
        expect(before.train.timestampsMs.every((time) => time < fromMs)).toBe(true);
        expect([...after].every((r) => ratings.timestampMs[r] >= fromMs)).toBe(true);
        expect(before.train.items.length).toBeLessThanOrEqual(share * list.length);
        const times = [...after].map((r) => ratings.timestampMs[r]);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
      }),
      { seed: 1 },
    );
  });

  it("refuses ratings that all share one moment", () => {
    expect(() =>
      temporalSplit(
        ratingTable([
          [1, 1, 5],
          [2, 2, 5],
        ]),
        0.9,
      ),
    ).toThrow(/times that differ/);
  });
});
