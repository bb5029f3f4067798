import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { decodeSnapshot } from "../../src/streaming/history-snapshot.ts";
import { encodeEndOfStream } from "../../src/streaming/interaction-event.ts";
import type { StreamModel } from "../../src/streaming/stream-model.ts";
import { TimeWindows } from "../../src/streaming/time-windows.ts";
import { UserHistories } from "../../src/streaming/user-histories.ts";
import { WindowAggregator } from "../../src/streaming/window-aggregator.ts";
import { evaluatorOf, foldAll, modelOf, outcomeOf, recordOf, textRecord, touchyScore, windows } from "./fixtures.ts";

const model = modelOf(300);
const endOfStream = (offset: number) => ({ offset, value: encodeEndOfStream(), timestampMs: 0 });

describe("ranking an event", () => {
  it("gives a constant scorer an HR@10 of 0.10 exactly", () => {
    const [folded] = foldAll(evaluatorOf(model), [[1, 5, 0]]);
    expect(outcomeOf(folded)).toMatchObject({ above: 0, tied: 99, candidates: 100, model: { hit: 100_000_000 } });
  });

  it("gives an oracle 1 and its opposite 0", () => {
    let next = -1;
    const oracle: StreamModel["score"] = (_user, _history, items, scores) => {
      for (let i = 0; i < items.length; i++) scores[i] = items[i] === next ? 1 : 0;
    };
    const opposite: StreamModel["score"] = (...args) => {
      oracle(...args);
      const [, , items, scores] = args;
      for (let i = 0; i < items.length; i++) scores[i] *= -1;
    };
    for (const [score, hit, ndcg] of [
      [oracle, 1e9, 1e9],
      [opposite, 0, 0],
    ] as const) {
      const evaluator = evaluatorOf(modelOf(300, { score }));
      for (let i = 0; i < 50; i++) {
        next = (7 * i) % 300;
        const [folded] = foldAll(evaluator, [[i % 3, next + 1, i]]);
        expect(outcomeOf(folded).model).toEqual({ hit, ndcg });
      }
    }
  });

  it("draws 99 distinct items that the user has not touched, the event's own first", () => {
    let seen: number[] = [];
    const spy = modelOf(300, {
      score: (_user, _history, items, scores) => {
        seen = [...items];
        scores.fill(1);
      },
    });
    for (const touched of [0, 3, 150]) {
      const evaluator = evaluatorOf(spy);
      foldAll(
        evaluator,
        Array.from({ length: touched }, (_, i) => [1, i + 1, i]),
      );
      foldAll(evaluator, [[1, 300, 500]]);
      expect(seen[0]).toBe(299);
      expect(new Set(seen).size).toBe(100);
      expect(Math.min(...seen)).toBeGreaterThanOrEqual(touched);
    }
  });

  it("takes all unseen items where there are fewer than 99, and counts it", () => {
    const evaluator = evaluatorOf(modelOf(100));
    const [first, second] = foldAll(evaluator, [
      [1, 5, 0],
      [1, 6, 1],
    ]);
    expect(outcomeOf(first).candidates).toBe(100);
    expect(outcomeOf(second).candidates).toBe(99);
    expect(evaluator.takeCommit(false).partial.deltas[0].sums.shortCandidates).toBe(1);
  });

  it.each([300, 1000])("draws by seed, user, item and time, and by nothing else, of %i items", (items) => {
    const drawn = (seed: number, user: number, item: number, time: number, others: number) => {
      let seen: number[] = [];
      const spy = modelOf(items, {
        score: (userId, _history, items, scores) => {
          if (userId === user) seen = [...items];
          scores.fill(1);
        },
      });
      const evaluator = evaluatorOf(spy, { seed });
      for (let i = 0; i < others; i++) foldAll(evaluator, [[500 + i, 200, 0]]);
      foldAll(evaluator, [[user, item, time]]);
      return seen.slice(1).join();
    };
    expect(drawn(1, 2, 3, 4, 0)).toBe(drawn(1, 2, 3, 4, 3));
    const draws = [
      drawn(1, 2, 3, 4, 0),
      drawn(2, 2, 3, 4, 0),
      drawn(1, 3, 3, 4, 0),
      drawn(1, 2, 4, 4, 0),
      drawn(1, 2, 3, 5, 0),
    ];
    expect(new Set(draws).size).toBe(5);
  });

  it("ranks the same candidates by popularity and decayed popularity", () => {
    const [popular, rare] = foldAll(evaluatorOf(model), [
      [1, 300, 0],
      [2, 1, 0],
    ]).map(outcomeOf);
    expect(popular.popularity.hit).toBe(1e9);
    expect(popular.decayedPopularity.hit).toBe(0);
    expect(rare.popularity.hit).toBe(0);
    expect(rare.decayedPopularity.hit).toBe(1e9);
  });

  it("hands the model the user's earlier items that its catalogue has, in the order they came", () => {
    const histories: number[][] = [];
    const spy = modelOf(300, {
      score: (_user, history, _items, scores) => {
        histories.push([...history]);
        scores.fill(1);
      },
    });
    foldAll(evaluatorOf(spy), [
      [1, 20, 50],
      [2, 30, 60],
      [1, 999, 10],
      [1, 10, 40],
      [1, 40, 70],
    ]);
    expect(histories).toEqual([[], [], [19], [19, 9]]);
  });

  it("refuses a score that is no number", () => {
    const broken = modelOf(300, { score: (_user, _history, _items, scores) => void scores.fill(Number.NaN) });
    expect(() => foldAll(evaluatorOf(broken), [[1, 5, 0]])).toThrow(expect.objectContaining({ code: "SCORE_NAN" }));
  });
});

