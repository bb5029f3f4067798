/** A stream with all that a stream brings: events out of order, too late, twice, on known items; and records that are no events. */
import { mix } from "../../src/core/rng.ts";
import type { NewRecord } from "../../src/ports/interaction-log.ts";

export interface ChaosEvents {
  readonly count: number;
  /** Event time of the first. */
  readonly startMs: number;
  /** Event time from one to the next. */
  readonly stepMs: number;
  readonly graceMs: number;
  readonly users: number;
  /** Such as the ids of a catalogue. */
  readonly items: readonly string[];
  readonly seed: number;
}

const encoder = new TextEncoder();

/** In the order in which they are sent; every 50th is sent twice. */
export function chaosRecords({ count, startMs, stepMs, graceMs, users, items, seed }: ChaosEvents): NewRecord[] {
  const records: NewRecord[] = [];
  const below = (i: number, purpose: number, limit: number): number => mix(seed + i, purpose, 7) % limit;
  for (let i = 0; i < count; i++) {
    const userId = String(1 + below(i, 1, users));
    let timestampMs = startMs + i * stepMs;
    if (i % 7 === 3) timestampMs -= below(i, 2, graceMs);
    if (i % 97 === 50) timestampMs -= 50 * graceMs;
    const event = { eventId: `e${i}`, userId, itemId: items[below(i, 3, items.length)], timestampMs };
    const value = i % 83 === 40 ? encoder.encode(`{"userId":"${userId}"`) : encoder.encode(JSON.stringify(event));
    const record = { key: userId, value };
    records.push(record);
    if (i % 50 === 49) records.push(record);
    if (i % 211 === 100) records.push({ key: userId, value: null });
  }
  return records;
}
