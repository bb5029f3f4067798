import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { numericId } from "../../src/core/ids.ts";
import type { EventMapping } from "../../src/streaming/event-mapping.ts";
import {
  decodeRecord,
  encodeEndOfStream,
  encodeWireEvent,
  maxEventTimeMs,
} from "../../src/streaming/interaction-event.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const decodeText = (text: string, mapping?: EventMapping) => decodeRecord(bytes(text), mapping);

function reasonOf(text: string): string {
  const decoded = decodeText(text);
  return decoded.kind === "invalid" ? decoded.reason : `found a record of kind ${decoded.kind}`;
}

describe("an interaction on the wire", () => {
  it("becomes numeric ids beside the text that the source wrote", () => {
    const wire = { eventId: "e-1", userId: 42, itemId: "tt0111161", timestampMs: -5, rating: 4.5 };
    expect(decodeRecord(encodeWireEvent(wire))).toEqual({
      kind: "event",
      event: {
        eventId: "e-1",
        userId: 42,
        itemId: numericId("tt0111161"),
        userText: "42",
        itemText: "tt0111161",
        timestampMs: -5,
        rating: 4.5,
      },
    });
  });

  it("may leave out or null what is optional, and hold more fields", () => {
    const plain = decodeText('{"userId":"7","itemId":8,"timestampMs":1}');
    expect(plain).toMatchObject({ kind: "event", event: { userId: 7, eventId: null, rating: null } });
    expect(decodeText('{"userId":7,"itemId":8,"timestampMs":1,"eventId":null,"rating":null,"x":[1]}')).toEqual(plain);
  });

  it("means the same user by integer and by its text", () => {
    const userOf = (id: string) => decodeText(`{"userId":${id},"itemId":8,"timestampMs":1}`);
    expect(userOf("12")).toEqual(userOf('"12"'));
    expect(userOf('"012"')).not.toEqual(userOf('"12"'));
  });

  it.each([
    ["{", "expected a JSON object, found bytes that are no JSON"],
    ["", "expected a JSON object, found bytes that are no JSON"],
    ["[1]", "expected a JSON object, found another JSON value"],
    ["null", "expected a JSON object, found another JSON value"],
    ['{"userId":1,"timestampMs":1}', /^itemId: expected text of 1 to 128 bytes or an integer .*, found nothing$/],
    ['{"userId":-1,"itemId":1,"timestampMs":1}', /^userId: expected .*, found -1$/],
    ['{"userId":1.5,"itemId":1,"timestampMs":1}', /^userId: expected .*, found 1.5$/],
    ['{"userId":9007199254740992,"itemId":1,"timestampMs":1}', /^userId: expected .*, found 9007199254740992$/],
    ['{"userId":"","itemId":1,"timestampMs":1}', /^userId: expected .*, found ""$/],
    ['{"userId":{},"itemId":1,"timestampMs":1}', /^userId: expected .*, found an object or array$/],
    ['{"userId":1,"itemId":1,"timestampMs":"1"}', /^timestampMs: expected integer milliseconds .*, found "1"$/],
    ['{"userId":1,"itemId":1,"timestampMs":1.5}', /^timestampMs: expected integer milliseconds .*, found 1.5$/],
    ['{"userId":1,"itemId":1,"timestampMs":1e16}', /^timestampMs: expected integer milliseconds .*, found 1/],
    ['{"userId":1,"itemId":1,"timestampMs":1,"rating":"5"}', 'rating: expected a number, found "5"'],
    ['{"endOfStream":false}', /^userId: .*; itemId: .*; timestampMs: /],
  ])("of a bad form gives a reason: %s", (text, reason) => {
    expect(reasonOf(text)).toMatch(reason);
  });

  it("takes ids of up to 128 bytes, by bytes and not by characters", () => {
    const withUser = (userId: string) => decodeRecord(encodeWireEvent({ userId, itemId: 1, timestampMs: 1 })).kind;
    expect(withUser("é".repeat(64))).toBe("event");
    expect(withUser(`${"é".repeat(64)}e`)).toBe("invalid");
    expect(withUser("e".repeat(128))).toBe("event");
  });

  it("takes times up to the limit and none beyond", () => {
    const at = (timestampMs: number) => decodeRecord(encodeWireEvent({ userId: 1, itemId: 1, timestampMs })).kind;
    expect([maxEventTimeMs, -maxEventTimeMs].map(at)).toEqual(["event", "event"]);
    expect([maxEventTimeMs + 1, -maxEventTimeMs - 1].map(at)).toEqual(["invalid", "invalid"]);
  });

  it("never throws, whatever the bytes", () => {
    expect(decodeRecord(Uint8Array.of(0x22, 0xff, 0x22)).kind).toBe("invalid");
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(bytes)), (value) => {
        expect(["event", "invalid", "endOfStream"]).toContain(decodeRecord(value).kind);
      }),
    );
  });

  it("may lie elsewhere in JSON of another form", () => {
    const mapping = { fields: { userId: "actor.id", timestampMs: "at" } };
    expect(decodeText('{"actor":{"id":3},"itemId":8,"at":9}', mapping)).toMatchObject({
      event: { userId: 3, itemId: 8, timestampMs: 9 },
    });
    expect(decodeText('{"actor":3,"itemId":8,"at":9}', mapping)).toMatchObject({
      reason: expect.stringMatching(/^userId \(at actor\.id\): expected .*, found nothing$/),
    });
  });
});

describe("the end-of-stream record", () => {
  it("is told from an event", () => {
    expect(decodeRecord(encodeEndOfStream())).toEqual({ kind: "endOfStream" });
    expect(new TextDecoder().decode(encodeEndOfStream())).toBe('{"endOfStream":true}');
  });
});