describe("what an outcome says of its user and item", () => {
  it("is cold without history, folded in for a user unknown to the model, warm for a known one", () => {
    const kinds = foldAll(evaluatorOf(model), [
      [1, 5, 0],
      [1, 6, 0],
      [2, 5, 0],
      [2, 6, 0],
    ]).map((folded) => outcomeOf(folded).kind);
    expect(kinds).toEqual(["cold", "foldedIn", "cold", "warm"]);
  });

  it("has an activity quartile by events up to the cut-off, for users that the model knows", () => {
    const base = new UserHistories();
    for (const [user, count] of [
      [2, 1],
      [4, 2],
      [6, 3],
      [8, 4],
      [9, 4],
    ]) {
      for (let item = 1; item <= count; item++) base.append(user, item, -item, false);
    }
    const evaluator = evaluatorOf(modelOf(300, { cutOffMs: 0 }), { base: { id: "b", histories: base } });
    const quartiles = [2, 4, 6, 8, 9].map((user) => {
      // A first event after the cut-off, which the version has not learnt from, must not count.
      foldAll(evaluator, [[user, 50, 1]]);
      return outcomeOf(foldAll(evaluator, [[user, 60, 2]])[0]).quartile;
    });
    expect(quartiles).toEqual([1, 2, 3, 4, null]);
  });

  it("says whether the item had no training interaction", () => {
    const cold = foldAll(evaluatorOf(model), [
      [1, 1, 0],
      [1, 2, 0],
    ]).map((folded) => outcomeOf(folded).coldItem);
    expect(cold).toEqual([true, false]);
  });
});

