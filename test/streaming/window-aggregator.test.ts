import { describe, expect, it } from "vitest";
import { TimeWindows } from "../../src/streaming/time-windows.ts";
import { aggregatorStateSchema, WindowAggregator } from "../../src/streaming/window-aggregator.ts";
import { type WindowPartial, windowPartialSchema } from "../../src/streaming/window-partial.ts";
import { emptySums } from "../../src/streaming/window-sums.ts";
import { windows } from "./fixtures.ts";

/** A partial of one partition; `cases` by window start. */
function partial(
  partition: number,
  [fromOffset, nextOffset]: readonly [number, number],
  streamTimeMs: number | null,
  cases: Record<number, number> = {},
  state: { idle?: boolean; ended?: boolean } = {},
): WindowPartial {
  const deltas = Object.entries(cases).map(([start, count]) => {
    const sums = emptySums();
    sums.cases = count;
    return { startMs: Number(start), endMs: Number(start) + 1000, sums };
  });
  return {
    partition,
    fromOffset,
    nextOffset,
    streamTimeMs,
    ended: false,
    idle: false,
    deltas,
    promotions: [],
    challengers: [],
    ...state,
  };
}

const brief = (reports: ReturnType<WindowAggregator["fold"]>) =>
  reports.map(({ startMs, cases, final, revision }) => `${startMs}: ${cases}${final ? " final" : ""} r${revision}`);

describe("a window of one partition", () => {
  it.each([
    [999, "0: 1 r0"],
    [1000, "0: 1 r0"],
    [1099, "0: 1 r0"],
    [1100, "0: 1 final r0"],
    [1101, "0: 1 final r0"],
  ])("that ends at 1000 with a grace of 100 is, at stream time %i, %s", (streamTime, expected) => {
    expect(brief(new WindowAggregator(windows, 1).fold(partial(0, [0, 1], streamTime, { 0: 1 })))).toEqual([expected]);
  });

  it("adds up its partials, and becomes final by stream time alone", () => {
    const aggregator = new WindowAggregator(windows, 1);
    expect(brief(aggregator.fold(partial(0, [0, 5], 10, { 0: 3 })))).toEqual(["0: 3 r0"]);
    expect(brief(aggregator.fold(partial(0, [5, 9], 1050, { 0: 1, 1000: 2 })))).toEqual(["0: 4 r0", "1000: 2 r0"]);
    expect(brief(aggregator.fold(partial(0, [9, 10], 2099)))).toEqual(["0: 4 final r0"]);
    expect(brief(aggregator.fold(partial(0, [10, 11], 2100)))).toEqual(["1000: 2 final r0"]);
    expect(aggregator.save().windows).toEqual([]);
  });

  it("becomes final with the end of the stream", () => {
    const aggregator = new WindowAggregator(windows, 1);
    expect(brief(aggregator.fold(partial(0, [0, 5], 10, { 0: 3 }, { ended: true })))).toEqual(["0: 3 final r0"]);
  });
});

describe("a window of several partitions", () => {
  it("waits for the last one, also for one that has not been heard of", () => {
    const aggregator = new WindowAggregator(windows, 3);
    expect(brief(aggregator.fold(partial(0, [0, 1], 1100, { 0: 1 })))).toEqual(["0: 1 r0"]);
    expect(brief(aggregator.fold(partial(1, [0, 1], 1099, { 0: 1 })))).toEqual(["0: 2 r0"]);
    expect(brief(aggregator.fold(partial(1, [1, 2], 1100)))).toEqual([]);
    expect(brief(aggregator.fold(partial(2, [0, 1], 5000)))).toEqual(["0: 2 final r0"]);
  });

  it("is not held back by an idle one", () => {
    const aggregator = new WindowAggregator(windows, 2);
    aggregator.fold(partial(1, [0, 1], 10, { 0: 1 }));
    expect(brief(aggregator.fold(partial(0, [0, 1], 1100, { 0: 1 })))).toEqual(["0: 2 r0"]);
    expect(brief(aggregator.fold(partial(1, [1, 1], 10, {}, { idle: true })))).toEqual(["0: 2 final r0"]);
  });

  it("is not closed by idleness alone: some stream time must have got there", () => {
    const aggregator = new WindowAggregator(windows, 2);
    aggregator.fold(partial(0, [0, 1], 1099, { 0: 1 }, { idle: true }));
    expect(brief(aggregator.fold(partial(1, [0, 0], null, {}, { idle: true })))).toEqual([]);
    expect(brief(aggregator.fold(partial(0, [1, 2], 1100, {}, { idle: true })))).toEqual(["0: 1 final r0"]);
  });

  it("gets a revision each time that a returning idle partition adds to it", () => {
    const aggregator = new WindowAggregator(windows, 2);
    aggregator.fold(partial(1, [0, 0], null, {}, { idle: true }));
    aggregator.fold(partial(0, [0, 1], 1100, { 0: 1, 1000: 1 }));
    expect(brief(aggregator.fold(partial(1, [0, 4], 500, { 0: 2 })))).toEqual(["0: 3 final r1"]);
    // Awake again, it holds back windows that are not final.
    expect(brief(aggregator.fold(partial(0, [1, 2], 2100)))).toEqual([]);
    expect(brief(aggregator.fold(partial(1, [4, 5], 1200, { 0: 1, 1000: 1 })))).toEqual([
      "0: 4 final r2",
      "1000: 2 r0",
    ]);
    const [report] = aggregator.fold(partial(1, [5, 6], 2100));
    expect(report).toMatchObject({
      startMs: 1000,
      final: true,
      revision: 0,
      total: { windows: 2, cases: 6, throughMs: 2000 },
    });
    expect(aggregator.save().windows).toEqual([]);
  });

  it("is kept after it is final only while an idle partition might add to it", () => {
    const aggregator = new WindowAggregator(windows, 2);
    aggregator.fold(partial(1, [0, 1], 10, {}, { idle: true }));
    aggregator.fold(partial(0, [0, 1], 1100, { 0: 1 }));
    expect(aggregator.save().windows).toHaveLength(1);
    aggregator.fold(partial(1, [1, 2], 1100));
    expect(aggregator.save().windows).toHaveLength(0);
  });
});

