import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { popularityOf } from "../../src/baselines/popularity.ts";
import { CandidateSampler } from "../../src/core/candidates.ts";
import { drawTestedUsers, rankTestItems, summarize } from "../../src/core/evaluation.ts";
import { leaveOneOut } from "../../src/core/leave-one-out.ts";
import type { RatingTable } from "../../src/core/ratings.ts";
import type { Recommender } from "../../src/core/recommender.ts";
import type { Sample } from "../../src/core/sample.ts";
import { SyntheticDataset, type SyntheticUser } from "../../src/core/synthetic/dataset.ts";
import { syntheticRatingTable } from "../../src/core/synthetic/table.ts";

const quantile = (values: readonly number[], p: number): number => {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.round(p * (sorted.length - 1))];
};

/** One user's ratings as [movie, second], in any order. */
type History = readonly (readonly [movie: number, second: number])[];

/** A sitting ends where nothing follows within half an hour. */
const sittingGapSeconds = 1800;

function facts(histories: readonly History[]) {
  const popularity = new Map<number, number>();
  const gaps: number[] = [];
  const sittings: number[] = [];
  const shareOfLongest: number[] = [];
  const spanDays: number[] = [];
  let tiedAtLast = 0;
  for (const history of histories) {
    for (const [movie] of history) popularity.set(movie, (popularity.get(movie) ?? 0) + 1);
    const seconds = Float64Array.from(history, ([, second]) => second).sort();
    const lengths = [1];
    for (let i = 1; i < seconds.length; i++) {
      const gap = seconds[i] - seconds[i - 1];
      if (gap > sittingGapSeconds) lengths.push(1);
      else {
        gaps.push(gap);
        lengths[lengths.length - 1]++;
      }
    }
    sittings.push(lengths.length);
    shareOfLongest.push(Math.max(...lengths) / seconds.length);
    spanDays.push((seconds[seconds.length - 1] - seconds[0]) / 86_400);
    if (seconds[seconds.length - 1] === seconds[seconds.length - 2]) tiedAtLast++;
  }
  return {
    activity: histories.map((history) => history.length),
    popularity: [...popularity.values()],
    gaps,
    sittings,
    shareOfLongest,
    spanDays,
    sameSecond: gaps.filter((gap) => gap === 0).length / gaps.length,
    tiedAtLast: tiedAtLast / histories.length,
  };
}

function generatedHistories(data: SyntheticDataset): History[] {
  return Array.from(data.allUsers(), ({ movies, seconds }) =>
    Array.from(movies, (movie, i) => [movie, seconds[i]] as const),
  );
}

const real = process.env.NCF_ML_LATEST_SMALL;

describe.skipIf(real === undefined)("the shape small, against ml-latest-small (needs NCF_ML_LATEST_SMALL)", () => {
  const load = () => {
    const users = new Map<string, [number, number][]>();
    const lines = readFileSync(path.join(real as string, "ratings.csv"), "utf8")
      .trimEnd()
      .split("\n");
    for (const line of lines.slice(1)) {
      const [user, movie, , second] = line.split(",");
      if (!users.has(user)) users.set(user, []);
      users.get(user)?.push([Number(movie), Number(second)]);
    }
    return facts([...users.values()]);
  };

  it("has its quantiles of activity, popularity and bursts", () => {
    const wanted = load();
    const found = facts(generatedHistories(new SyntheticDataset({ shape: "small", seed: 1 })));
    const near = (
      what: "activity" | "popularity" | "gaps" | "sittings" | "shareOfLongest" | "spanDays",
      p: number,
      tolerance: number,
      least = 0,
    ): void => {
      const goal = quantile(wanted[what], p);
      const value = quantile(found[what], p);
      const allowed = Math.max(least, tolerance * goal);
      expect(Math.abs(value - goal), `${what} at ${p}: expected ${goal}, found ${value}`).toBeLessThanOrEqual(allowed);
    };
    for (const p of [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1]) near("activity", p, 0.05, 1);
    for (const p of [0, 0.25, 0.5, 0.75, 0.9, 0.99, 1]) near("popularity", p, 0.1, 1);
    for (const p of [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]) near("gaps", p, 0.3, 1);
    for (const p of [0.25, 0.5, 0.75, 0.9, 0.95]) near("sittings", p, 0.5, 1);
    for (const p of [0.1, 0.25, 0.5, 0.75]) near("shareOfLongest", p, 0.2);
    for (const p of [0.25, 0.5, 0.75, 0.9]) near("spanDays", p, 0.5);
    expect(Math.abs(found.sameSecond - wanted.sameSecond)).toBeLessThan(0.05);
    expect(Math.abs(found.tiedAtLast - wanted.tiedAtLast)).toBeLessThan(0.06);
  });
});

