import { describe, expect, it } from "vitest";
import { encodeJson } from "../../src/core/json.ts";
import { pairedSumsBytes } from "../../src/streaming/paired-sums.ts";
import { poissonWeights, replicateCount } from "../../src/streaming/poisson-bootstrap.ts";
import type { StreamModel } from "../../src/streaming/stream-model.ts";
import { aggregatorStateSchema, WindowAggregator } from "../../src/streaming/window-aggregator.ts";
import { windowPartialSchema } from "../../src/streaming/window-partial.ts";
import { windowReportSchema } from "../../src/streaming/window-report.ts";
import { evaluatorOf, foldAll, modelOf, outcomeOf, touchyScore, windows } from "./fixtures.ts";

const champion = modelOf(300, { score: touchyScore(1) });
const challenger = modelOf(300, { version: "v2", score: touchyScore(2) });

type Triple = readonly [number, number, number];
const many = (users: number): Triple[] =>
  Array.from({ length: 3 * users }, (_, i): Triple => [i % users, ((i * 37) % 299) + 2, i]);

/** Scores candidates by their place, the event's own being the first. */
function byPlace(sign: 1 | -1): StreamModel["score"] {
  return (_userId, _history, items, scores) => scores.set(Array.from(items, (_, i) => sign * i));
}

/** A model with the ids of the items that it was asked to score, and of the history. */
function spyOf(facts: Partial<StreamModel>): { model: StreamModel; asked: { items: number[]; history: number[] }[] } {
  const asked: { items: number[]; history: number[] }[] = [];
  const model: StreamModel = modelOf(300, {
    ...facts,
    score: (_userId, history, items, scores) => {
      const idOf = (index: number) => model.catalogue[index];
      asked.push({ items: [...items].map(idOf), history: [...history].map(idOf) });
      for (let i = 0; i < items.length; i++) scores[i] = items[i];
    },
  });
  return { model, asked };
}

describe("a challenger", () => {
  it("ranks the very candidates of the version in force, by the same history, in its own catalogue", () => {
    const one = spyOf({});
    // The challenger has the same items, at other places of its catalogue.
    const two = spyOf({ version: "v2", catalogue: Float64Array.from({ length: 400 }, (_, i) => i - 50) });
    const evaluator = evaluatorOf(one.model);
    evaluator.challenge(two.model, 0);
    foldAll(evaluator, many(4));
    expect(one.asked).toHaveLength(12);
    expect(two.asked).toEqual(one.asked);
    expect(one.asked.at(-1)?.history).toHaveLength(2);
  });

  it("has the metrics that it would have in force", () => {
    const beside = evaluatorOf(champion);
    beside.challenge(challenger, 0);
    const alone = evaluatorOf(challenger);
    const scores = foldAll(beside, many(10)).map((folded) => outcomeOf(folded).challenger);
    const expected = foldAll(alone, many(10)).map((folded) => outcomeOf(folded).model);
    expect(scores.map((score) => ({ hit: score?.hit, ndcg: score?.ndcg }))).toEqual(expected);
  });

  it("begins and ends at window starts, or at the next record where the partition was ahead", () => {
    const evaluator = evaluatorOf(champion);
    evaluator.challenge(challenger, 1000);
    evaluator.challenge(null, 2000);
    evaluator.challenge(null, 2000);
    const tested = (item: number, time: number) =>
      outcomeOf(foldAll(evaluator, [[1, item, time]])[0]).challenger !== null;
    expect([tested(1, 999), tested(2, 1000), tested(3, 2000), tested(4, 1999)]).toEqual([false, true, false, true]);
    evaluator.challenge(challenger, 2000);
    expect([tested(5, 2001), tested(6, 1998)]).toEqual([true, true]);
    expect(evaluator.takeCommit(false).partial.challengers).toEqual([
      { version: "v2", fromMs: 1000, fromOffset: null },
      { version: null, fromMs: 2000, fromOffset: null },
      { version: "v2", fromMs: 2000, fromOffset: 4 },
    ]);
    expect(() => evaluator.challenge(null, 2001)).toThrow(expect.objectContaining({ code: "PROMOTION_INVALID" }));
  });

  it.each([
    ["lacks the event's item", { catalogue: Float64Array.from({ length: 299 }, (_, i) => i + 2) }, {}],
    ["lacks a candidate", { catalogue: Float64Array.from({ length: 100 }, (_, i) => i + 1) }, {}],
    ["has learnt from the event", { cutOffMs: 0 }, {}],
    ["has learnt from the event's offset", { cutOffOffsets: new Map([[0, 1]]) }, {}],
    ["was trained on the event elsewhere", { cutOffOffsets: new Map(), trainedOn: () => true }, {}],
    ["is in force", { version: "v1" }, {}],
    ["meets an event that the version in force has learnt from", {}, { cutOffMs: 0 }],
  ])("is not paired where it %s", (_what, facts, championFacts) => {
    const evaluator = evaluatorOf(modelOf(300, championFacts), { leak: "mark" });
    evaluator.challenge(modelOf(300, { version: "v2", ...facts }), 0);
    expect(outcomeOf(foldAll(evaluator, [[1, 1, 0]])[0]).challenger).toBe(null);
    expect(evaluator.takeCommit(false).partial.deltas[0].sums.challengers).toEqual({});
  });

  it("that has no number for an item has missed, and stops nothing", () => {
    const broken = modelOf(300, {
      version: "v2",
      score: (_user, _history, _items, scores) => void scores.fill(Number.NaN),
    });
    const evaluator = evaluatorOf(champion);
    evaluator.challenge(broken, 0);
    const { challenger: found, popularity } = outcomeOf(foldAll(evaluator, [[1, 300, 0]])[0]);
    expect(found).toEqual({ version: "v2", hit: 0, ndcg: 0, firstOfUser: true });
    expect(popularity.hit).toBe(1e9);
  });
});