describe("the running total", () => {
  it("of a final report covers the final windows up to its own", () => {
    const aggregator = new WindowAggregator(windows, 1);
    const reports = aggregator.fold(partial(0, [0, 9], 9000, { "-1000": 1, 0: 2, 1000: 4, 9000: 8 }));
    expect(reports.map(({ total }) => [total.windows, total.throughMs, total.cases])).toEqual([
      [1, 0, 1],
      [2, 1000, 3],
      [3, 2000, 7],
      [3, 2000, 7],
    ]);
  });

  it("takes hopping windows in without overlap", () => {
    const aggregator = new WindowAggregator(windows.advanceBy(500), 1);
    const reports = aggregator.fold(partial(0, [0, 9], 0, { 0: 5, 500: 3, 1000: 4, 1500: 2 }, { ended: true }));
    expect(reports.at(-1)?.total).toMatchObject({ windows: 2, cases: 9 });
  });

  it("passes 2^53 without losing a unit", () => {
    const aggregator = new WindowAggregator(windows, 1);
    const next = (offset: number, hits: number) => {
      const one = partial(0, [offset, offset + 1], 1000 * offset, { [1000 * offset]: 1 });
      one.deltas[0].sums.model.hits = hits;
      return aggregator.fold(one);
    };
    next(0, 2 ** 53 - 1);
    next(1, 2 ** 53 - 1);
    next(2, 1);
    next(3, 1);
    // Hits come third, after cases and users; windows 0 and 1000 are final at stream time 3000.
    expect(aggregator.save().total.values[2]).toBe((2n ** 54n - 2n).toString());
    const state = aggregatorStateSchema.parse(JSON.parse(JSON.stringify(aggregator.save())));
    expect(WindowAggregator.restore(windows, 1, state).save()).toEqual(aggregator.save());
  });
});

describe("a challenger's trial", () => {
  const promotion = { leastCases: 10, leastUsers: 1, margin: 0.02 };
  /** A partial whose deltas have paired cases, all hits of the challenger alone. */
  const paired = (...args: Parameters<typeof partial>): WindowPartial => {
    const one = partial(...args);
    for (const { sums } of one.deltas) {
      const replicates = { cases: new Array(100).fill(1), difference: new Array(100).fill(1e9) };
      const score = { hits: 1e9 * sums.cases, ndcg: 0 };
      const { cases } = sums;
      const none = { hits: 0, ndcg: 0 };
      sums.challengers.v2 = { cases, users: 1, newUsers: 1, champion: none, challenger: score, replicates };
    }
    return one;
  };

  it("adds up final windows that do not overlap, and is saved", () => {
    const aggregator = new WindowAggregator(windows.advanceBy(500), 1, promotion);
    aggregator.fold(paired(0, [0, 9], 1599, { 0: 4, 500: 3, 1000: 5, 1500: 2 }));
    expect(aggregator.trials).toEqual([{ version: "v2", cases: 4, users: 1, verdict: null }]);
    const state = aggregatorStateSchema.parse(JSON.parse(JSON.stringify(aggregator.save())));
    const other = WindowAggregator.restore(windows.advanceBy(500), 1, state, promotion);
    for (const one of [aggregator, other]) one.fold(paired(0, [9, 10], 2100, { 1000: 1 }));
    expect(other.trials).toMatchObject([{ cases: 10, users: 3, verdict: { promoted: true, difference: 1 } }]);
    expect(other.trials).toEqual(aggregator.trials);
  });

  it("takes in what an idle partition brings to a final window, until there is a verdict", () => {
    const aggregator = new WindowAggregator(windows, 2, promotion);
    aggregator.fold(partial(1, [0, 0], null, {}, { idle: true }));
    aggregator.fold(paired(0, [0, 1], 1100, { 0: 7 }));
    aggregator.fold(paired(1, [0, 1], 500, { 0: 2 }));
    expect(aggregator.trials).toMatchObject([{ cases: 9, verdict: null }]);
    aggregator.fold(paired(1, [1, 2], 500, { 0: 1 }));
    aggregator.fold(paired(1, [2, 3], 500, { 0: 1 }));
    expect(aggregator.trials).toMatchObject([{ cases: 10, verdict: { cases: 10 } }]);
  });
});

