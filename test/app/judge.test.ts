import { describe, expect, it } from "vitest";
import { defaultJudgeOptions, judgeModels, judgeRanked, type RankedCase } from "../../src/app/judge.ts";
import { rankModels } from "../../src/app/judging/rank-models.ts";
import { CandidateSampler } from "../../src/core/candidates.ts";
import { rankTestItems, summarize, testedUsers } from "../../src/core/evaluation.ts";
import { leaveOneOut, trainingCounts } from "../../src/core/leave-one-out.ts";
import type { Recommender } from "../../src/core/recommender.ts";
import { Rng, streamKey } from "../../src/core/rng.ts";
import { ratingTable } from "../core/rating-table.ts";

const rng = new Rng(streamKey(8, 1));
const rows = Array.from({ length: 80 }, (_, user) =>
  Array.from({ length: 4 + rng.below(30) }, (_, i): [number, number, number] => [
    user,
    rng.below(20) * rng.below(20),
    i,
  ]),
).flat();
const table = ratingTable(rows);
const { sample } = leaveOneOut(table, new Uint8Array(table.userIds.length).fill(1), {
  tieRule: "firstInFile",
  seed: 1,
  listedItemIds: Array.from({ length: 400 }, (_, i) => i),
});
const counts = trainingCounts(sample);
const options = { ...defaultJudgeOptions, seed: 1, bootstrapResamples: 100, permutations: 200 };

/** Scores each call in an array of its own, so that a mistake in reusing buffers would show. */
function model(name: string, scoreOf: (user: number, item: number) => number): Recommender {
  return {
    name,
    score(user, items, scores) {
      items.forEach((item, i) => {
        scores[i] = scoreOf(user, item);
      });
    },
  };
}

const popular = model("popular", (_, item) => counts[item]);
const odd = model("odd", (user, item) => ((user + 1) * (item + 7)) % 11);
const oracle = model("oracle", (user, item) => (item === sample.testItems[user] ? 1 : 0));

