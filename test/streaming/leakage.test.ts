/** No event is ranked by anything that came after it: not by a model, a table, a catalogue or a history. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { trainingCounts } from "../../src/core/leave-one-out.ts";
import type { RatingTable } from "../../src/core/ratings.ts";
import { mix } from "../../src/core/rng.ts";
import { interactionsBefore } from "../../src/core/temporal-split.ts";
import type { WireEvent } from "../../src/streaming/interaction-event.ts";
import type { Outcome } from "../../src/streaming/outcome.ts";
import { PartitionEvaluator } from "../../src/streaming/partition-evaluator.ts";
import { historiesOf } from "../../src/streaming/sample-histories.ts";
import type { StreamModel } from "../../src/streaming/stream-model.ts";
import { TimeWindows } from "../../src/streaming/time-windows.ts";
import { VersionSchedule } from "../../src/streaming/version-schedule.ts";
import { WindowAggregator } from "../../src/streaming/window-aggregator.ts";
import type { WindowReport } from "../../src/streaming/window-report.ts";
import { recordOf } from "./fixtures.ts";
import { events, ratings, split, streamModelOf, trainedNetwork } from "./trained-model.ts";

/** An item that nobody has touched before the split. */
const planted = 987_654;
const dayMs = 86_400_000;
const windows = TimeWindows.ofSizeAndGrace(30 * dayMs, dayMs);
const base = { id: "before", histories: historiesOf(split.before) };
const model = streamModelOf(await trainedNetwork(split.before), split.before);

/** The ratings with another future: everybody rates the planted item, and rates other items than they did. */
function withOtherFuture(): RatingTable {
  const { fromMs } = split;
  const item = ratings.item.map((was, row) => {
    if (ratings.timestampMs[row] < fromMs) return was;
    return row % 3 === 0 ? ratings.itemIds.length : mix(row, 1, 2) % ratings.itemIds.length;
  });
  return { ...ratings, item, itemIds: Float64Array.from([...ratings.itemIds, planted]) };
}

function evaluatorOf(version: StreamModel): PartitionEvaluator {
  const options = { partition: 0, partitionCount: 1, windows, seed: 7, maxAheadMs: 0, base };
  return new PartitionEvaluator(options, new VersionSchedule(version));
}

interface Final {
  /** Of the event that closed the window. */
  readonly offset: number;
  readonly report: WindowReport;
}

/** What is known once `upTo` events have come: each event's fate as text, and the windows that are final. */
function known(stream: readonly WireEvent[], upTo: number): { fates: string[]; finals: Final[] } {
  const evaluator = evaluatorOf(model);
  const aggregator = new WindowAggregator(windows, 1);
  const fates: string[] = [];
  const finals: Final[] = [];
  stream.forEach((event, offset) => {
    const fate = JSON.stringify(evaluator.fold(recordOf(offset, event, Number.MAX_SAFE_INTEGER)));
    const reports = aggregator.fold(evaluator.takeCommit(false).partial);
    if (offset >= upTo) return;
    fates.push(fate);
    finals.push(...reports.filter(({ final }) => final).map((report) => ({ offset, report })));
  });
  return { fates, finals };
}