describe("windows and lateness", () => {
  it.each([
    [999, "outcome"],
    [1000, "outcome"],
    [1099, "outcome"],
    [1100, "late"],
    [1101, "late"],
  ])("an event of a window that ends at 1000, at stream time %i, is %s", (streamTime, kind) => {
    const evaluator = evaluatorOf(model);
    const folded = foldAll(evaluator, [
      [1, 5, streamTime],
      [2, 5, 999],
    ]);
    expect(folded[1].kind).toBe(kind);
    const deltas = evaluator
      .takeCommit(false)
      .partial.deltas.map(({ startMs, sums: { cases, late } }) => [startMs, cases, late]);
    const before =
      streamTime < 1000
        ? [[0, 2, 0]]
        : [
            [0, 1, 0],
            [1000, 1, 0],
          ];
    expect(deltas).toEqual(kind === "late" ? [[1000, 1, 1]] : before);
  });

  it("counts an event at a window's end in the next one", () => {
    const [folded] = foldAll(evaluatorOf(model), [[1, 5, 1000]]);
    expect(outcomeOf(folded).windows).toEqual([{ startMs: 1000, endMs: 2000, firstOfUser: true }]);
  });

  it("never takes an event that moves stream time for late, however far it jumps", () => {
    const evaluator = evaluatorOf(model, { windows: TimeWindows.ofSizeAndGrace(1000, 0) });
    const kinds = foldAll(evaluator, [
      [1, 5, -9000],
      [1, 6, 123_456],
      [1, 7, 123_000],
    ]).map(({ kind }) => kind);
    expect(kinds).toEqual(["outcome", "outcome", "outcome"]);
    expect(evaluator.streamTimeMs).toBe(123_456);
  });

  it("takes none of an idle partition's events for late on its return: its own stream time has stood still", () => {
    const idle = evaluatorOf(model);
    foldAll(idle, [[1, 5, 500]]);
    const other = evaluatorOf(model, { partition: 1, partitionCount: 2 });
    foldAll(other, [[2, 5, 9000]]);
    const aggregator = new WindowAggregator(windows, 2);
    const awake = new WindowAggregator(windows, 2);
    const [idlePartial, otherPartial] = [idle.takeCommit(true).partial, other.takeCommit(false).partial];
    expect(idlePartial).toMatchObject({ idle: true, streamTimeMs: 500 });
    for (const partial of [idlePartial, otherPartial]) aggregator.fold(partial);
    for (const partial of [{ ...idlePartial, idle: false }, otherPartial]) awake.fold(partial);
    const [back] = foldAll(idle, [[3, 5, 600]]);
    expect(back.kind).toBe("outcome");
    foldAll(idle, [[3, 6, 1100]]);
    const { partial } = idle.takeCommit(false);
    // What was final gets a revision with the very content that it would have had without the idle declaration.
    const [{ total: _, ...revised }] = aggregator.fold(partial);
    const [{ total: __, ...undisturbed }] = awake.fold(partial);
    expect(undisturbed).toMatchObject({ startMs: 0, final: true, revision: 0, cases: 2 });
    expect(revised).toEqual({ ...undisturbed, revision: 1 });
  });

  it("lets a late event join the history, untested", () => {
    const evaluator = evaluatorOf(model);
    const [, late, repeat, next] = foldAll(evaluator, [
      [1, 5, 5000],
      [1, 6, 100],
      [1, 6, 5000],
      [1, 7, 5001],
    ]);
    expect(late).toMatchObject({ kind: "late", late: { offset: 1, streamTimeMs: 5000, event: { itemId: 6 } } });
    expect(repeat.kind).toBe("repeat");
    expect(outcomeOf(next).windows[0].firstOfUser).toBe(false);
    expect(evaluator.histories.read(0).tested).toEqual(Uint8Array.of(1, 0, 1));
    expect(evaluator.takeCommit(false).late).toHaveLength(1);
  });

  it("counts an event only in those of its hopping windows that are open", () => {
    const hopping = windows.advanceBy(500);
    const evaluator = evaluatorOf(model, { windows: hopping });
    const [, , outcome] = foldAll(evaluator, [
      [1, 5, 1599],
      [2, 5, 1600],
      [3, 5, 999],
    ]);
    // [500, 1500) closes at 1600.
    expect(outcome.kind).toBe("late");
    const other = evaluatorOf(model, { windows: hopping });
    const [, kept] = foldAll(other, [
      [1, 5, 1599],
      [3, 5, 999],
    ]);
    expect(outcomeOf(kept).windows.map(({ startMs }) => startMs)).toEqual([500]);
  });

  it("says for each window whether it is the user's first tested event there, in whatever order they come", () => {
    const edges = fc.nat(15).map((quarter) => 250 * quarter);
    const arrivals = fc.array(fc.oneof(fc.nat(3999), edges), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(arrivals, fc.constantFrom(250, 500, 1000), (times, advance) => {
        const wide = TimeWindows.ofSizeAndGrace(1000, 10_000).advanceBy(advance);
        const folded = foldAll(
          evaluatorOf(model, { windows: wide }),
          times.map((time, i) => [1, i + 1, time]),
        );
        const met = new Set<number>();
        for (const window of folded.flatMap((one) => outcomeOf(one).windows)) {
          expect(window.firstOfUser).toBe(!met.has(window.startMs));
          met.add(window.startMs);
        }
      }),
    );
  });
});

