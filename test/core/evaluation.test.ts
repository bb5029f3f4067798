import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CandidateSampler } from "../../src/core/candidates.ts";
import { drawTestedUsers, leakageShare, rankTestItems, summarize, testedUsers } from "../../src/core/evaluation.ts";
import { leaveOneOut } from "../../src/core/leave-one-out.ts";
import { expectedHit, expectedNdcg, optimisticHit, pessimisticHit } from "../../src/core/ranking-metrics.ts";
import type { Recommender } from "../../src/core/recommender.ts";
import { Rng, streamKey } from "../../src/core/rng.ts";
import { bootstrapIntervals, drain, pairedPermutationTest, sumsByUser } from "../../src/core/significance.ts";
import { ratingTable } from "./rating-table.ts";

/** 60 users with 3 to 12 ratings of 300 items. */
function someSample() {
  const rng = new Rng(streamKey(3, 99));
  const rows = Array.from({ length: 60 }, (_, user) =>
    Array.from({ length: 3 + rng.below(10) }, (_, i): [number, number, number] => [user, rng.below(300), i]),
  ).flat();
  const table = ratingTable(rows);
  return leaveOneOut(table, new Uint8Array(table.userIds.length).fill(1), {
    tieRule: "firstInFile",
    seed: 1,
    listedItemIds: Array.from({ length: 300 }, (_, i) => i),
  }).sample;
}

const sample = someSample();
const protocol = { seed: 1, negatives: 99, withReplacement: false };
const constant: Recommender = { name: "constant", score: (_user, _items, scores) => void scores.fill(1) };
const oracle: Recommender = {
  name: "oracle",
  score(user, items, scores) {
    for (let i = 0; i < items.length; i++) scores[i] = items[i] === sample.testItems[user] ? 1 : 0;
  },
};

function judge(model: Recommender) {
  const sampler = new CandidateSampler(sample, protocol);
  return summarize(rankTestItems(model, testedUsers(sample), (user) => sampler.of(user)));
}

describe("the metric under ties", () => {
  it("is the mean over all orders of the tied", () => {
    fc.assert(
      fc.property(fc.nat(30), fc.nat(30), (above, tied) => {
        const ranks = Array.from({ length: tied + 1 }, (_, i) => above + 1 + i);
        const mean = (of: (rank: number) => number) => ranks.reduce((sum, rank) => sum + of(rank), 0) / ranks.length;
        expect(expectedHit({ above, tied })).toBeCloseTo(
          mean((rank) => (rank <= 10 ? 1 : 0)),
          12,
        );
        expect(expectedNdcg({ above, tied })).toBeCloseTo(
          mean((rank) => (rank <= 10 ? 1 / Math.log2(rank + 1) : 0)),
          12,
        );
        expect(optimisticHit({ above, tied })).toBe(above + 1 <= 10 ? 1 : 0);
        expect(pessimisticHit({ above, tied })).toBe(above + tied + 1 <= 10 ? 1 : 0);
      }),
    );
  });

  it("gives a constant scorer HR@10 0.10, optimistically 1 and pessimistically 0", () => {
    const summary = judge(constant);
    expect(summary.hrAt10).toBeCloseTo(0.1, 12);
    expect([summary.hrAt10Optimistic, summary.hrAt10Pessimistic]).toEqual([1, 0]);
  });

  it("gives an oracle 1.0", () => {
    expect(judge(oracle)).toMatchObject({ cases: 60, hrAt10: 1, ndcgAt10: 1, hrAt10Pessimistic: 1 });
  });

  it("refuses a NaN score by the model's name", () => {
    const broken: Recommender = { name: "broken", score: (_user, _items, scores) => void scores.fill(Number.NaN) };
    expect(() => judge(broken)).toThrow(/broken.*NaN/);
  });
});

describe("evaluation candidates", () => {
  const seenBy = (user: number) => {
    const { offsets, items } = sample.train;
    return new Set([...items.subarray(offsets[user], offsets[user + 1]), sample.testItems[user]]);
  };

  it("are the test item and 99 different items that the user never touched", () => {
    const sampler = new CandidateSampler(sample, protocol);
    for (const user of testedUsers(sample)) {
      const [test, ...others] = sampler.of(user);
      expect(test).toBe(sample.testItems[user]);
      expect(new Set(others).size).toBe(99);
      expect(others.some((item) => seenBy(user).has(item))).toBe(false);
    }
  });

  it("depend on the user alone, not on who was asked for before", () => {
    const inOrder = new CandidateSampler(sample, protocol);
    const all = [...testedUsers(sample)].map((user) => [...inOrder.of(user)]);
    const backwards = new CandidateSampler(sample, protocol);
    const reversed = [...testedUsers(sample)].reverse().map((user) => [...backwards.of(user)]);
    expect(reversed.reverse()).toEqual(all);
  });

  it("are the same however often and in whatever order one sampler is asked", () => {
    const sampler = new CandidateSampler(sample, protocol);
    for (const user of testedUsers(sample)) {
      const first = [...sampler.of(user)];
      const full = sampler.fullCatalogueOf(user);
      expect(full).toHaveLength(300 - (sample.train.offsets[user + 1] - sample.train.offsets[user]));
      expect([...sampler.of(user)]).toEqual(first);
    }
  });

  it("are all unseen items where there are fewer than 99", () => {
    const rows = Array.from({ length: 40 }, (_, i): [number, number, number] => [1, i, i]);
    const table = ratingTable([
      ...rows,
      ...Array.from({ length: 50 }, (_, i): [number, number, number] => [2, 100 + i, i]),
    ]);
    const { sample: small } = leaveOneOut(table, new Uint8Array(2).fill(1), {
      tieRule: "firstInFile",
      seed: 1,
      listedItemIds: null,
    });
    const candidates = new CandidateSampler(small, protocol).of(0);
    expect(candidates).toHaveLength(51);
    expect(new Set(candidates).size).toBe(51);
  });

  it("may repeat when drawn with replacement", () => {
    const sampler = new CandidateSampler(sample, { ...protocol, negatives: 290, withReplacement: true });
    expect(new Set(sampler.of(0)).size).toBeLessThan(291);
  });

  it("are the catalogue less the training items for the full ranking", () => {
    const candidates = new CandidateSampler(sample, protocol).fullCatalogueOf(0);
    const { offsets, items } = sample.train;
    const trained = new Set(items.subarray(0, offsets[1]));
    expect([...candidates]).toEqual(
      Array.from({ length: 300 }, (_, item) => item).filter((item) => !trained.has(item)),
    );
    expect(candidates).toContain(sample.testItems[0]);
  });
});

