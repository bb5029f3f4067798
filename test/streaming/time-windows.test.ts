import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TimeWindows } from "../../src/streaming/time-windows.ts";

const starts = (windows: TimeWindows, timestampMs: number) =>
  windows.windowsFor(timestampMs).map(({ startMs }) => startMs);

describe("tumbling windows", () => {
  const windows = TimeWindows.ofSizeAndGrace(1000, 100);

  it("hold their start and not their end", () => {
    expect(windows.windowsFor(999)).toEqual([{ startMs: 0, endMs: 1000 }]);
    expect(windows.windowsFor(1000)).toEqual([{ startMs: 1000, endMs: 2000 }]);
  });

  it("are aligned to the epoch on both sides of it", () => {
    expect(starts(windows, -1)).toEqual([-1000]);
    expect(starts(windows, -1000)).toEqual([-1000]);
    expect(starts(windows, -1001)).toEqual([-2000]);
    expect(Object.is(starts(windows, -0)[0], 0)).toBe(true);
  });

  it("close once stream time reaches end plus grace", () => {
    const window = windows.at(0);
    expect(windows.closesAtMs(window)).toBe(1100);
    expect([999, 1000, 1099, 1100, 1101].map((time) => windows.isClosed(window, time))).toEqual([
      false,
      false,
      false,
      true,
      true,
    ]);
  });
});

describe("hopping windows", () => {
  it("hold an event once for each window around it, earliest first", () => {
    const windows = TimeWindows.ofSizeAndGrace(1000, 0).advanceBy(250);
    expect(starts(windows, 1000)).toEqual([250, 500, 750, 1000]);
    expect(starts(windows, 999)).toEqual([0, 250, 500, 750]);
    expect(starts(windows, -1)).toEqual([-1000, -750, -500, -250]);
  });

  it("hold exactly the windows that contain an event, for any size and advance", () => {
    const shape = fc
      .integer({ min: 1, max: 60 })
      .chain((size) =>
        fc.tuple(fc.constant(size), fc.integer({ min: 1, max: size }), fc.integer({ min: -500, max: 500 })),
      );
    fc.assert(
      fc.property(shape, ([size, advance, time]) => {
        const windows = TimeWindows.ofSizeAndGrace(size, 0).advanceBy(advance);
        const expected: number[] = [];
        for (let k = -600; k <= 600; k++) {
          const start = k * advance;
          if (start <= time && time < start + size) expected.push(start);
        }
        expect(starts(windows, time)).toEqual(expected);
        for (const start of expected) expect(windows.isStart(start)).toBe(true);
      }),
    );
  });

  it("enter a running total without overlap, and without a gap where the advance divides the size", () => {
    for (const [size, advance] of [
      [1000, 250],
      [1000, 1000],
      [1000, 300],
    ]) {
      const windows = TimeWindows.ofSizeAndGrace(size, 0).advanceBy(advance);
      const times = Array.from({ length: 400 }, (_, i) => -6000 + 30 * i);
      const counts = times.map((time) => windows.windowsFor(time).filter((window) => windows.inTotal(window)).length);
      expect(Math.max(...counts)).toBe(1);
      expect(Math.min(...counts)).toBe(size % advance === 0 ? 1 : 0);
    }
  });
});

describe("windows of an impossible shape", () => {
  it.each([
    ["a size of zero", () => TimeWindows.ofSizeAndGrace(0, 0)],
    ["a size that is no integer", () => TimeWindows.ofSizeAndGrace(1.5, 0)],
    ["a negative grace", () => TimeWindows.ofSizeAndGrace(1, -1)],
    ["an advance above the size", () => TimeWindows.ofSizeAndGrace(1000, 0).advanceBy(1001)],
    ["an advance of zero", () => TimeWindows.ofSizeAndGrace(1000, 0).advanceBy(0)],
    [
      "an advance that makes thousands of windows an event",
      () => TimeWindows.ofSizeAndGrace(86_400_000, 0).advanceBy(1),
    ],
  ])("are refused: %s", (_, make) => {
    expect(make).toThrow(expect.objectContaining({ code: "WINDOW_INVALID" }));
  });
});
