/** How interactions lie in JSON of another form. */
import type { WireEvent } from "./interaction-event.ts";

/** Where the fields lie: dotted paths, such as `{ userId: "actor.id" }`. */
export type EventFields = Readonly<Partial<Record<keyof WireEvent, string>>>;

/**
 * How times are written; nothing is guessed. `ms`: integer milliseconds since 1970 UTC. `s`: seconds since 1970 UTC, integer
 * or decimal, rounded to a millisecond. `iso`: ISO 8601 text with date, time and zone; digits beyond milliseconds are cut off.
 */
export const timeFormats = ["ms", "s", "iso"] as const;
export type TimeFormat = (typeof timeFormats)[number];

export const expectedTimes: Readonly<Record<Exclude<TimeFormat, "ms">, string>> = {
  s: "a number of seconds since 1970 UTC within ±2^51 ms",
  iso: "ISO 8601 text with date, time and zone, such as 2026-01-31T12:00:00Z",
};

export interface EventCondition {
  /** A dotted path. */
  readonly path: string;
  /** The text of the value there, which must be a text, number, boolean or null. */
  readonly value: string;
}

export interface EventMapping {
  readonly fields?: EventFields;
  /** All must hold; a record for which one does not is skipped. */
  readonly only?: readonly EventCondition[];
  /** `ms` by default. */
  readonly time?: TimeFormat;
}

/** Whether the record is one of those that the mapping is for. */
export function isMeant(json: object, { only }: EventMapping): boolean {
  return only === undefined || only.every(({ path, value }) => textOf(valueAt(json, path)) === value);
}

function textOf(value: unknown): string | null {
  if (value === undefined || (typeof value === "object" && value !== null)) return null;
  return String(value);
}

/** The record in the form of the wire, not yet checked. */
export function mapped(json: object, { fields, time = "ms" }: EventMapping): object {
  const paths = fields === undefined ? [] : Object.entries(fields);
  if (paths.length === 0 && time === "ms") return json;
  const moved: Record<string, unknown> = { ...json };
  for (const [field, path] of paths) moved[field] = valueAt(json, path);
  if (time !== "ms") moved.timestampMs = milliseconds(moved.timestampMs, time);
  return moved;
}

/** What lies at a dotted path; undefined for nothing. */
export function valueAt(json: object, path: string): unknown {
  let value: unknown = json;
  for (const key of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** Null for what is no time in this format. */
function milliseconds(value: unknown, format: Exclude<TimeFormat, "ms">): number | null {
  // Adding 0 turns −0 into 0.
  if (format === "s") return typeof value === "number" ? Math.round(1000 * value) + 0 : null;
  return typeof value === "string" ? isoMs(value) : null;
}

const isoTime =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:[.,](\d+))?)?(?:[Zz]|([+-])([01]\d|2[0-3]):?([0-5]\d)?)$/;

/** Null for text that is no time with a zone. By hand, as engines differ in what else `Date.parse` takes. */
function isoMs(text: string): number | null {
  const parts = isoTime.exec(text);
  if (parts === null) return null;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((digits) => Number(digits ?? 0));
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // The 30th of February would pass for the 1st of March.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  const [fraction = "", sign, zoneHours = "0", zoneMinutes = "0"] = parts.slice(7);
  const zone = (sign === "-" ? -1 : 1) * (60 * Number(zoneHours) + Number(zoneMinutes));
  const ms = Number(fraction.slice(0, 3).padEnd(3, "0"));
  return date.getTime() + 60_000 * (60 * hour + minute - zone) + 1000 * second + ms;
}