describe("groups of users", () => {
  it("draws some tested users by seed, all when there are no more", () => {
    expect(drawTestedUsers(sample, 10, 1)).toHaveLength(10);
    expect([...drawTestedUsers(sample, 10, 1)]).toEqual([...drawTestedUsers(sample, 10, 1)]);
    expect(drawTestedUsers(sample, 100, 1)).toHaveLength(60);
  });

  it("measures how much of training lies in a test event's future", () => {
    const table = ratingTable([
      [1, 1, 0],
      [1, 2, 10],
      [2, 1, 20],
      [2, 2, 30],
    ]);
    const { sample: two } = leaveOneOut(table, new Uint8Array(2).fill(1), {
      tieRule: "firstInFile",
      seed: 1,
      listedItemIds: null,
    });
    // User 1's test event (time 10) precedes one of two training events, user 2's (30) none.
    expect(leakageShare(two)).toBe(0.25);
  });
});

describe("significance", () => {
  const rng = new Rng(streamKey(11, 1));
  const coin = (p: number) => Float64Array.from({ length: 500 }, () => (rng.unit() < p ? 1 : 0));

  it("gives bootstrap intervals of the binomial's width around the mean", () => {
    const values = coin(0.6);
    const mean = values.reduce((sum, value) => sum + value, 0) / 500;
    const [[low, high]] = drain(bootstrapIntervals([values], { seed: 1, resamples: 2000 }));
    const width = 2 * 1.96 * Math.sqrt((mean * (1 - mean)) / 500);
    expect((low + high) / 2).toBeCloseTo(mean, 2);
    expect(high - low).toBeGreaterThan(0.85 * width);
    expect(high - low).toBeLessThan(1.15 * width);
  });

  it("finds a difference that is there, and rarely one that is not", () => {
    const pValue = (a: Float64Array, b: Float64Array, permutations: number) =>
      drain(
        pairedPermutationTest(
          a.map((x, i) => x - b[i]),
          { seed: 1, permutations },
        ),
      );
    expect(pValue(coin(0.7), coin(0.5), 999)).toBeLessThan(0.01);
    const falseAlarms = Array.from({ length: 100 }, () => pValue(coin(0.5), coin(0.5), 199)).filter((p) => p < 0.05);
    expect(falseAlarms.length).toBeLessThan(15);
  });

  it("agrees with the exact p value of a small case", () => {
    const differences = Float64Array.of(1, 1, 1, 1, 0.5, 0.5);
    const patterns = Array.from({ length: 64 }, (_, bits) =>
      differences.reduce((sum, d, i) => sum + ((bits >> i) & 1 ? d : -d), 0),
    );
    const exact = patterns.filter((sum) => Math.abs(sum) >= 5 - 1e-9).length / 64;
    expect(drain(pairedPermutationTest(differences, { seed: 3, permutations: 20_000 }))).toBeCloseTo(exact, 2);
  });

  it("draws users with all their cases where a user has several", () => {
    const once = coin(0.5);
    const twice = Float64Array.from({ length: 1000 }, (_, i) => once[i >> 1]);
    const of = { users: 500, userOfCase: Int32Array.from({ length: 1000 }, (_, i) => i >> 1) };
    const options = { seed: 1, resamples: 200 };
    // Twice the same case of each user tells no more than one: the interval keeps its width.
    const [wide] = drain(bootstrapIntervals([twice], options, of));
    const [[low, high]] = drain(bootstrapIntervals([once], options));
    expect(wide[0]).toBeCloseTo(low, 12);
    expect(wide[1]).toBeCloseTo(high, 12);
    expect([...sumsByUser(twice, of)]).toEqual([...once.map((x) => 2 * x)]);
  });

  it("gives p = 1 for equal models", () => {
    expect(drain(pairedPermutationTest(new Float64Array(50), { seed: 1, permutations: 99 }))).toBe(1);
  });
});
