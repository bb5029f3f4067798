import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RunningTotal } from "../../src/streaming/running-total.ts";
import { WindowAggregator } from "../../src/streaming/window-aggregator.ts";
import { type WindowReport, windowReport, windowReportSchema } from "../../src/streaming/window-report.ts";
import { emptySums } from "../../src/streaming/window-sums.ts";
import { evaluatorOf, foldAll, modelOf, touchyScore, windows } from "./fixtures.ts";

type Triple = readonly [number, number, number];

/** The report of window 0 after these events, while it is open. */
function reportOf(triples: readonly Triple[], model = modelOf(300, { score: touchyScore(1) }), seed = 7): WindowReport {
  const evaluator = evaluatorOf(model, { seed });
  foldAll(evaluator, triples);
  return new WindowAggregator(windows, 1).fold(evaluator.takeCommit(false).partial)[0];
}

/** `users` users with up to four events each on items of their own. */
const manyEvents = (users: number): Triple[] =>
  Array.from({ length: users }, (_, user) =>
    Array.from({ length: 1 + (user % 4) }, (_, i): Triple => [user, ((user * 37 + i * 101) % 299) + 2, i]),
  ).flat();

describe("a window report", () => {
  it("fits its schema, with and without cases, and survives JSON", () => {
    for (const report of [reportOf(manyEvents(20)), reportOf([[1, 999, 0]])]) {
      expect(windowReportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
    }
  });

  it("gives a constant scorer 0.10, with no width to its interval", () => {
    const report = reportOf(manyEvents(40), modelOf(300));
    expect(report.hrAt10).toBe(0.1);
    expect(report.hrAt10Interval?.map((bound) => bound.toFixed(9))).toEqual(["0.100000000", "0.100000000"]);
  });

  it("is the mean over the outcomes", () => {
    const evaluator = evaluatorOf(modelOf(300, { score: touchyScore(2) }));
    foldAll(evaluator, manyEvents(30));
    const { outcomes, partial } = evaluator.takeCommit(false);
    const [report] = new WindowAggregator(windows, 1).fold(partial);
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length / 1e9;
    expect(report.hrAt10).toBeCloseTo(mean(outcomes.map(({ model }) => model.hit)), 12);
    expect(report.ndcgAt10).toBeCloseTo(mean(outcomes.map(({ model }) => model.ndcg)), 12);
    expect(report.popularity.hrAt10).toBeCloseTo(mean(outcomes.map(({ popularity }) => popularity.hit)), 12);
    expect(report.decayedPopularity.ndcgAt10).toBeCloseTo(mean(outcomes.map((o) => o.decayedPopularity.ndcg)), 12);
    expect(report.popularity.difference).toBeCloseTo(mean(outcomes.map((o) => o.model.hit - o.popularity.hit)), 12);
    expect(report.users).toBe(30);
    expect(report.cases).toBe(outcomes.length);
    const warm = outcomes.filter(({ kind }) => kind === "warm");
    expect(report.byKind.warm).toMatchObject({ cases: warm.length });
    expect(report.byKind.warm.hrAt10).toBeCloseTo(mean(warm.map(({ model }) => model.hit)), 12);
  });

  it("counts shares of cold users and cold items", () => {
    const report = reportOf([
      [2, 50, 0],
      [2, 1, 1],
      [4, 999, 2],
      [4, 51, 3],
      [6, 52, 4],
    ]);
    // User 4's first tested event has a history: the item outside the catalogue.
    expect(report.coldUserShare).toBeCloseTo(2 / 3, 12);
    expect(report.coldItemShare).toBe(0.25);
    expect(report).toMatchObject({ cases: 4, unknownItems: 1, users: 3, versions: { v1: 4 } });
  });

  it("has no metric without a case, and no interval for a single user", () => {
    expect(reportOf([[1, 999, 0]])).toMatchObject({
      cases: 0,
      hrAt10: null,
      hrAt10Interval: null,
      coldUserShare: null,
    });
    const single = reportOf([
      [1, 5, 0],
      [1, 6, 1],
    ]);
    expect(single).toMatchObject({ cases: 2, users: 1, hrAt10Interval: null, ndcgAt10Interval: null });
    expect(single.popularity.differenceInterval).toBe(null);
  });

  it("has intervals around its metrics and within their range", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), fc.nat(50), (users, salt) => {
        const report = reportOf(manyEvents(users), modelOf(300, { score: touchyScore(salt) }), salt);
        for (const [value, interval, least] of [
          [report.hrAt10, report.hrAt10Interval, 0],
          [report.ndcgAt10, report.ndcgAt10Interval, 0],
          [report.popularity.difference, report.popularity.differenceInterval, -1],
          [report.decayedPopularity.difference, report.decayedPopularity.differenceInterval, -1],
        ] as const) {
          const [low, high] = interval ?? [Number.NaN, Number.NaN];
          expect(low).toBeLessThanOrEqual(value ?? Number.NaN);
          expect(high).toBeGreaterThanOrEqual(value ?? Number.NaN);
          expect(low).toBeGreaterThanOrEqual(least);
          expect(high).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("has an interval that holds the truth about 95 times in 100", () => {
    // Scores are hashes, so the true HR@10 is near 0.10; what 150 windows of the same kind give is the truth.
    const reports = Array.from({ length: 150 }, (_, salt) =>
      reportOf(manyEvents(60), modelOf(300, { score: touchyScore(salt) }), salt),
    );
    const truth = reports.reduce((sum, { hrAt10 }) => sum + (hrAt10 ?? 0), 0) / reports.length;
    const held = reports.filter(({ hrAt10Interval }) => {
      const [low, high] = hrAt10Interval ?? [1, 0];
      return low <= truth && truth <= high;
    });
    expect(held.length / reports.length).toBeGreaterThan(0.88);
    expect(held.length / reports.length).toBeLessThan(0.99);
  });

  it("tells a difference on the same users better than the two intervals apart", () => {
    const model = modelOf(300);
    // The model ranks as popularity does, so the difference is exactly none, however uncertain each of them is.
    const twin = modelOf(300, {
      score: (_user, _history, items, scores) => {
        for (let i = 0; i < items.length; i++) scores[i] = model.popularity[items[i]];
      },
    });
    const { popularity, hrAt10Interval } = reportOf(manyEvents(30), twin);
    expect(popularity.differenceInterval).toEqual([0, 0]);
    expect(hrAt10Interval?.[0]).not.toBe(hrAt10Interval?.[1]);
  });

  it("is apart from the sums that it was made of", () => {
    const sums = emptySums();
    sums.versions.a = 1;
    const report = windowReport(windows.at(0), sums, { final: false, revision: 0 }, new RunningTotal());
    sums.versions.a = 2;
    expect(report.versions).toEqual({ a: 1 });
  });
});