describe("the shape ml-20m at full size", () => {
  const data = new SyntheticDataset({ shape: "ml-20m", seed: 1 });

  it("has ML-20M's numbers, activity and popularity, and popularity reaches what it does there", {
    timeout: 300_000,
  }, () => {
    const activity: number[] = [];
    const counts = new Float64Array(data.movies.length);
    const tested: SyntheticUser[] = [];
    for (const user of data.allUsers()) {
      activity.push(user.movies.length);
      for (const movie of user.movies) counts[movie]++;
      if (user.id % 35 === 0) tested.push(user);
    }
    expect(activity).toHaveLength(138_493);
    expect(activity.reduce((sum, n) => sum + n, 0)).toBe(20_000_263);
    expect(quantile(activity, 0)).toBe(20);
    expect(Math.abs(quantile(activity, 0.5) - 68)).toBeLessThanOrEqual(3);
    expect(Math.abs(quantile(activity, 1) - 9254)).toBeLessThan(300);

    expect(data.movies).toHaveLength(27_278);
    expect(data.movies.at(-1)?.id).toBe(131_262);
    const popularity = Array.from(counts).filter((count) => count > 0);
    expect(popularity).toHaveLength(26_744);
    expect(Math.abs(quantile(popularity, 0.25) - 3)).toBeLessThanOrEqual(1);
    expect(Math.abs(quantile(popularity, 0.5) - 18)).toBeLessThanOrEqual(4);
    expect(Math.abs(quantile(popularity, 0.75) - 205)).toBeLessThanOrEqual(25);
    expect(Math.abs(quantile(popularity, 1) - 67_000)).toBeLessThanOrEqual(3000);

    const ratings = tested.reduce((sum, { movies }) => sum + movies.length, 0);
    const someUsers = { users: tested.length, ratings, movies: data.movies, allUsers: () => tested.values() };
    const rated = data.movies.filter((_, movie) => counts[movie] > 0).map(({ id }) => id);
    const sample = split(syntheticRatingTable(someUsers), rated);
    const countOf = new Map(data.movies.map(({ id }, movie) => [id, counts[movie]]));
    const popular = hitRatio(
      {
        name: "popularity among all users",
        score: (user, items, scores) => {
          // The held-out rating itself must not count.
          items.forEach((item, i) => {
            scores[i] = (countOf.get(sample.itemIds[item]) ?? 0) - (item === sample.testItems[user] ? 1 : 0);
          });
        },
      },
      sample,
    );
    expect(popular).toBeGreaterThan(0.77);
    expect(popular).toBeLessThan(0.88);
    expect(hitRatio(data.oracle(sample), sample)).toBeGreaterThan(popular + 0.08);
  });
});

describe("the oracle of generated data", () => {
  const data = new SyntheticDataset({ shape: "small", seed: 2, users: 1500, movies: 2000, ratings: 120_000 });
  const sample = split(syntheticRatingTable(data), null);

  it("is far ahead of popularity", () => {
    expect(hitRatio(data.oracle(sample), sample)).toBeGreaterThan(hitRatio(popularityOf(sample), sample) + 0.1);
  });

  it("is right about every user by name: the oracle for one user misleads about another", () => {
    const oracle = data.oracle(sample);
    const ofTheNext: Recommender = {
      name: "misled",
      score: (user, items, scores) => oracle.score((user + 1) % 1500, items, scores),
    };
    expect(hitRatio(ofTheNext, sample)).toBeLessThan(hitRatio(oracle, sample) - 0.2);
  });

  it("refuses a sample of other data", () => {
    const foreign = { ...sample, itemIds: sample.itemIds.map((id) => id + 1e6) };
    expect(() => data.oracle(foreign)).toThrowError(expect.objectContaining({ code: "ORACLE_FOREIGN" }));
  });
});

function split(table: RatingTable, listedItemIds: readonly number[] | null): Sample {
  const everyone = new Uint8Array(table.userIds.length).fill(1);
  return leaveOneOut(table, everyone, { tieRule: "firstInFile", seed: 1, listedItemIds }).sample;
}

/** HR@10 among 1 + 99 candidates, over up to 4,000 users. */
function hitRatio(model: Recommender, sample: Sample): number {
  const candidates = new CandidateSampler(sample, { seed: 1, negatives: 99, withReplacement: false });
  const users = drawTestedUsers(sample, 4000, 1);
  return summarize(rankTestItems(model, users, (user) => candidates.of(user))).hrAt10;
}
