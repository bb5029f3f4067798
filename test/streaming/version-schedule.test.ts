import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TimeWindows } from "../../src/streaming/time-windows.ts";
import { VersionSchedule } from "../../src/streaming/version-schedule.ts";
import { evaluatorOf, foldAll, modelOf, outcomeOf } from "./fixtures.ts";

const versions = ["v1", "v2", "v3"].map((version) => modelOf(300, { version }));
const [first, second, third] = versions;

const promotions = fc.array(
  fc.record({
    model: fc.constantFrom(...versions),
    fromMs: fc.integer({ min: -2, max: 6 }).map((window) => 1000 * window),
    fromOffset: fc.option(fc.nat(20)),
  }),
  { maxLength: 8 },
);

describe("a schedule from a place on", () => {
  it("answers the same for whatever may follow, with fewer promotions", () => {
    let forgotten = 0;
    fc.assert(
      fc.property(promotions, fc.integer({ min: -2000, max: 6000 }), fc.nat(20), (list, fromMs, offset) => {
        const whole = new VersionSchedule(first, list);
        const since = whole.since(fromMs, offset);
        forgotten += list.length - since.promotions.length;
        for (let ms = fromMs; ms < fromMs + 9000; ms += 500) {
          for (let at = offset; at < offset + 22; at++) expect(since.inForce(ms, at)).toBe(whole.inForce(ms, at));
        }
      }),
      { numRuns: 200 },
    );
    expect(forgotten).toBeGreaterThan(100);
  });

  it("begins at the earliest window that is open at its stream time", () => {
    const shapes = fc.record({ size: fc.integer({ min: 1, max: 50 }), advance: fc.nat(49), grace: fc.nat(30) });
    fc.assert(
      fc.property(shapes, fc.integer({ min: -300, max: 300 }), ({ size, advance, grace }, streamTimeMs) => {
        const windows = TimeWindows.ofSizeAndGrace(size, grace).advanceBy(1 + (advance % size));
        const earliest = windows.earliestOpenMs(streamTimeMs);
        expect(windows.isStart(earliest)).toBe(true);
        expect(windows.isClosed(windows.at(earliest), streamTimeMs)).toBe(false);
        expect(windows.isClosed(windows.at(earliest - windows.advanceMs), streamTimeMs)).toBe(true);
      }),
    );
  });
});

describe("a promotion", () => {
  it("that is in force at its time already changes nothing, also once the partition has got there", () => {
    const evaluator = evaluatorOf(first);
    evaluator.promote(second, 1000);
    evaluator.promote(third, 5000);
    foldAll(evaluator, [[1, 5, 1200]]);
    evaluator.promote(second, 1000);
    expect(evaluator.takeCommit(false).partial.promotions).toHaveLength(2);
    expect(outcomeOf(foldAll(evaluator, [[1, 6, 5000]])[0]).version).toBe("v3");
  });

  it("counts again after another of the same time", () => {
    const evaluator = evaluatorOf(first);
    for (const model of [second, first, second]) evaluator.promote(model, 1000);
    expect(evaluator.promotions.map(({ model }) => model.version)).toEqual(["v2", "v1", "v2"]);
    expect(outcomeOf(foldAll(evaluator, [[1, 5, 1000]])[0]).version).toBe("v2");
  });
});
