import { describe, expect, it } from "vitest";
import { activityQuartiles, genreGroups, popularityGroups } from "../../src/core/case-groups.ts";
import { testedUsers } from "../../src/core/evaluation.ts";
import { leaveOneOut, trainingCounts } from "../../src/core/leave-one-out.ts";
import { Rng, streamKey } from "../../src/core/rng.ts";
import { ratingTable } from "./rating-table.ts";

const rng = new Rng(streamKey(3, 1));
const rows = Array.from({ length: 60 }, (_, user) =>
  Array.from({ length: 3 + rng.below(10) }, (_, i): [number, number, number] => [user, rng.below(120), i]),
).flat();
const table = ratingTable(rows);
const { sample } = leaveOneOut(table, new Uint8Array(table.userIds.length).fill(1), {
  tieRule: "firstInFile",
  seed: 1,
  listedItemIds: null,
});
const users = testedUsers(sample);

describe("groups of cases", () => {
  it("are quarters by activity, in ascending order", () => {
    const quartiles = activityQuartiles(sample, users);
    expect(quartiles.map(({ positions }) => positions.length)).toEqual([15, 15, 15, 15]);
    const { offsets } = sample.train;
    quartiles.forEach(({ positions, minTraining, maxTraining }, q) => {
      const counts = Array.from(positions, (position) => offsets[users[position] + 1] - offsets[users[position]]);
      expect([Math.min(...counts), Math.max(...counts)]).toEqual([minTraining, maxTraining]);
      if (q > 0) expect(minTraining).toBeGreaterThanOrEqual(quartiles[q - 1].maxTraining);
    });
  });

  it("are quarters by the test item's popularity, those nobody has trained on apart", () => {
    const counts = trainingCounts(sample);
    const [cold, ...warm] = popularityGroups(sample, users);
    const popularityAt = (position: number) => counts[sample.testItems[users[position]]];
    expect(cold.positions.length).toBeGreaterThan(0);
    expect([...cold.positions].every((position) => popularityAt(position) === 0)).toBe(true);
    expect(warm.map(({ minTraining }) => minTraining)[0]).toBeGreaterThan(0);
    const all = [cold, ...warm].flatMap(({ positions }) => [...positions]);
    expect(all.toSorted((a, b) => a - b)).toEqual([...users.keys()]);
    for (const { positions, minTraining, maxTraining } of warm) {
      for (const position of positions) {
        expect(popularityAt(position)).toBeGreaterThanOrEqual(minTraining);
        expect(popularityAt(position)).toBeLessThanOrEqual(maxTraining);
      }
    }
  });

  it("are the genres of the test items, the most frequent first", () => {
    const genres = Array.from(sample.itemIds, (_, item) => (item % 2 === 0 ? ["Drama", "War"] : ["Drama"]));
    const [drama, war] = genreGroups(sample, users, genres);
    expect([drama.genre, war.genre]).toEqual(["Drama", "War"]);
    expect(drama.positions).toHaveLength(60);
    expect([...war.positions].every((position) => sample.testItems[users[position]] % 2 === 0)).toBe(true);
    expect(genreGroups(sample, users, [])).toEqual([]);
  });
});
