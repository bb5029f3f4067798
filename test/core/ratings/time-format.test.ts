import { describe, expect, it } from "vitest";
import { detectTimeFormat, parseTime } from "../../../src/core/ratings/time-format.ts";

describe("parseTime", () => {
  it.each([
    ["964982703", "seconds", 964982703000],
    ["0", "seconds", 0],
    ["-1", "seconds", -1000],
    ["964982703.5", "seconds", 964982703500],
    ["964982703.1234", "seconds", 964982703123],
    ["964982703123", "milliseconds", 964982703123],
    ["2010-12-01", "iso", Date.UTC(2010, 11, 1)],
    ["2010-12-01T08:26", "iso", Date.UTC(2010, 11, 1, 8, 26)],
    ["2010-12-01 08:26:30", "iso", Date.UTC(2010, 11, 1, 8, 26, 30)],
    ["2010-12-01T08:26:30.250Z", "iso", Date.UTC(2010, 11, 1, 8, 26, 30, 250)],
    ["2010-12-01T08:26:30+02:00", "iso", Date.UTC(2010, 11, 1, 6, 26, 30)],
    ["2010-12-01T08:26:30-0530", "iso", Date.UTC(2010, 11, 1, 13, 56, 30)],
    ["1950-01-01", "iso", Date.UTC(1950, 0, 1)],
    ["12/1/2010 8:26", "mdy", Date.UTC(2010, 11, 1, 8, 26)],
    ["12/31/2010", "mdy", Date.UTC(2010, 11, 31)],
    ["12/1/2010 8:26 PM", "mdy", Date.UTC(2010, 11, 1, 20, 26)],
    ["12/1/2010 12:05 AM", "mdy", Date.UTC(2010, 11, 1, 0, 5)],
    ["1.12.2010 8:26:05", "dmy", Date.UTC(2010, 11, 1, 8, 26, 5)],
  ] as const)("reads %s as %s", (text, format, expected) => {
    expect(parseTime(text, format)).toBe(expected);
  });

  it.each([
    ["", "seconds", "timestamp is empty"],
    ["abc", "seconds", "timestamp is not a number"],
    ["1e9", "seconds", "timestamp is not a number"],
    ["NaN", "seconds", "timestamp is not a number"],
    ["Infinity", "seconds", "timestamp is not a number"],
    ["-1.5", "seconds", "timestamp is negative with a fraction"],
    ["964982703123", "seconds", "timestamp lies outside the years 1 to 9999"],
    ["99999999999999999999", "milliseconds", "timestamp lies outside the years 1 to 9999"],
    ["2010-02-31", "iso", "timestamp is not an ISO 8601 date"],
    ["2010-13-01", "iso", "timestamp is not an ISO 8601 date"],
    ["2010-12-01T25:00", "iso", "timestamp is not an ISO 8601 date"],
    ["31/12/2010", "mdy", "timestamp is not a date (mdy)"],
    ["12/31/2010", "dmy", "timestamp is not a date (dmy)"],
    ["12/1/2010 13:00 PM", "mdy", "timestamp is not a date (mdy)"],
  ] as const)("rejects %s as %s", (text, format, reason) => {
    expect(parseTime(text, format)).toBe(reason);
  });
});

it("agrees with Date on every day of many years, leap years and their exceptions too", () => {
  for (const year of [1, 99, 1582, 1600, 1700, 1899, 1900, 1970, 2000, 2023, 2024, 2100, 9999]) {
    for (let month = 0; month <= 13; month++) {
      for (let day = 0; day <= 32; day++) {
        const text = `${String(year).padStart(4, "0")}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
        const date = new Date(0);
        date.setUTCFullYear(year, month - 1, day);
        const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
        expect(parseTime(text, "iso"), text).toBe(exists ? date.getTime() : "timestamp is not an ISO 8601 date");
      }
    }
  }
});

describe("detectTimeFormat", () => {
  it.each([
    [["964982703", "964982704.5"], "seconds"],
    [["964982703123"], "milliseconds"],
    [["-5", "3", "1112486027"], "seconds"],
    [["2010-12-01T08:26:30Z", "", "bad"], "iso"],
    [["12/1/2010 8:26", "12/13/2010 8:26"], "mdy"],
    [["1/12/2010 8:26", "13/12/2010 8:26"], "dmy"],
  ] as const)("takes %j for %s", (values, expected) => {
    expect(detectTimeFormat(values)).toBe(expected);
  });

  it("asks when numbers look like dates", () => {
    expect(() => detectTimeFormat(["20101201", "20101202"])).toThrow(
      expect.objectContaining({ code: "TIME_FORMAT_AMBIGUOUS" }),
    );
  });

  it("asks when the day could be the month in every value", () => {
    expect(() => detectTimeFormat(["12/1/2010", "1/2/2011"])).toThrow(
      expect.objectContaining({ code: "TIME_FORMAT_AMBIGUOUS" }),
    );
  });

  it("asks when no format fits", () => {
    expect(() => detectTimeFormat(["yesterday"])).toThrow(expect.objectContaining({ code: "TIME_FORMAT_UNKNOWN" }));
  });
});