describe("a model version", () => {
  it("is the same with another future: catalogue, training interactions, popularity and its decayed form", () => {
    const other = interactionsBefore(withOtherFuture(), split.fromMs);
    expect(other).toEqual(split.before);
    expect([...model.catalogue]).not.toContain(planted);
    const counts = new Map<number, number>();
    for (let row = 0; row < ratings.length; row++) {
      if (ratings.timestampMs[row] >= split.fromMs) continue;
      const id = ratings.itemIds[ratings.item[row]];
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    expect([...model.popularity]).toEqual([...model.catalogue].map((id) => counts.get(id)));
    expect(model.cutOffMs).toBeLessThan(split.fromMs);
    // The other future would show in them.
    const leaky = interactionsBefore(withOtherFuture(), Number.POSITIVE_INFINITY);
    expect(leaky.itemIds.at(-1)).toBe(planted);
    expect(trainingCounts(leaky).at(-1)).toBeGreaterThan(5);
  });

  it("that has learnt from the future ranks no event up to the last that it has learnt from", async () => {
    const future = interactionsBefore(withOtherFuture(), Number.POSITIVE_INFINITY);
    const knowing = streamModelOf(await trainedNetwork(future), future, "knows the planted item");
    const evaluator = evaluatorOf(knowing);
    let refused = 0;
    for (const event of events) {
      const stranger = { ...event, userId: 555_000 + refused, itemId: planted };
      expect(() => evaluator.fold(recordOf(0, stranger, event.timestampMs))).toThrow(
        expect.objectContaining({ code: "LEAK" }),
      );
      refused += 1;
    }
    expect(refused).toBe(events.length);
    expect(evaluator.takeCommit(false).outcomes).toEqual([]);
    const next = { userId: 1, itemId: planted, timestampMs: knowing.cutOffMs + 1 };
    expect(evaluator.fold(recordOf(0, next, next.timestampMs)).kind).toBe("outcome");
  });

  it("promoted by an offset still ranks no late-coming event from before its cut-off", () => {
    const evaluator = evaluatorOf({ ...model, version: "v0" });
    const [first, second, third] = events.slice(-3);
    const start = windows.windowsFor(first.timestampMs)[0].startMs;
    evaluator.fold(recordOf(0, first, first.timestampMs));
    evaluator.promote({ ...model, version: "v1", cutOffMs: third.timestampMs }, start);
    expect(() => evaluator.fold(recordOf(1, second, second.timestampMs))).toThrow(
      expect.objectContaining({ code: "LEAK" }),
    );
  });

  it("ranks an item that only the future knows neither as the event's nor among the candidates", () => {
    const seen = new Set<number>();
    const spy: StreamModel = {
      ...model,
      score: (userId, history, items, scores) => {
        for (const item of [...items, ...history]) seen.add(model.catalogue[item]);
        model.score(userId, history, items, scores);
      },
    };
    const evaluator = evaluatorOf(spy);
    const kinds = events.map((event, i) => {
      const one = i % 4 === 0 ? { ...event, itemId: planted } : event;
      return [i % 4 === 0, evaluator.fold(recordOf(i, one, event.timestampMs)).kind] as const;
    });
    // A repeat: a user's second event on it.
    expect(new Set(kinds.filter(([isPlanted]) => isPlanted).map(([, kind]) => kind))).toEqual(
      new Set(["unknownItem", "repeat"]),
    );
    expect(seen.size).toBeGreaterThan(100);
    expect(seen).not.toContain(planted);
  });
});

describe("an event's outcome", () => {
  const expected = known(events, events.length);
  const isAfterCutOff = ({ timestampMs }: WireEvent) => timestampMs > model.cutOffMs;
  /** How the stream goes on after an event. */
  const futures = fc.oneof(
    fc.constant((_rest: readonly WireEvent[]): WireEvent[] => []),
    fc.constant((rest: readonly WireEvent[]) => [...rest].reverse()),
    fc.constant((rest: readonly WireEvent[]) => rest.map((event) => ({ ...event, itemId: planted }))),
    fc.nat().map((seed) => (rest: readonly WireEvent[]) => {
      const keyed = rest.map((event, i) => ({ event, at: mix(i, seed, 1) }));
      return keyed.sort((a, b) => a.at - b.at).map(({ event }) => event);
    }),
    fc
      .array(
        fc.record({
          userId: fc.constantFrom(...new Set(events.map(({ userId }) => userId))),
          itemId: fc.constantFrom(...split.before.itemIds, planted),
          timestampMs: fc.integer({ min: 0, max: 2 ** 45 }),
        }),
        { maxLength: 200 },
      )
      .map((added) => (rest: readonly WireEvent[]) => [...added.filter(isAfterCutOff), ...rest]),
  );

  it("and every report that is final by then are the same bytes, whatever comes after", () => {
    fc.assert(
      fc.property(fc.nat(events.length), futures, (upTo, goOn) => {
        const found = known([...events.slice(0, upTo), ...goOn(events.slice(upTo))], upTo);
        expect(found.fates).toEqual(expected.fates.slice(0, upTo));
        const finals = expected.finals.filter(({ offset }) => offset < upTo);
        expect(JSON.stringify(found.finals)).toBe(JSON.stringify(finals));
      }),
      { numRuns: 25 },
    );
    // The cases that matter did occur: all kinds of users, ranks of all sorts, windows that close on the way.
    const outcomes: Outcome[] = expected.fates.flatMap((fate) => JSON.parse(fate).outcome ?? []);
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(["cold", "foldedIn", "warm"]));
    expect(new Set(outcomes.map(({ above }) => above)).size).toBeGreaterThan(20);
    expect(expected.finals.length).toBeGreaterThan(3);
  });

  it("changes with what came before, so that the tests above can tell", () => {
    const other = [...events.slice(0, 10).map((event) => ({ ...event, itemId: planted })), ...events.slice(10)];
    const found = known(other, other.length);
    expect(found.fates.slice(10)).not.toEqual(expected.fates.slice(10));
  });
});
