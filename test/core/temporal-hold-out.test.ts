import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { leakageShare } from "../../src/core/evaluation.ts";
import { holdOutNext, testPeriods } from "../../src/core/temporal-hold-out.ts";
import { ratingTable } from "./rating-table.ts";

const options = { tieRule: "firstInFile", seed: 1, listedItemIds: null } as const;
const toEnd = (fromMs: number) => ({ fromMs, toMs: Number.POSITIVE_INFINITY });
const everyone = (users: number) => new Uint8Array(users).fill(1);

describe("holding out each user's next item", () => {
  const table = ratingTable([
    [7, 1, 500],
    [7, 2, 100],
    [7, 5, 400],
    [8, 1, 200],
    [9, 3, 400],
    [8, 1, 450],
    [8, 4, 470],
    [6, 9, 300],
  ]);

  it("trains on what came before a moment and tests the first that is new from then on", () => {
    const { sample, counts, newUsers } = holdOutNext(table, everyone(4), toEnd(400), options);
    expect([...sample.userIds]).toEqual([6, 7, 8]);
    // Item 1 comes again for user 8, and 4 is what is new. User 7's later rating of item 1 is in neither part.
    expect([...sample.itemIds]).toEqual([1, 2, 4, 5, 9]);
    expect([...sample.train.offsets]).toEqual([0, 1, 2, 3]);
    expect([...sample.train.items].map((item) => sample.itemIds[item])).toEqual([9, 2, 1]);
    expect([...sample.testItems].map((item) => sample.itemIds[item])).toEqual([undefined, 5, 4]);
    expect([...sample.testTimestampsMs]).toEqual([Number.NaN, 400, 470]);
    expect(counts).toMatchObject({ testedUsers: 2, singletonUsers: 1, tiedUsers: 0, coldTestItems: 2 });
    // User 9 has no rating before.
    expect(newUsers).toBe(1);
    expect(leakageShare(sample)).toBe(0);
  });

  it("leaves what comes after the period out", () => {
    const { sample, counts } = holdOutNext(table, everyone(4), { fromMs: 250, toMs: 450 }, options);
    expect(counts.testedUsers).toBe(1);
    expect([...sample.itemIds]).toEqual([1, 2, 5]);
  });

  it("takes one of several at that first moment by the tie rule", () => {
    const tied = ratingTable([
      [1, 10, 1],
      [1, 30, 5],
      [1, 20, 5],
      [1, 40, 6],
    ]);
    const testOf = (tieRule: "firstInFile" | "lastInFile" | "largestItemId" | "smallestItemId") => {
      const { sample, counts } = holdOutNext(tied, everyone(1), toEnd(5), { ...options, tieRule });
      expect(counts.tiedUsers).toBe(1);
      return sample.itemIds[sample.testItems[0]];
    };
    expect(testOf("firstInFile")).toBe(30);
    expect(testOf("lastInFile")).toBe(20);
    expect(testOf("smallestItemId")).toBe(20);
    expect(testOf("largestItemId")).toBe(30);
  });

  it("lets no training event at or after the moment, and tests nobody on what they knew", () => {
    const row = fc.tuple(fc.nat(6), fc.nat(12), fc.nat(30));
    fc.assert(
      fc.property(fc.array(row, { minLength: 4, maxLength: 80 }), fc.integer({ min: 1, max: 30 }), (rows, fromMs) => {
        fc.pre(rows.some(([, , time]) => time < fromMs));
        const ratings = ratingTable(rows);
        const { sample, counts } = holdOutNext(ratings, everyone(ratings.userIds.length), toEnd(fromMs), options);
        expect(sample.train.timestampsMs.every((time) => time < fromMs)).toBe(true);
        sample.testItems.forEach((item, user) => {
          const { offsets, items } = sample.train;
          const known = [...items.subarray(offsets[user], offsets[user + 1])];
          expect(known.length).toBeGreaterThan(0);
          expect(known).not.toContain(item);
          const later = rows.filter(
            ([u, i, time]) =>
              u === sample.userIds[user] && time >= fromMs && !known.some((k) => sample.itemIds[k] === i),
          );
          expect(item >= 0).toBe(later.length > 0);
          if (item >= 0) expect(sample.testTimestampsMs[user]).toBe(Math.min(...later.map(([, , time]) => time)));
        });
        const before = new Set(rows.filter(([, , time]) => time < fromMs).map(([u, i]) => `${u} ${i}`));
        expect(sample.train.items.length).toBe(before.size);
        expect(counts.testedUsers).toBe(sample.testItems.filter((item) => item >= 0).length);
      }),
      { seed: 1 },
    );
  });
});

describe("the periods of a rolling split", () => {
  const table = ratingTable(Array.from({ length: 10 }, (_, i): [number, number, number] => [i % 2, i, 100 * i]));

  it("go from each moment to the next, the last to the end", () => {
    expect(testPeriods(table, everyone(2), [0.5, 0.8])).toEqual([
      { fromMs: 500, toMs: 800 },
      { fromMs: 800, toMs: Number.POSITIVE_INFINITY },
    ]);
  });

  it("count the ratings of the chosen users only", () => {
    expect(testPeriods(table, Uint8Array.of(1, 0), [0.5])).toEqual([toEnd(400)]);
  });

  it("refuse moments that are the same", () => {
    const level = ratingTable([1, 2, 3, 4].map((item): [number, number, number] => [1, item, 5]));
    expect(() => testPeriods(level, everyone(1), [0.5])).toThrow(/share 0.5/);
    expect(() => testPeriods(table, everyone(2), [0.5, 0.51])).toThrow(/share 0.51/);
  });
});
