import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { holdOutLatest, leaveOneOut, type SplitOptions, type TieRule } from "../../src/core/leave-one-out.ts";
import { stableOrderByTime } from "../../src/core/time-order.ts";
import { selectUsers } from "../../src/core/user-sample.ts";
import { ratingTable } from "./rating-table.ts";

const options: SplitOptions = { tieRule: "firstInFile", seed: 1, listedItemIds: null };
const everyone = (users: number) => new Uint8Array(users).fill(1);

describe("user sampling", () => {
  const ids = Float64Array.from({ length: 138_493 }, (_, i) => i + 1);
  const chosen = (mask: Uint8Array) => [...ids].filter((_, i) => mask[i] === 1);

  it("draws the paper's users of ML-20M with numpy123", () => {
    const users = chosen(selectUsers(ids, { fraction: 0.3, sampler: "numpy123", seed: 0 }));
    expect(users).toHaveLength(41_547);
    const sha256 = createHash("sha256").update(users.join(",")).digest("hex");
    expect(sha256.slice(0, 16)).toBe("a6d9918b2247163e");
  });

  it("nests: a smaller fraction is a part of a larger one", () => {
    const small = chosen(selectUsers(ids, { fraction: 0.1, sampler: "hash", seed: 5 }));
    const large = new Set(chosen(selectUsers(ids, { fraction: 0.3, sampler: "hash", seed: 5 })));
    expect(small).toHaveLength(13_849);
    expect(small.every((id) => large.has(id))).toBe(true);
  });

  it("chooses the same users whatever their order in the file", () => {
    const reversed = ids.slice().reverse();
    const options = { fraction: 0.01, sampler: "hash", seed: 5 } as const;
    const mask = selectUsers(reversed, options);
    const fromReversed = [...reversed].filter((_, i) => mask[i] === 1).sort((a, b) => a - b);
    expect(fromReversed).toEqual(chosen(selectUsers(ids, options)));
  });

  it("refuses a fraction outside 0 to 1", () => {
    for (const fraction of [0, -1, 1.1, Number.NaN]) {
      expect(() => selectUsers(ids, { fraction, sampler: "hash", seed: 1 })).toThrow(/fraction/);
    }
  });
});

describe("leave-one-out", () => {
  it("holds out the latest rating and orders training by time", () => {
    const table = ratingTable([
      [7, 30, 300],
      [7, 10, 100],
      [3, 10, 500],
      [7, 20, 200],
      [3, 20, 400],
    ]);
    const { sample, counts } = leaveOneOut(table, everyone(2), options);
    expect([...sample.userIds]).toEqual([3, 7]);
    expect([...sample.itemIds]).toEqual([10, 20, 30]);
    expect([...sample.testItems]).toEqual([0, 2]);
    expect([...sample.train.items]).toEqual([1, 0, 1]);
    expect([...sample.train.offsets]).toEqual([0, 1, 3]);
    expect(counts).toMatchObject({ ratings: 5, testedUsers: 2, tiedUsers: 0, coldTestItems: 1 });
  });

  it.each<[TieRule, number]>([
    ["firstInFile", 20],
    ["lastInFile", 10],
    ["smallestItemId", 10],
    ["largestItemId", 30],
  ])("breaks ties at the latest moment by %s", (tieRule, expected) => {
    const table = ratingTable([
      [1, 99, 1],
      [1, 20, 5],
      [1, 30, 5],
      [1, 10, 5],
    ]);
    const { sample, counts } = leaveOneOut(table, everyone(1), { ...options, tieRule });
    expect(sample.itemIds[sample.testItems[0]]).toBe(expected);
    expect(counts.tiedUsers).toBe(1);
  });

  it("breaks ties at random by the seed", () => {
    const rows = Array.from({ length: 40 }, (_, i): [number, number, number] => [1, i, 5]);
    const test = (seed: number) =>
      leaveOneOut(ratingTable(rows), everyone(1), { ...options, tieRule: "random", seed }).sample.testItems[0];
    expect(test(1)).toBe(test(1));
    expect(new Set([1, 2, 3, 4, 5, 6].map(test)).size).toBeGreaterThan(2);
  });

  it("keeps a repeated item's latest rating and counts the others", () => {
    const table = ratingTable([
      [1, 10, 100],
      [1, 20, 200],
      [1, 10, 300],
    ]);
    const { sample, counts } = leaveOneOut(table, everyone(1), options);
    expect([...sample.testItems]).toEqual([0]);
    expect([...sample.train.items]).toEqual([1]);
    expect(counts.repeatedPairs).toBe(1);
  });

  it("leaves a user with one rating in training, untested", () => {
    const { sample, counts } = leaveOneOut(ratingTable([[1, 10, 100]]), everyone(1), options);
    expect([...sample.testItems]).toEqual([-1]);
    expect([...sample.train.items]).toEqual([0]);
    expect(counts).toMatchObject({ singletonUsers: 1, testedUsers: 0 });
  });

  it("takes the listed items into the catalogue on request", () => {
    const { sample } = leaveOneOut(ratingTable([[1, 10, 100]]), everyone(1), {
      ...options,
      listedItemIds: [5, 10, 15],
    });
    expect([...sample.itemIds]).toEqual([5, 10, 15]);
  });

  it("keeps all ratings of chosen users and none of others", () => {
    const rows = fc.array(fc.tuple(fc.nat(8), fc.nat(20), fc.nat(50)), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(rows, (given) => {
        const table = ratingTable(given);
        const mask = Uint8Array.from(table.userIds, (id) => id % 2);
        const { sample, counts } = leaveOneOut(table, mask, options);
        const kept = given.filter(([user]) => user % 2 === 1);
        const pairs = new Set(kept.map(([user, item]) => `${user} ${item}`));
        expect(counts.ratings).toBe(kept.length);
        expect(counts.repeatedPairs).toBe(kept.length - pairs.size);
        const found = [...sample.userIds].flatMap((id, user) => {
          const train = [...sample.train.items.subarray(sample.train.offsets[user], sample.train.offsets[user + 1])];
          const all = sample.testItems[user] < 0 ? train : [...train, sample.testItems[user]];
          return all.map((item) => `${id} ${sample.itemIds[item]}`);
        });
        expect(found.sort()).toEqual([...pairs].sort());
      }),
    );
  });

  it("holds out the latest training interaction for validation, never the test item", () => {
    const table = ratingTable([
      [1, 10, 1],
      [1, 20, 2],
      [1, 30, 3],
      [2, 10, 1],
      [2, 20, 2],
    ]);
    const { sample } = leaveOneOut(table, everyone(2), options);
    const validation = holdOutLatest(sample);
    expect([...validation.testItems]).toEqual([1, -1]);
    expect([...validation.train.items]).toEqual([0, 0]);
    expect([...validation.train.offsets]).toEqual([0, 1, 2]);
  });
});

describe("sorting by time", () => {
  it("is the stable sort", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30), { maxLength: 400 }), fc.nat(50), (times, from) => {
        const timestampMs = Float64Array.from(times);
        const order = Int32Array.from(times, (_, i) => i);
        const start = Math.min(from, times.length);
        stableOrderByTime(order, start, times.length, timestampMs);
        const expected = times
          .map((_, i) => i)
          .slice(start)
          .sort((a, b) => times[a] - times[b] || a - b);
        expect([...order.subarray(start)]).toEqual(expected);
      }),
    );
  });
});