describe("partials", () => {
  it("are taken in once, however often they come", () => {
    const aggregator = new WindowAggregator(windows, 2);
    const list = [partial(0, [0, 5], 10, { 0: 3 }), partial(0, [5, 9], 1050, { 0: 1 })];
    for (const one of list) aggregator.fold(one);
    const before = aggregator.save();
    for (const one of list) expect(aggregator.fold(one)).toEqual([]);
    expect(aggregator.save()).toEqual(before);
  });

  it("are refused where one before them is missing, be it the first", () => {
    const aggregator = new WindowAggregator(windows, 1);
    expect(() => aggregator.fold(partial(0, [5, 9], 10))).toThrow(expect.objectContaining({ code: "PARTIAL_GAP" }));
    aggregator.fold(partial(0, [0, 5], 10));
    for (const range of [
      [6, 9],
      [4, 9],
    ] as const) {
      expect(() => aggregator.fold(partial(0, range, 10))).toThrow(expect.objectContaining({ code: "PARTIAL_GAP" }));
    }
  });

  it("are refused from a partition that is not there", () => {
    const aggregator = new WindowAggregator(windows, 2);
    expect(() => aggregator.fold(partial(2, [0, 1], 1))).toThrow(
      expect.objectContaining({ code: "PARTITIONS_CHANGED" }),
    );
  });

  it("are refused with sums of a window of another shape, or of one that their partition has closed", () => {
    const aggregator = new WindowAggregator(windows, 2);
    const refused = expect.objectContaining({ code: "PARTIAL_INVALID" });
    expect(() => aggregator.fold(partial(0, [0, 1], 1, { 500: 1 }))).toThrow(refused);
    aggregator.fold(partial(0, [0, 1], 1100));
    expect(() => aggregator.fold(partial(0, [1, 2], 1100, { 0: 1 }))).toThrow(refused);
    aggregator.fold(partial(0, [1, 2], 1100, { 1000: 1 }, { ended: true }));
    expect(() => aggregator.fold(partial(0, [2, 3], 1100, { 1000: 1 }, { ended: true }))).toThrow(refused);
  });

  it("survive JSON", () => {
    const one = partial(0, [0, 5], null, { 0: 3 });
    expect(windowPartialSchema.parse(JSON.parse(JSON.stringify(one)))).toEqual(one);
  });
});

describe("saved state", () => {
  it("goes on where it was, and is apart from the aggregator that saved it", () => {
    const aggregator = new WindowAggregator(windows, 2);
    aggregator.fold(partial(0, [0, 5], 1150, { 0: 3, 1000: 1 }));
    const state = aggregatorStateSchema.parse(JSON.parse(JSON.stringify(aggregator.save())));
    const other = WindowAggregator.restore(windows, 2, state);
    const next = partial(1, [0, 5], 1200, { 0: 1 });
    expect(other.fold(next)).toEqual(aggregator.fold(next));
    expect(other.save()).toEqual(aggregator.save());
    expect(state.windows[0].sums.cases).toBe(3);
  });

  it("is refused for other windows or another number of partitions", () => {
    const state = new WindowAggregator(windows, 2).save();
    const refused = expect.objectContaining({
      code: "STATE_MISMATCH",
      message: expect.stringContaining("new consumer group"),
    });
    expect(() => WindowAggregator.restore(windows, 3, state)).toThrow(refused);
    expect(() => WindowAggregator.restore(windows.advanceBy(500), 2, state)).toThrow(refused);
    expect(() => WindowAggregator.restore(TimeWindows.ofSizeAndGrace(1000, 99), 2, state)).toThrow(refused);
  });
});
