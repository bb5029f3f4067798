import { describe, expect, it } from "vitest";
import { leaveOneOut } from "../../src/core/leave-one-out.ts";
import { listQuality } from "../../src/core/list-quality.ts";
import { ratingTable } from "./rating-table.ts";

/** Four users; items 0 … 3 have 4, 2, 1 and 0 training interactions. */
const { sample } = leaveOneOut(
  ratingTable([
    [1, 10, 1],
    [1, 11, 2],
    [1, 13, 9],
    [2, 10, 1],
    [2, 11, 2],
    [2, 13, 9],
    [3, 10, 1],
    [3, 12, 2],
    [3, 13, 9],
    [4, 10, 1],
    [4, 13, 9],
  ]),
  new Uint8Array(4).fill(1),
  { tieRule: "firstInFile", seed: 1, listedItemIds: null },
);
const lists = (...items: number[][]) => items.map((list) => Int32Array.from(list));

describe("the quality of lists", () => {
  it("says that the same two for everybody cover half and are all alike", () => {
    expect(listQuality(sample, [], lists([0, 1], [0, 1]))).toEqual({
      lists: 2,
      coverage: 0.5,
      gini: 0.5,
      meanPopularity: 3,
      // Everybody has item 0, half of the users item 1.
      novelty: 0.5,
      diversity: null,
    });
  });

  it("knows a catalogue that is recommended evenly", () => {
    expect(listQuality(sample, [], lists([0, 1], [2, 3]))).toMatchObject({
      coverage: 1,
      gini: 0,
      meanPopularity: 7 / 4,
    });
  });

  it("counts an item that nobody has as if one had it", () => {
    expect(listQuality(sample, [], lists([3])).novelty).toBe(2);
    expect(listQuality(sample, [], lists([2])).novelty).toBe(2);
  });

  it("measures how far apart the genres of a list are", () => {
    const genres = [["Drama"], ["Drama", "War"], ["Comedy"], []];
    expect(listQuality(sample, genres, lists([0, 1])).diversity).toBe(0.5);
    expect(listQuality(sample, genres, lists([0, 2])).diversity).toBe(1);
    // Pairs: one half, one and one.
    expect(listQuality(sample, genres, lists([0, 1, 2])).diversity).toBeCloseTo(2.5 / 3, 12);
    // An item without genres is in no pair; a list without pairs does not count.
    expect(listQuality(sample, genres, lists([0, 1, 3], [2, 3])).diversity).toBe(0.5);
    expect(listQuality(sample, genres, lists([0, 3])).diversity).toBeNull();
  });

  it("has figures without any list", () => {
    expect(listQuality(sample, [], [])).toEqual({
      lists: 0,
      coverage: 0,
      gini: 0,
      meanPopularity: 0,
      novelty: 0,
      diversity: null,
    });
  });
});
