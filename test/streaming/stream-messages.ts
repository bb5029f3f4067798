/** Streams of random messages, and versions for them. */
import fc from "fast-check";
import { encodeEndOfStream } from "../../src/streaming/interaction-event.ts";
import type { StreamRecord } from "../../src/streaming/partition-state.ts";
import { TimeWindows } from "../../src/streaming/time-windows.ts";
import { UserHistories } from "../../src/streaming/user-histories.ts";
import { modelOf, recordOf, textRecord, touchyScore } from "./fixtures.ts";

export const graceMs = 300;
export const users = 6;

export const base = new UserHistories();
for (let user = 0; user < 3; user++) base.append(user, 10 + user, -user, false);

export const first = modelOf(120, { score: touchyScore(1), cutOffMs: -1 });
export const second = modelOf(140, { version: "v2", score: touchyScore(2), knows: (user) => user > 2 });
export const third = modelOf(130, { version: "v3", score: touchyScore(3) });
/** An event, or a record that is none; either belongs to a user, whose records stay in order. */
export interface Message {
  readonly user: number;
  readonly item: number;
  readonly timeMs: number;
  /** How much later than its own time it came, 0 … grace. */
  readonly delayMs: number;
  readonly kind: "event" | "junk" | "ahead" | "tombstone";
}

export const message: fc.Arbitrary<Message> = fc.record({
  user: fc.nat(users - 1),
  // Items above 120 are unknown to the first version, above 140 to both. Few items make many repeats.
  item: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 145 })),
  timeMs: fc.nat(3500),
  delayMs: fc.nat(graceMs),
  kind: fc.constantFrom("event", "event", "event", "event", "junk", "ahead", "tombstone"),
});
// Of all lengths alike: by itself fast-check makes short ones, in which little happens.
export const messages = fc.array(message, { minLength: 1, maxLength: 60, size: "max" });

export const shapes = fc.constantFrom(
  TimeWindows.ofSizeAndGrace(1000, graceMs),
  TimeWindows.ofSizeAndGrace(1000, graceMs).advanceBy(250),
);

export function recordsOf(list: readonly Message[]): StreamRecord[] {
  const records = list.map(({ user, item, timeMs, kind }, i) => {
    if (kind === "tombstone") return { offset: 2 * i, value: null, timestampMs: 0 };
    if (kind === "junk") return textRecord(2 * i, `{"userId":${user},"itemId":"${item}`);
    const timestampMs = kind === "ahead" ? 1e9 + 1001 + timeMs : timeMs;
    return recordOf(2 * i, { userId: user, itemId: item, timestampMs });
  });
  // Offsets have gaps, as after a transaction's marker.
  return [...records, { offset: 2 * list.length, value: encodeEndOfStream(), timestampMs: 0 }];
}

export function optionsOf(windows: TimeWindows) {
  return { windows, seed: 7, maxAheadMs: 1000, endOfStream: "ends" as const };
}
