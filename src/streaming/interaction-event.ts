/** What the input topic carries: interactions as JSON, and the record that ends a replayed partition. */
import { z } from "zod";
import { maxIdBytes, numericId } from "../core/ids.ts";
import { type EventMapping, expectedTimes, isMeant, mapped, valueAt } from "./event-mapping.ts";

/** Event times lie within ± this (about the year 73,000), so that the difference of any two is an exact double. */
export const maxEventTimeMs = 2 ** 51;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** A message of our own in place of zod's, whose wording is not under our control. */
function expecting(what: string): { error: (issue: { input?: unknown }) => string } {
  return { error: ({ input }) => `expected ${what}, found ${found(input)}` };
}

function found(input: unknown): string {
  if (input === undefined) return "nothing";
  if (typeof input === "string") return input.length > 40 ? `${JSON.stringify(input.slice(0, 40))}…` : `"${input}"`;
  return typeof input === "object" && input !== null ? "an object or array" : String(input);
}

const anId = expecting(`text of 1 to ${maxIdBytes} bytes or an integer of 0 to 2^53 - 1`);
const id = z.union([z.string().refine(hasIdLength, anId), z.int(anId).min(0, anId)], anId);

function hasIdLength(text: string): boolean {
  // A UTF-16 unit is at most three bytes of UTF-8, so short text need not be encoded.
  return text.length > 0 && (3 * text.length <= maxIdBytes || encoder.encode(text).length <= maxIdBytes);
}

const aTime = expecting("integer milliseconds since 1970 UTC within ±2^51");

/** The wire form of an interaction. Other fields are left alone. */
export const wireEventSchema = z.object({
  eventId: id.nullish(),
  userId: id,
  itemId: id,
  timestampMs: z.int(aTime).min(-maxEventTimeMs, aTime).max(maxEventTimeMs, aTime),
  rating: z.number(expecting("a number")).nullish(),
});

export type WireEvent = z.infer<typeof wireEventSchema>;

export interface InteractionEvent {
  readonly eventId: string | null;
  /** Numeric ids, see core/ids.ts. */
  readonly userId: number;
  readonly itemId: number;
  /** The ids as the source wrote them. */
  readonly userText: string;
  readonly itemText: string;
  readonly timestampMs: number;
  readonly rating: number | null;
}

export type DecodedRecord =
  | { readonly kind: "event"; readonly event: InteractionEvent }
  | { readonly kind: "endOfStream" }
  /** A record without a value (a tombstone), or one that the mapping's `only` leaves out. */
  | { readonly kind: "skipped"; readonly because: "noValue" | "leftOut" }
  /** `reason` says what was expected and what was found. */
  | { readonly kind: "invalid"; readonly reason: string };

const endOfStream = { kind: "endOfStream" } as const;

/** The record with which `replay` ends each partition. */
export function encodeEndOfStream(): Uint8Array {
  return encoder.encode(JSON.stringify({ endOfStream: true }));
}

export function encodeWireEvent(event: WireEvent): Uint8Array {
  return encoder.encode(JSON.stringify(event));
}

/** Reads a record's value. Whatever the bytes are, it does not throw. */
export function decodeRecord(value: Uint8Array | null, mapping: EventMapping = {}): DecodedRecord {
  if (value === null) return { kind: "skipped", because: "noValue" };
  let json: unknown;
  try {
    json = JSON.parse(decoder.decode(value));
  } catch {
    // The engine's own words differ between versions, and a dead letter must not.
    return { kind: "invalid", reason: "expected a JSON object, found bytes that are no JSON" };
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return { kind: "invalid", reason: "expected a JSON object, found another JSON value" };
  }
  if ((json as { endOfStream?: unknown }).endOfStream === true) return endOfStream;
  if (!isMeant(json, mapping)) return { kind: "skipped", because: "leftOut" };
  const parsed = wireEventSchema.safeParse(mapped(json, mapping));
  if (!parsed.success) {
    const reasons = parsed.error.issues.map((issue) => reasonOf(issue, json, mapping));
    return { kind: "invalid", reason: reasons.join("; ") };
  }
  return { kind: "event", event: domainEvent(parsed.data) };
}

function domainEvent({ eventId, userId, itemId, timestampMs, rating }: WireEvent): InteractionEvent {
  const userText = String(userId);
  const itemText = String(itemId);
  return {
    eventId: eventId == null ? null : String(eventId),
    userId: numericId(userText),
    itemId: numericId(itemText),
    userText,
    itemText,
    timestampMs,
    rating: rating ?? null,
  };
}

function reasonOf({ path: [field], message }: z.core.$ZodIssue, json: object, { fields, time }: EventMapping): string {
  const path = fields?.[field as keyof WireEvent];
  const place = path === undefined ? String(field) : `${String(field)} (at ${path})`;
  if (field !== "timestampMs" || time === undefined || time === "ms") return `${place}: ${message}`;
  return `${place}: expected ${expectedTimes[time]}, found ${found(valueAt(json, path ?? field))}`;
}