describe("events that are not tested", () => {
  it("are repeats where the user has touched the item, by the stream or by snapshot 0", () => {
    const base = new UserHistories();
    base.append(1, 7, -5, false);
    const evaluator = evaluatorOf(model, { base: { id: "b", histories: base } });
    const kinds = foldAll(evaluator, [
      [1, 7, 0],
      [1, 8, 1],
      [1, 8, 2],
      [1, 7, 3],
      [2, 7, 4],
    ]).map(({ kind }) => kind);
    expect(kinds).toEqual(["repeat", "outcome", "repeat", "repeat", "outcome"]);
    const { partial, outcomes } = evaluator.takeCommit(false);
    expect(partial.deltas[0].sums).toMatchObject({ repeats: 3, cases: 2 });
    expect(outcomes[0].kind).toBe("foldedIn");
    expect(base.entryCount).toBe(1);
  });

  it("move stream time when they are repeats", () => {
    const evaluator = evaluatorOf(model);
    const folded = foldAll(evaluator, [
      [1, 7, 0],
      [1, 7, 1100],
      [2, 7, 999],
    ]);
    expect(folded.map(({ kind }) => kind)).toEqual(["outcome", "repeat", "late"]);
  });

  it("count a repeat in its own window, or where the stream stands once that is closed", () => {
    const evaluator = evaluatorOf(model);
    foldAll(evaluator, [
      [1, 7, 0],
      [1, 7, 500],
      [1, 8, 2000],
      [1, 7, 500],
    ]);
    const repeats = evaluator.takeCommit(false).partial.deltas.map(({ startMs, sums }) => [startMs, sums.repeats]);
    expect(repeats).toEqual([
      [0, 1],
      [2000, 1],
    ]);
  });

  it("are counted and remembered where the catalogue lacks the item", () => {
    const evaluator = evaluatorOf(model);
    const [unknown, next, again] = foldAll(evaluator, [
      [1, 301, 0],
      [1, 5, 1],
      [1, 301, 2],
    ]);
    expect(unknown.kind).toBe("unknownItem");
    expect(outcomeOf(next)).toMatchObject({ kind: "foldedIn", windows: [{ firstOfUser: true }] });
    expect(again.kind).toBe("repeat");
    expect(evaluator.takeCommit(false).partial.deltas[0].sums).toMatchObject({ unknownItems: 1, cases: 1, users: 1 });
  });

  it("are dead letters with the reason where they do not parse, and change nothing", () => {
    const evaluator = evaluatorOf(model);
    const value = new TextEncoder().encode("{");
    const deadLetter = { partition: 0, offset: 4, reason: expect.stringContaining("no JSON"), value };
    expect(evaluator.fold(textRecord(4, "{"))).toEqual({ kind: "deadLetter", deadLetter });
    expect(evaluator.streamTimeMs).toBe(null);
    expect(evaluator.takeCommit(false)).toMatchObject({
      deadLetters: [deadLetter],
      partial: { nextOffset: 5, deltas: [] },
    });
  });

  it("are dead letters where their clock is further ahead of the record's time than allowed", () => {
    const evaluator = evaluatorOf(model, { maxAheadMs: 1000 });
    const event = (timestampMs: number) => ({ userId: 1, itemId: timestampMs, timestampMs });
    expect(evaluator.fold(recordOf(0, event(6001), 5000))).toMatchObject({
      deadLetter: { reason: "timestampMs: expected at most 1000 ms after the record's own time 5000, found 6001" },
    });
    expect(evaluator.streamTimeMs).toBe(null);
    expect(evaluator.fold(recordOf(1, event(100), 5000)).kind).toBe("outcome");
    expect(evaluator.fold(recordOf(2, event(6000), 5000)).kind).toBe("unknownItem");
    expect(evaluator.histories.entryCount).toBe(2);
  });

  it("change nothing where their offset was folded before", () => {
    const evaluator = evaluatorOf(model);
    const record = recordOf(3, { userId: 1, itemId: 5, timestampMs: 0 });
    expect([evaluator.fold(record).kind, evaluator.fold(record).kind]).toEqual(["outcome", "redelivered"]);
    expect(evaluator.takeCommit(false).partial).toMatchObject({
      fromOffset: 0,
      nextOffset: 4,
      deltas: [{ sums: { repeats: 0 } }],
    });
  });
});

