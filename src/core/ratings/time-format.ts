/** How a column of times is written, and its translation to integer milliseconds UTC. */
import { NcfError } from "../errors.ts";

/**
 * `seconds` and `milliseconds` since 1970-01-01 UTC; `iso` is ISO 8601, date alone or date and time, UTC where no offset
 * is given; `mdy` and `dmy` are dates such as 12/31/2010 or 31.12.2010, optionally followed by hh:mm or hh:mm:ss, an
 * optional AM or PM, taken as UTC.
 */
export type TimeFormat = "seconds" | "milliseconds" | "iso" | "mdy" | "dmy";

export const timeFormats: readonly TimeFormat[] = ["seconds", "milliseconds", "iso", "mdy", "dmy"];

/** The years 1 to 9999: what every reader of our Parquet files can show. */
const minTimestampMs = -62135596800000;
export const maxTimestampMs = 253402300799999;

const decimal = /^-?\d+(?:\.\d+)?$/;
const iso =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?(Z|UTC|[+-]\d{2}(?::?\d{2})?)?)?$/i;
const slashed = /^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:[ T,]+(\d{1,2}):(\d{2})(?::(\d{2}))?(?: ?([AP])\.?M\.?)?)?$/i;

/**
 * The time that `text` means, in integer milliseconds UTC, or the reason why it means none.
 *
 * A fraction of a second is kept to the millisecond (rounded); whole negative numbers are times before 1970, negative
 * fractions are rejected as damage.
 */
export function parseTime(text: string, format: TimeFormat): number | string {
  if (text === "") return "timestamp is empty";
  const ms = format === "seconds" || format === "milliseconds" ? parseEpoch(text, format) : parseCalendar(text, format);
  if (typeof ms === "string") return ms;
  if (!(ms >= minTimestampMs && ms <= maxTimestampMs)) return "timestamp lies outside the years 1 to 9999";
  return ms;
}

function parseEpoch(text: string, format: "seconds" | "milliseconds"): number | string {
  if (!decimal.test(text)) return "timestamp is not a number";
  if (text.startsWith("-") && text.includes(".")) return "timestamp is negative with a fraction";
  return Math.round(format === "seconds" ? Number(text) * 1000 : Number(text)) + 0;
}

function parseCalendar(text: string, format: "iso" | "mdy" | "dmy"): number | string {
  const fail = format === "iso" ? "timestamp is not an ISO 8601 date" : `timestamp is not a date (${format})`;
  const match = (format === "iso" ? iso : slashed).exec(text);
  if (match === null) return fail;
  const [, a, b, c, hours = "0", minutes = "0", seconds = "0"] = match;
  const [year, month, day] = format === "iso" ? [a, b, c] : format === "mdy" ? [c, a, b] : [c, b, a];
  let hour = Number(hours);
  let offsetMs = 0;
  let fractionMs = 0;
  if (format === "iso") {
    fractionMs = Math.round(Number(`0.${match[7] ?? "0"}`) * 1000);
    offsetMs = zoneOffsetMs(match[8]);
  } else if (match[7] !== undefined) {
    if (hour < 1 || hour > 12) return fail;
    hour = (hour % 12) + (match[7].toUpperCase() === "P" ? 12 : 0);
  }
  if (hour > 23 || Number(minutes) > 59 || Number(seconds) > 60) return fail;
  const dayMs = startOfDayMs(Number(year), Number(month), Number(day));
  if (dayMs === undefined) return fail;
  return dayMs + hour * 3_600_000 + Number(minutes) * 60_000 + Number(seconds) * 1000 + fractionMs - offsetMs;
}

/** Days of the proleptic Gregorian calendar counted from March, so that the leap day comes last (Hinnant, 2014). */
function startOfDayMs(year: number, month: number, day: number): number | undefined {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 ? (leap ? 29 : 28) : month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  if (month < 1 || month > 12 || day < 1 || day > days) return undefined;
  const marchYear = month > 2 ? year : year - 1;
  const monthsFromMarch = (month + 9) % 12;
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  const dayOfYear = Math.floor((153 * monthsFromMarch + 2) / 5) + day - 1;
  return (365 * marchYear + leapDays + dayOfYear - 719_468) * 86_400_000;
}

function zoneOffsetMs(zone: string | undefined): number {
  if (zone === undefined || /^[A-Z]/i.test(zone)) return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3).replace(":", "") || "0");
  return (zone.startsWith("-") ? -minutes : minutes) * 60_000;
}

/**
 * The format of a column from its first values.
 *
 * @throws NcfError `TIME_FORMAT_UNKNOWN` where none fits, `TIME_FORMAT_AMBIGUOUS` for dates whose day and month could be
 *   swapped in every value, and for numbers that look like YYYYMMDD
 */
export function detectTimeFormat(values: readonly string[]): TimeFormat {
  const given = values.filter((value) => value !== "");
  const numbers = given.filter((value) => decimal.test(value));
  const isoDates = given.filter((value) => iso.test(value));
  const slashedDates = given.filter((value) => slashed.test(value));
  const most = Math.max(1, numbers.length, isoDates.length, slashedDates.length);
  if (numbers.length === most) return secondsOrMilliseconds(numbers);
  if (isoDates.length === most) return "iso";
  if (slashedDates.length === most) return monthFirstOrLast(slashedDates);
  throw new NcfError(
    "TIME_FORMAT_UNKNOWN",
    `expected times as epoch seconds, epoch milliseconds, ISO 8601 or MM/DD/YYYY hh:mm, found ${JSON.stringify(given[0] ?? "")}; name the right column for time or convert it`,
  );
}

function secondsOrMilliseconds(numbers: readonly string[]): "seconds" | "milliseconds" {
  const sizes = numbers.map((number) => Math.abs(Number(number))).sort((a, b) => a - b);
  const median = sizes[sizes.length >> 1];
  if (median >= 19_000_101 && median <= 21_001_231) {
    throw new NcfError(
      "TIME_FORMAT_AMBIGUOUS",
      `the times, such as ${numbers[0]}, could be dates (YYYYMMDD) or seconds in 1970; write dates as YYYY-MM-DD, or give the time format as seconds`,
    );
  }
  return median < 1e11 ? "seconds" : "milliseconds";
}

function monthFirstOrLast(values: readonly string[]): "mdy" | "dmy" {
  let firstAbove12 = 0;
  let secondAbove12 = 0;
  for (const value of values) {
    const [first, second] = value.split(/[/.-]/, 2).map(Number);
    if (first > 12) firstAbove12++;
    if (second > 12) secondAbove12++;
  }
  if (firstAbove12 === secondAbove12) {
    throw new NcfError(
      "TIME_FORMAT_AMBIGUOUS",
      `the times, such as ${JSON.stringify(values[0])}, could have the month or the day first; give the time format as mdy or dmy`,
    );
  }
  return firstAbove12 > secondAbove12 ? "dmy" : "mdy";
}
