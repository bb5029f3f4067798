import { describe, expect, it } from "vitest";
import {
  axisPercent,
  compact,
  decimalsOf,
  duration,
  grouped,
  megabytes,
  millisecondsText,
  percent,
  points,
  pValueText,
  signedPoints,
} from "../../../src/app/report/number-text.ts";

describe("numbers in words", () => {
  it.each([
    [0, "0"],
    [999, "999"],
    [1000, "1,000"],
    [20000263, "20,000,263"],
  ])("groups %d as %s", (value, text) => expect(grouped(value)).toBe(text));

  it.each([
    [0.52, "0.5"],
    [7, "7"],
    [412.4, "412"],
    [999.7, "1.0 k"],
    [9_960, "10 k"],
    [412_300, "412 k"],
    [999_600, "1.0 M"],
    [1_234_567, "1.2 M"],
    [2_500_000_000, "2.5 G"],
  ])("shortens %d to %s", (value, text) => expect(compact(value)).toBe(text));

  it.each([
    [0, "0.00 s"],
    [0.34, "0.34 s"],
    [0.997, "1.0 s"],
    [9.97, "10.0 s"],
    [59.97, "1 min 0 s"],
    [75, "1 min 15 s"],
    [3599.7, "1 h 0 min"],
    [3700, "1 h 2 min"],
  ])("tells %d seconds as %s", (value, text) => expect(duration(value)).toBe(text));

  it.each([
    [[12.3, -0.4], 2],
    [[0.04, -0.0031], 3],
    [[0, 0.00061], 5],
    [[0], 2],
    [[], 2],
  ])("tells the values of %j apart by %d decimals", (values, decimals) => expect(decimalsOf(values)).toBe(decimals));

  it("tells shares, points, p-values and memory", () => {
    expect(percent(0.7123)).toBe("71.2 %");
    expect([0, 0.05, 0.025, 0.15].map(axisPercent)).toEqual(["0 %", "5 %", "2.5 %", "15 %"]);
    expect([null, 0.02, 0.3, 4.87, 12.3, 1234].map(millisecondsText)).toEqual([
      "-",
      "<0.1",
      "0.3",
      "4.9",
      "12",
      "1,234",
    ]);
    expect(points(-0.0312)).toBe("3.1 points");
    expect(points(0.01)).toBe("1.0 point");
    expect(signedPoints(-0.0312)).toBe("−3.1");
    expect(signedPoints(0.0004)).toBe("0.0");
    expect(pValueText(0.0004)).toBe("p < 0.001");
    expect(pValueText(0.034)).toBe("p = 0.034");
    expect(megabytes(512 * 2 ** 20)).toBe("512 MB");
  });
});