describe("the end of the stream", () => {
  it("closes every window of the partition", () => {
    const evaluator = evaluatorOf(model);
    foldAll(evaluator, [[1, 5, 0]]);
    expect(evaluator.fold(endOfStream(1))).toEqual({ kind: "endOfStream" });
    const [late] = foldAll(evaluator, [[1, 6, 50_000]]);
    expect(late).toMatchObject({ kind: "late", late: { streamTimeMs: null } });
    const { partial } = evaluator.takeCommit(false);
    expect(partial).toMatchObject({ ended: true, nextOffset: 3 });
    expect(partial.deltas).toHaveLength(1);
    expect(partial.deltas[0].sums.late).toBe(0);
  });
});

describe("versions", () => {
  const second = modelOf(300, { version: "v2" });
  const versionOf = (evaluator: ReturnType<typeof evaluatorOf>, item: number, time: number) =>
    outcomeOf(foldAll(evaluator, [[1, item, time]])[0]).version;

  it("take effect at a window's start in event time", () => {
    const evaluator = evaluatorOf(model);
    evaluator.promote(second, 1000);
    expect([versionOf(evaluator, 1, 999), versionOf(evaluator, 2, 1000), versionOf(evaluator, 3, 999)]).toEqual([
      "v1",
      "v2",
      "v1",
    ]);
    const { promotions, deltas } = evaluator.takeCommit(false).partial;
    expect(promotions).toEqual([{ version: "v2", fromMs: 1000, fromOffset: null }]);
    expect(deltas.map(({ sums }) => sums.versions)).toEqual([{ v1: 2 }, { v2: 1 }]);
  });

  it("take effect from the next record on where the partition was ahead, and the commit says where", () => {
    const evaluator = evaluatorOf(model);
    foldAll(evaluator, [[1, 1, 1000]]);
    evaluator.promote(second, 1000);
    expect([versionOf(evaluator, 2, 1000), versionOf(evaluator, 3, 999)]).toEqual(["v2", "v1"]);
    expect(evaluator.takeCommit(false).partial.promotions).toEqual([{ version: "v2", fromMs: 1000, fromOffset: 1 }]);
  });

  it("can be rolled back by a promotion of an older one", () => {
    const evaluator = evaluatorOf(model);
    evaluator.promote(second, 1000);
    evaluator.promote(model, 2000);
    expect([versionOf(evaluator, 1, 1999), versionOf(evaluator, 2, 2000)]).toEqual(["v2", "v1"]);
  });

  it("are refused from the middle of a window on", () => {
    expect(() => evaluatorOf(model).promote(second, 1001)).toThrow(
      expect.objectContaining({ code: "PROMOTION_INVALID" }),
    );
  });

  it("rank by their own catalogue", () => {
    const evaluator = evaluatorOf(modelOf(100));
    evaluator.promote(modelOf(200, { version: "v2" }), 1000);
    expect(foldAll(evaluator, [[1, 150, 0]])[0].kind).toBe("unknownItem");
    const [outcome, known] = foldAll(evaluator, [
      [2, 5, 1000],
      [2, 150, 1000],
    ]);
    expect(outcomeOf(outcome).candidates).toBe(100);
    expect(outcomeOf(known).version).toBe("v2");
  });
});

