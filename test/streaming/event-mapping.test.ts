import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EventMapping } from "../../src/streaming/event-mapping.ts";
import { decodeRecord, encodeEndOfStream } from "../../src/streaming/interaction-event.ts";

const decode = (json: unknown, mapping: EventMapping) =>
  decodeRecord(new TextEncoder().encode(JSON.stringify(json)), mapping);

/** The time of an event whose time is written like this, or the reason why it is none. */
function timeOf(ts: unknown, time: NonNullable<EventMapping["time"]>): number | string {
  const decoded = decode({ userId: 1, itemId: 2, ts }, { fields: { timestampMs: "ts" }, time });
  if (decoded.kind === "event") return decoded.event.timestampMs;
  return decoded.kind === "invalid" ? decoded.reason : decoded.kind;
}

describe("fields of one's own", () => {
  it("lie at dotted paths, through objects and lists", () => {
    const fields = {
      userId: "customer.id",
      itemId: "lines.0.sku",
      timestampMs: "ts",
      rating: "stars",
      eventId: "uuid",
    };
    const order = { customer: { id: "c-1" }, lines: [{ sku: 7 }], ts: 5, stars: 4, uuid: "u" };
    expect(decode(order, { fields })).toMatchObject({
      event: { userText: "c-1", itemId: 7, timestampMs: 5, rating: 4, eventId: "u" },
    });
  });

  it("are named with their place where they do not fit", () => {
    expect(decode({ a: {}, itemId: 2, timestampMs: 1 }, { fields: { userId: "a.b" } })).toEqual({
      kind: "invalid",
      reason: expect.stringMatching(/^userId \(at a\.b\): expected .*, found nothing$/),
    });
  });

  it("take nothing from what every object inherits", () => {
    const decoded = decode({ itemId: 2, timestampMs: 1 }, { fields: { userId: "constructor.name" } });
    expect(decoded.kind).toBe("invalid");
  });
});

describe("records that are left out", () => {
  const only = [
    { path: "type", value: "purchase" },
    { path: "meta.version", value: "2" },
  ];
  const event = { userId: 1, itemId: 2, timestampMs: 3 };

  it("are those for which a condition does not hold, by the text of the value", () => {
    const kindOf = (json: object) => decode({ ...event, ...json }, { only }).kind;
    expect(kindOf({ type: "purchase", meta: { version: 2 } })).toBe("event");
    expect(kindOf({ type: "purchase", meta: { version: "2" } })).toBe("event");
    expect(kindOf({ type: "view", meta: { version: 2 } })).toBe("skipped");
    expect(kindOf({ type: "purchase", meta: {} })).toBe("skipped");
    expect(kindOf({ type: ["purchase"], meta: { version: 2 } })).toBe("skipped");
    expect(kindOf({})).toBe("skipped");
  });

  it("are told from tombstones, and need not have an event's form", () => {
    expect(decode({ type: "heartbeat" }, { only })).toEqual({ kind: "skipped", because: "leftOut" });
    expect(decodeRecord(null, { only })).toEqual({ kind: "skipped", because: "noValue" });
    expect(decodeRecord(encodeEndOfStream(), { only })).toEqual({ kind: "endOfStream" });
  });

  it("compare booleans and null by their names", () => {
    const kindOf = (value: string, found: unknown) =>
      decode({ ...event, x: found }, { only: [{ path: "x", value }] }).kind;
    expect([kindOf("true", true), kindOf("null", null), kindOf("false", 0)]).toEqual(["event", "event", "skipped"]);
  });
});

describe("times", () => {
  it("are integer milliseconds unless something else is said: nothing is guessed", () => {
    expect(timeOf(1_700_000_000, "ms")).toBe(1_700_000_000);
    expect(timeOf("2024-01-31T12:00:00Z", "ms")).toMatch(/^timestampMs \(at ts\): expected integer milliseconds/);
  });

  it.each([
    [1_700_000_000, 1_700_000_000_000],
    [1_700_000_000.5, 1_700_000_000_500],
    [1.0004, 1000],
    [-0.0001, 0],
    ["1700000000", /^timestampMs \(at ts\): expected a number of seconds .*, found "1700000000"$/],
    [1e16, /^timestampMs \(at ts\): expected a number of seconds .*, found 1/],
  ])("of seconds: %s", (ts, expected) => {
    const found = timeOf(ts, "s");
    if (typeof expected === "number") expect(found).toBe(expected);
    else expect(found).toMatch(expected);
  });

  it.each([
    ["2024-02-29T12:34:56.789Z", Date.UTC(2024, 1, 29, 12, 34, 56, 789)],
    ["2024-02-29T12:34:56.7891234Z", Date.UTC(2024, 1, 29, 12, 34, 56, 789)],
    ["2024-02-29 12:34:56,7z", Date.UTC(2024, 1, 29, 12, 34, 56, 700)],
    ["2024-02-29T12:34Z", Date.UTC(2024, 1, 29, 12, 34)],
    ["2024-03-01T01:00:00+05:30", Date.UTC(2024, 1, 29, 19, 30)],
    ["2024-02-29T23:00:00-0200", Date.UTC(2024, 2, 1, 1)],
    ["2024-02-29T23:00:00-02", Date.UTC(2024, 2, 1, 1)],
    ["0001-01-01T00:00:00Z", -62_135_596_800_000],
  ])("of ISO text: %s", (ts, expected) => {
    expect(timeOf(ts, "iso")).toBe(expected);
  });

  it.each([
    "2024-02-30T00:00:00Z",
    "2024-02-29T12:34:56",
    "2024-02-29",
    "2024-02-29T24:00:00Z",
    "yesterday",
    1700000000,
  ])("of ISO text refuse what has no zone or is no day: %s", (ts) => {
    expect(timeOf(ts, "iso")).toMatch(
      /^timestampMs \(at ts\): expected ISO 8601 text with date, time and zone, .*, found /,
    );
  });

  it("of ISO text are those of the engine, where it has one form only", () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true }),
        (date) => {
          expect(timeOf(date.toISOString(), "iso")).toBe(date.getTime());
        },
      ),
    );
  });
});
