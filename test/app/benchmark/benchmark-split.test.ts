import { describe, expect, it } from "vitest";
import { readBenchmark } from "../../../src/app/benchmark/benchmark-split.ts";

async function* linesOf(text: string): AsyncGenerator<string> {
  yield* text.split("\n");
}

const published = {
  train: "0\t30\t5\t300\n0\t10\t4\t100\n0\t20\t4\t100\n1\t10\t3\t50\n",
  test: "0\t40\t5\t400\n1\t20\t3\t60\n",
  candidates: "(0,40)\t50\t60\t70\n(1,20)\t30\t50\t60\n",
};

const read = (files: Partial<typeof published> = {}) => {
  const { train, test, candidates } = { ...published, ...files };
  return readBenchmark({
    train: { name: "x.train.rating", lines: linesOf(train) },
    test: { name: "x.test.rating", lines: linesOf(test) },
    candidates: { name: "x.test.negative", lines: linesOf(candidates) },
  });
};

describe("the NCF benchmark's files", () => {
  it("give histories in order of time, test items, and candidates with the test item first", async () => {
    const { sample, candidatesOf, facts } = await read();
    expect(Array.from(sample.userIds)).toEqual([0, 1]);
    expect(Array.from(sample.itemIds)).toEqual([10, 20, 30, 40, 50, 60, 70]);
    expect(Array.from(sample.train.offsets)).toEqual([0, 3, 4]);
    expect(Array.from(sample.train.items)).toEqual([0, 1, 2, 0]);
    expect(Array.from(sample.train.timestampsMs)).toEqual([100_000, 100_000, 300_000, 50_000]);
    expect(Array.from(sample.testItems)).toEqual([3, 1]);
    expect(Array.from(sample.testTimestampsMs)).toEqual([400_000, 60_000]);
    expect(Array.from(candidatesOf(0))).toEqual([3, 4, 5, 6]);
    expect(Array.from(candidatesOf(1))).toEqual([1, 2, 4, 5]);
    expect(facts).toEqual({
      users: 2,
      items: 7,
      interactions: 4,
      testedUsers: 2,
      coldTestItems: 1,
      repeatedPairs: 0,
      timed: true,
      fewestCandidates: 3,
      mostCandidates: 3,
      ownTestItemUsers: 0,
      repeatedCandidates: 0,
      trainedCandidates: 0,
    });
  });

  it("count once, and say, what stands twice: a test item among its candidates, a candidate, a training pair", async () => {
    const { sample, candidatesOf, facts } = await read({
      train: "0\t10\t5\t300\n0\t20\t4\t100\n0\t10\t4\t100\n1\t10\t3\t50\n",
      candidates: "(0,40)\t50\t40\t60\t50\n(1,20)\t10\t50\t60\n",
    });
    expect(Array.from(candidatesOf(0))).toEqual([2, 3, 4]);
    expect(Array.from(sample.train.items)).toEqual([1, 0, 0]);
    expect(facts).toMatchObject({ ownTestItemUsers: 1, repeatedCandidates: 1, trainedCandidates: 1, repeatedPairs: 1 });
    expect(facts).toMatchObject({ fewestCandidates: 2, mostCandidates: 3 });
  });

  it("take the order of lines for the order in time where a file has no times", async () => {
    const { sample, facts } = await read({ train: "0 30\n1 10\n0 10\n0 20\n" });
    expect(Array.from(sample.train.items)).toEqual([2, 0, 1, 0]);
    expect(Array.from(sample.testTimestampsMs)).toEqual([4, 5]);
    expect(facts.timed).toBe(false);
  });

  it("may have ids that are no integers, users who are tested without training, and Windows line ends", async () => {
    const { sample, candidatesOf } = await read({
      train: "ann\tmatrix\t5\t1\r\n",
      test: "bob\tmatrix\t5\t2\r\n",
      candidates: "(bob,matrix)\talien\theat\r\n",
    });
    const bob = Array.from(sample.userIds, (id) => sample.userLabels.get(id)).indexOf("bob");
    const names = Array.from(candidatesOf(bob), (item) => sample.itemLabels.get(sample.itemIds[item]));
    expect(names).toEqual(["matrix", "alien", "heat"]);
    expect(sample.train.offsets[bob + 1] - sample.train.offsets[bob]).toBe(0);
  });

  it.each([
    ["another number of columns", { train: "0\t1\t5\t1\n0\t2\t5" }, /x\.train\.rating, line 2: expected 4 columns/],
    ["one column", { train: "\n0,1,5,1" }, /x\.train\.rating, line 2: expected 2 to 4 columns.*"0,1,5,1"/],
    ["a time that is none", { train: "0\t1\t5\tnoon" }, /line 1: expected a time in seconds/],
    ["no line at all", { train: "\n" }, /expected a line for each rating in x\.train\.rating, found none/],
    ["two test items", { test: "0\t40\t5\t4\n0\t50\t5\t4" }, /x\.test\.rating, line 2: expected one test item a user/],
    ["a test item of training", { test: "0\t10\t5\t4" }, /line 1: expected an item that the user does not have/],
    ["candidates without a pair", { candidates: "0\t50\t60" }, /x\.test\.negative, line 1: expected \(user,item\)/],
    [
      "candidates of another pair",
      { candidates: "(0,50)\t60" },
      /line 1: expected user and item of a line of the test/,
    ],
    ["two lines of a user", { candidates: "(0,40)\t50\n(0,40)\t50" }, /line 2: expected one line a user/],
    ["no candidates of a user", { candidates: "(0,40)\t50" }, /found none for user 1 in x\.test\.negative/],
  ])("are refused with file and line for %s", async (_what, files, reason) => {
    await expect(read(files)).rejects.toThrow(reason);
  });
});