describe("paired sums", () => {
  const evaluator = evaluatorOf(champion);
  evaluator.challenge(challenger, 0);
  const folded = foldAll(evaluator, many(40)).map(outcomeOf);
  const { partial } = evaluator.takeCommit(false);
  const sums = partial.deltas[0].sums.challengers.v2;
  const total = (of: (outcome: (typeof folded)[number]) => number) => folded.reduce((sum, one) => sum + of(one), 0);

  it("add up what both did, and count a user once a window", () => {
    expect(sums).toMatchObject({ cases: 120, users: 40, newUsers: 40 });
    expect(sums.champion).toEqual({ hits: total((o) => o.model.hit), ndcg: total((o) => o.model.ndcg) });
    expect(sums.challenger.hits).toBe(total((o) => o.challenger?.hit ?? 0));
    expect(sums.challenger.ndcg).toBe(total((o) => o.challenger?.ndcg ?? 0));
  });

  it("count a user once since the challenger began, however many windows follow and in whatever order events come", () => {
    const trial = evaluatorOf(champion);
    trial.challenge(challenger, 1000);
    foldAll(trial, [
      [1, 5, 900],
      [1, 6, 1500],
      [1, 7, 1400],
      [2, 5, 2050],
      [2, 6, 1999],
      [2, 7, 3000],
      [3, 5, 3500],
    ]);
    const paired = trial.takeCommit(false).partial.deltas.map(({ startMs, sums: { challengers } }) => {
      const { cases = 0, users = 0, newUsers = 0 } = challengers.v2 ?? {};
      return [startMs, cases, users, newUsers];
    });
    expect(paired).toEqual([
      [0, 0, 0, 0],
      [1000, 3, 2, 1],
      [2000, 1, 1, 1],
      [3000, 2, 2, 1],
    ]);
  });

  it("weigh a user the same in all windows, so that users are resampled with all that they did", () => {
    const weights = new Uint8Array(replicateCount);
    const expected = { cases: new Array<number>(100).fill(0), difference: new Array<number>(100).fill(0) };
    for (const { userId, model, challenger: tested } of folded) {
      poissonWeights(7, userId, null, weights);
      weights.forEach((weight, r) => {
        expected.cases[r] += weight;
        expected.difference[r] += weight * ((tested?.hit ?? 0) - model.hit);
      });
    }
    expect(sums.replicates).toEqual(expected);
  });

  it("become what a report says of the challenger", () => {
    const [report] = new WindowAggregator(windows, 1).fold(partial);
    const { hrAt10, championHrAt10, difference, differenceInterval, ...rest } = report.challenger ?? expect.fail();
    expect(rest).toEqual({ version: "v2", cases: 120, users: 40 });
    expect(championHrAt10).toBeCloseTo(report.hrAt10 ?? 0, 12);
    expect(hrAt10).toBeCloseTo(total((o) => o.challenger?.hit ?? 0) / 120e9, 12);
    expect(difference).toBeCloseTo((hrAt10 ?? 0) - (championHrAt10 ?? 0), 12);
    expect(differenceInterval?.[0]).toBeLessThan(difference ?? 0);
    expect(differenceInterval?.[1]).toBeGreaterThan(difference ?? 0);
    expect(windowReportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
  });

  it("of several challengers in a window are reported for the one with the most cases", () => {
    const two = evaluatorOf(champion);
    two.challenge(challenger, 0);
    foldAll(two, many(2));
    two.challenge(modelOf(300, { version: "v3" }), 0);
    foldAll(two, [[9, 5, 10]]);
    const [report] = new WindowAggregator(windows, 1).fold(two.takeCommit(false).partial);
    expect(report.challenger).toMatchObject({ version: "v2", cases: 6 });
    expect(report.cases).toBe(7);
  });

  it("of ten thousand events take no more bytes than are reckoned with", () => {
    const perfect = modelOf(300, { version: "v".repeat(64), score: byPlace(-1) });
    const hopeless = modelOf(300, { score: byPlace(1) });
    for (const [inForce, beside] of [
      [hopeless, perfect],
      [
        { ...perfect, version: "v1" },
        { ...hopeless, version: "v".repeat(64) },
      ],
    ]) {
      const busy = evaluatorOf(inForce);
      busy.challenge(beside, 0);
      expect(busy.pendingBytes).toBe(0);
      for (let user = 0; user < 10_000; user++) foldAll(busy, [[user, 200, 1]]);
      expect(busy.pendingBytes).toBe(busy.eventBytes);
      const { challengers } = busy.takeCommit(false).partial.deltas[0].sums;
      expect(encodeJson(challengers).length).toBeLessThan(pairedSumsBytes);
    }
  });
});

describe("what was written before there were challengers", () => {
  it("is still read: partials, states and reports", () => {
    const evaluator = evaluatorOf(champion);
    foldAll(evaluator, many(3));
    const { partial } = evaluator.takeCommit(false);
    const aggregator = new WindowAggregator(windows, 1);
    const [report] = aggregator.fold(partial);
    const older = (value: object) =>
      JSON.parse(JSON.stringify(value, (key, each) => (/^(challengers?|learnt)$/.test(key) ? undefined : each)));
    expect(windowPartialSchema.parse(older(partial))).toEqual(partial);
    expect(windowReportSchema.parse(older(report))).toEqual(report);
    expect(aggregatorStateSchema.parse(older(aggregator.save()))).toEqual(aggregator.save());
  });
});
