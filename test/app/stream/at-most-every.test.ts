import { expect, it } from "vitest";
import { atMostEvery } from "../../../src/app/stream/at-most-every.ts";

it("is due at first, and again once the interval is over", () => {
  let nowMs = 0;
  const due = atMostEvery(100, () => nowMs);
  const at = (ms: number): boolean => {
    nowMs = ms;
    return due();
  };
  expect([0, 1, 99, 100, 199, 350, 449, 450].map(at)).toEqual([true, false, false, true, false, true, false, true]);
});
