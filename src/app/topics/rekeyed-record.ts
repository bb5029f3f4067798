/** What becomes of one's own records in a topic that is keyed by user. */
import { encodeJson } from "../../core/json.ts";
import { type LogRecord, maxRecordBytes, type NewRecord } from "../../ports/interaction-log.ts";
import type { EventMapping } from "../../streaming/event-mapping.ts";
import { decodeRecord, encodeWireEvent, type InteractionEvent } from "../../streaming/interaction-event.ts";

export interface RekeyCounts {
  readonly events: number;
  /** Records that are no events: passed on without a key, for the stream's dead letters. */
  readonly invalid: number;
  /** Records without a value: not passed on. */
  readonly tombstones: number;
  /** Records that `only` leaves out: not passed on. */
  readonly leftOut: number;
}

export const noCopies: RekeyCounts = { events: 0, invalid: 0, tombstones: 0, leftOut: 0 };

export interface Copies {
  readonly records: readonly NewRecord[];
  addTo(counts: RekeyCounts): RekeyCounts;
}

export function rekeyed(records: readonly LogRecord[], mapping: EventMapping): Copies {
  const own = { ...noCopies };
  const copies = records.flatMap(({ value, timestampMs }): NewRecord[] => {
    const decoded = decodeRecord(value, mapping);
    if (decoded.kind === "skipped" || value === null) {
      own[decoded.kind === "skipped" && decoded.because === "leftOut" ? "leftOut" : "tombstones"] += 1;
      return [];
    }
    if (decoded.kind === "event") {
      own.events += 1;
      return [{ key: decoded.event.userText, value: wireForm(decoded.event), timestampMs }];
    }
    own.invalid += 1;
    const reason = decoded.kind === "invalid" ? decoded.reason : "expected an event, found the end of a replay";
    return [{ key: null, value: invalidForm(value, reason), timestampMs }];
  });
  const addTo = (counts: RekeyCounts): RekeyCounts => ({
    events: counts.events + own.events,
    invalid: counts.invalid + own.invalid,
    tombstones: counts.tombstones + own.tombstones,
    leftOut: counts.leftOut + own.leftOut,
  });
  return { records: copies, addTo };
}

function wireForm({ eventId, userText, itemText, timestampMs, rating }: InteractionEvent): Uint8Array {
  const event = { userId: userText, itemId: itemText, timestampMs };
  return encodeWireEvent({ ...(eventId !== null && { eventId }), ...event, ...(rating !== null && { rating }) });
}

/** The bytes as they were, unless the stream, which does not know the mapping, would take them for an event. */
function invalidForm(value: Uint8Array, reason: string): Uint8Array {
  if (decodeRecord(value).kind === "invalid") return value.subarray(0, maxRecordBytes);
  return encodeJson({ invalid: reason, record: new TextDecoder().decode(value.subarray(0, maxRecordBytes / 4)) });
}