describe("a version's cut-off", () => {
  const late = modelOf(300, { cutOffMs: 500 });

  it("is refused as a leak at or before it, with both times and the way out, and the event is not folded", () => {
    const evaluator = evaluatorOf(late);
    expect(() => foldAll(evaluator, [[1, 5, 500]])).toThrow(
      expect.objectContaining({
        code: "LEAK",
        message: expect.stringMatching(
          /after 1970-01-01T00:00:00.500Z .* found one of 1970-01-01T00:00:00.500Z .* allow the leak/,
        ),
      }),
    );
    expect(evaluator.nextOffset).toBe(0);
    expect(evaluator.takeCommit(false).partial.deltas).toEqual([]);
    expect(foldAll(evaluator, [[1, 5, 501]])[0].kind).toBe("outcome");
  });

  it("is passed where leaks are allowed, and the outcome and the sums say so", () => {
    const evaluator = evaluatorOf(late, { leak: "mark" });
    const leaked = foldAll(evaluator, [
      [1, 5, 500],
      [1, 6, 501],
    ]).map((folded) => outcomeOf(folded).leaked);
    expect(leaked).toEqual([true, false]);
    expect(evaluator.takeCommit(false).partial.deltas[0].sums.leaked).toBe(1);
  });

  it("is no matter for an event that is not ranked", () => {
    const base = new UserHistories();
    base.append(1, 5, 100, false);
    const evaluator = evaluatorOf(late, { base: { id: "b", histories: base } });
    expect(foldAll(evaluator, [[1, 5, 100]])[0].kind).toBe("repeat");
  });
});

describe("a snapshot of a partition", () => {
  it("is refused by another partition, partition count or base", () => {
    const snapshot = () => decodeSnapshot(evaluatorOf(model).snapshot(), "s");
    const base = { id: "b", histories: new UserHistories() };
    for (const options of [{ partition: 1 }, { partitionCount: 2 }, { base }]) {
      expect(() => evaluatorOf(model, options).restore(snapshot())).toThrow(
        expect.objectContaining({
          code: "SNAPSHOT_MISMATCH",
          message: expect.stringContaining("start a new consumer group"),
        }),
      );
    }
  });

  it("says where to go on, and that the stream has ended", () => {
    const evaluator = evaluatorOf(model);
    foldAll(evaluator, [[1, 5, 700]]);
    evaluator.fold(endOfStream(6));
    const successor = evaluatorOf(model);
    successor.restore(decodeSnapshot(evaluator.snapshot(), "s"));
    expect(successor.nextOffset).toBe(7);
    expect(successor.streamTimeMs).toBe(700);
    expect(foldAll(successor, [[1, 6, 800]])[0].kind).toBe("late");
    expect(successor.takeCommit(false).partial).toMatchObject({ fromOffset: 7, nextOffset: 8, ended: true });
  });

  it("holds only users that the partition met, with all of their history in snapshot 0", () => {
    const base = new UserHistories();
    base.append(1, 7, -5, false);
    base.append(2, 7, -5, false);
    const evaluator = evaluatorOf(model, { base: { id: "b", histories: base } });
    foldAll(evaluator, [[2, 8, 0]]);
    const { head, histories } = decodeSnapshot(evaluator.snapshot(), "s");
    expect(head).toMatchObject({ users: 1, entries: 2, offset: 1, streamTimeMs: 0, base: "b" });
    expect(histories.read(histories.userIndex(2)).itemIds).toEqual(Float64Array.of(7, 8));
  });
});

describe("a fold", () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it("reads no clock and no global random number", () => {
    const run = () => {
      const evaluator = evaluatorOf(modelOf(300, { score: touchyScore(1) }));
      foldAll(evaluator, [
        [1, 5, 0],
        [2, 5, 10],
        [1, 6, 1500],
      ]);
      return evaluator.takeCommit(false);
    };
    const expected = run();
    vi.useFakeTimers({ now: 0 });
    const refuse = () => {
      throw new Error("the fold must not ask");
    };
    vi.spyOn(Date, "now").mockImplementation(refuse);
    vi.spyOn(Math, "random").mockImplementation(refuse);
    vi.spyOn(performance, "now").mockImplementation(refuse);
    expect(run()).toEqual(expected);
  });

  it("takes a record's own time for nothing but the check of the event's", () => {
    const run = (timestampMs: number) => {
      const evaluator = evaluatorOf(modelOf(300, { score: touchyScore(1) }));
      for (let i = 0; i < 5; i++)
        evaluator.fold(recordOf(i, { userId: 1, itemId: i + 1, timestampMs: i * 400 }, timestampMs));
      return evaluator.takeCommit(false);
    };
    expect(run(9e9)).toEqual(run(1600));
  });
});