describe("the judgement", () => {
  it("ranks in one pass as two passes would", async () => {
    const { judgements } = await judgeModels([popular, odd], sample, { ...options, fullCatalogueUsers: 30 });
    const split = await rankModels([popular, odd], sample, { ...options, fullCatalogueUsers: 30 }, {}, {});
    const sampler = new CandidateSampler(sample, { ...options, negatives: options.candidates });
    for (const [m, judged] of [popular, odd].entries()) {
      expect(judgements[m]).toMatchObject(summarize(rankTestItems(judged, testedUsers(sample), (u) => sampler.of(u))));
      const full = summarize(
        rankTestItems(judged, split.fullUsers, (user) => {
          const items = [...sampler.fullCatalogueOf(user)].filter((item) => item !== sample.testItems[user]);
          return Int32Array.of(sample.testItems[user], ...items);
        }),
      );
      const { cases, hrAt10, ndcgAt10 } = judgements[m].fullCatalogue;
      expect({ cases, hrAt10, ndcgAt10 }).toEqual({ cases: 30, hrAt10: full.hrAt10, ndcgAt10: full.ndcgAt10 });
    }
  });

  it("tells of each user's candidates and scores, in the order of the users", async () => {
    const told: [number, number[], number[]][] = [];
    const onCase = ({ user, candidates, scores }: RankedCase) => void told.push([user, [...candidates], [...scores]]);
    await judgeModels([odd], sample, { ...options, fullCatalogueUsers: 30 }, { onCase });
    expect(told.map(([user]) => user)).toEqual([...testedUsers(sample)]);
    for (const [user, candidates, scores] of told) {
      expect(candidates[0]).toBe(sample.testItems[user]);
      expect(scores).toEqual(candidates.map((item) => ((user + 1) * (item + 7)) % 11));
    }
  });

  it("scores candidates that are given, also those that are not unseen", async () => {
    const seenOf = (user: number) =>
      sample.train.items.subarray(sample.train.offsets[user], sample.train.offsets[user] + 3);
    const candidatesOf = (user: number) => Int32Array.of(sample.testItems[user], ...seenOf(user));
    const told: RankedCase[] = [];
    await judgeModels(
      [popular],
      sample,
      options,
      { onCase: (c) => void told.push(structuredClone(c)) },
      { candidatesOf },
    );
    for (const { candidates, scores } of told) expect([...scores]).toEqual(Array.from(candidates, (i) => counts[i]));
  });

  it("recommends what was not trained on, equal scores by item, and times it by the clock it is given", async () => {
    let clock = 0;
    const monotonicMs = () => (clock += 3);
    const level = model("level", () => 1);
    const split = await rankModels([popular, level], sample, options, { monotonicMs }, {});
    const [{ lists }, { lists: first }] = split.models;
    expect(split.models[0].millisecondsPerRequest).toBe(3);
    split.fullUsers.forEach((user, i) => {
      const { offsets, items } = sample.train;
      const trained = new Set(items.subarray(offsets[user], offsets[user + 1]));
      const unseen = Array.from({ length: 400 }, (_, item) => item).filter((item) => !trained.has(item));
      expect([...first[i]]).toEqual(unseen.slice(0, 10));
      expect([...lists[i]]).toEqual(unseen.toSorted((a, b) => counts[b] - counts[a] || a - b).slice(0, 10));
    });
  });

  it("gives an oracle everything, in every ranking and every group", async () => {
    const genres = Array.from(sample.itemIds, (_, item) => (item % 3 === 0 ? ["Drama", "War"] : ["Comedy"]));
    const { judgements, comparisons } = await judgeModels([oracle, popular], sample, options, {}, { genres });
    const [best] = judgements;
    expect(best).toMatchObject({ hrAt10: 1, fullCatalogue: { hrAt10: 1, hrAt10Interval: [1, 1], ndcgAt10: 1 } });
    const groups = [...best.byActivity, ...best.byPopularity, ...best.byGenre];
    for (const { hrAt10, interval, fullCatalogueHrAt10 } of groups) {
      expect({ hrAt10, interval, fullCatalogueHrAt10 }).toEqual({
        hrAt10: 1,
        interval: [1, 1],
        fullCatalogueHrAt10: 1,
      });
    }
    expect(best.byPopularity.map(({ quartile }) => quartile)).toEqual([1, 2, 3, 4]);
    expect(best.byPopularity.reduce((sum, { users }) => sum + users, 0)).toBe(80);
    expect(best.byGenre.map(({ genre }) => genre)).toEqual(["Drama", "War", "Comedy"]);
    const [{ fullCatalogue }] = comparisons;
    expect(fullCatalogue.difference).toBeCloseTo(1 - judgements[1].fullCatalogue.hrAt10, 12);
    expect(fullCatalogue.pValue).toBeLessThan(0.01);
  });

  it("takes exact ranks as they are where the candidates were all there is", async () => {
    const { judgements } = await judgeModels([popular], sample, { ...options, candidates: 400 });
    const [{ corrected, fullCatalogue }] = judgements;
    expect(corrected.hrAt10).toBe(fullCatalogue.hrAt10);
    expect(corrected.ndcgAt10).toBe(fullCatalogue.ndcgAt10);
  });

  it("sums up several splits, drawing their users once each", async () => {
    const one = await rankModels([popular, odd], sample, options, {}, {});
    const alone = await judgeRanked([one], options);
    const twice = await judgeRanked([one, one], options);
    expect(twice.judgements[0]).toMatchObject({ cases: 160, hrAt10: alone.judgements[0].hrAt10 });
    // The same users again are no more evidence.
    const [low, high] = alone.judgements[0].hrAt10Interval;
    expect(twice.judgements[0].hrAt10Interval[0]).toBeCloseTo(low, 12);
    expect(twice.judgements[0].hrAt10Interval[1]).toBeCloseTo(high, 12);
    expect(twice.comparisons[0].pValue).toBe(alone.comparisons[0].pValue);
    expect(twice.judgements[0].byActivity[0]).toMatchObject({
      users: 2 * alone.judgements[0].byActivity[0].users,
      hrAt10: alone.judgements[0].byActivity[0].hrAt10,
    });
  });

  it("stops when it is told to", async () => {
    const signal = AbortSignal.abort(new Error("stop"));
    await expect(judgeModels([odd], sample, options, { signal })).rejects.toThrow("stop");
  });
});
