/**
 * The state of one input partition, a function of its records up to an offset: histories, stream time, whether the stream
 * has ended. Nothing here depends on a model's scores, so the state can be rebuilt without testing anything.
 */
import { NcfError } from "../core/errors.ts";
import { indexOfId } from "../core/ids.ts";
import type { EventMapping } from "./event-mapping.ts";
import { encodeSnapshot, type HistorySnapshot } from "./history-snapshot.ts";
import { type DecodedRecord, decodeRecord, type InteractionEvent } from "./interaction-event.ts";
import { hasLearnt, type StreamModel } from "./stream-model.ts";
import type { TimeWindow, TimeWindows } from "./time-windows.ts";
import { UserHistories } from "./user-histories.ts";
import type { VersionSchedule } from "./version-schedule.ts";

export interface StreamRecord {
  readonly offset: number;
  readonly value: Uint8Array | null;
  /** The record's own time in Kafka. */
  readonly timestampMs: number;
}

/**
 * `refuse`: throw. `mark`: test the event and say so in its outcome. `skip`: do not test it, but count it as learnt and let
 * it join the history, so that a live stream goes on.
 */
export type LeakRule = "refuse" | "mark" | "skip";

export interface PartitionOptions {
  readonly partition: number;
  /** Partitions of the input topic. */
  readonly partitionCount: number;
  readonly windows: TimeWindows;
  /** How far an event's time may lie beyond its record's. */
  readonly maxAheadMs: number;
  readonly mapping?: EventMapping;
  /**
   * What an end-of-stream record is: the end of the partition, as in a replay, or a dead letter (by default), as on a live
   * topic, where anybody might send one.
   */
  readonly endOfStream?: "ends" | "deadLetter";
  /** What to do with an event that the version in force may have learnt from; `refuse` by default. */
  readonly leak?: LeakRule;
  /** Snapshot 0, which partitions share and only read: a user's history is taken over with the user's first event. */
  readonly base?: { readonly id: string; readonly histories: UserHistories };
}

/** What a record is to the partition, before anything changes. */
export type Judged =
  /** An offset that was read before. */
  | { readonly kind: "redelivered" }
  | { readonly kind: "deadLetter"; readonly reason: string }
  | Exclude<DecodedRecord, { readonly kind: "event" | "invalid" }>
  | {
      readonly kind: "repeat" | "late" | "unknownItem" | "learnt";
      readonly event: InteractionEvent;
      readonly windows: TimeWindow[];
    }
  | TestCase;

/** An event to be tested, in those of its windows that are open. */
export interface TestCase {
  readonly kind: "test";
  readonly event: InteractionEvent;
  readonly windows: TimeWindow[];
  readonly model: StreamModel;
  /** The event's item in the model's catalogue. */
  readonly item: number;
  /** Whether the model may have learnt from the event. */
  readonly leaked: boolean;
}

export class PartitionState {
  readonly #options: PartitionOptions;
  #histories = new UserHistories();
  #nextOffset = 0;
  #streamTimeMs = Number.NEGATIVE_INFINITY;
  #ended = false;

  constructor(options: PartitionOptions) {
    this.#options = options;
  }

  get histories(): UserHistories {
    return this.#histories;
  }

  /** The first offset that was not read. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** The greatest event time read; null before the first event. */
  get streamTimeMs(): number | null {
    return Number.isFinite(this.#streamTimeMs) ? this.#streamTimeMs : null;
  }

  /** Whether the end-of-stream record was read: every window is closed, whatever the stream time. */
  get ended(): boolean {
    return this.#ended;
  }

  judge(record: StreamRecord, schedule: VersionSchedule): Judged {
    if (record.offset < this.#nextOffset) return { kind: "redelivered" };
    const { windows, maxAheadMs, mapping, endOfStream = "deadLetter" } = this.#options;
    const decoded = decodeRecord(record.value, mapping);
    if (decoded.kind === "invalid") return { kind: "deadLetter", reason: decoded.reason };
    if (decoded.kind === "endOfStream" && endOfStream === "deadLetter") {
      return {
        kind: "deadLetter",
        reason: "expected an interaction, found an end-of-stream record, which ends replays alone",
      };
    }
    if (decoded.kind !== "event") return decoded;
    const { event } = decoded;
    const { timestampMs } = event;
    if (timestampMs > record.timestampMs + maxAheadMs) {
      const limit = `at most ${maxAheadMs} ms after the record's own time ${record.timestampMs}`;
      return { kind: "deadLetter", reason: `timestampMs: expected ${limit}, found ${timestampMs}` };
    }
    const open = this.#open(windows.windowsFor(timestampMs));
    // What is late belongs to no open window, so it counts where the stream stands.
    const counted = open.length > 0 ? open : this.#open(windows.windowsFor(this.#streamTimeMs));
    if (this.#touched(event)) return { kind: "repeat", event, windows: counted };
    if (open.length === 0) return { kind: "late", event, windows: counted };
    const model = schedule.inForce(timestampMs, record.offset);
    const item = indexOfId(model.catalogue, event.itemId);
    if (item < 0) return { kind: "unknownItem", event, windows: open };
    const { partition, leak } = this.#options;
    const leaked = hasLearnt(model, { partition, offset: record.offset }, event);
    if (leaked && leak === "skip") return { kind: "learnt", event, windows: open };
    return { kind: "test", event, windows: open, model, item, leaked };
  }

  /** Moves the state behind a record that was judged just now. */
  apply(record: StreamRecord, judged: Judged): void {
    if (judged.kind === "redelivered") return;
    this.#nextOffset = record.offset + 1;
    if (judged.kind === "endOfStream") this.#ended = true;
    if (!("event" in judged)) return;
    const { userId, itemId, timestampMs } = judged.event;
    this.#streamTimeMs = Math.max(this.#streamTimeMs, timestampMs);
    if (judged.kind === "repeat") return;
    this.adopt(userId);
    this.#histories.append(userId, itemId, timestampMs, judged.kind === "test");
  }

  /** Takes the user's history over from snapshot 0, unless the user has one here. */
  adopt(userId: number): void {
    const base = this.#options.base?.histories;
    if (base === undefined || this.#histories.userIndex(userId) >= 0) return;
    this.#histories.addFrom(base, userId);
  }

  snapshot(): Uint8Array {
    const { partitionCount, partition, base } = this.#options;
    const { nextOffset: offset, streamTimeMs, ended } = this;
    const place = { partitionCount, partition, offset, streamTimeMs, ended, base: base?.id ?? "" };
    return encodeSnapshot(place, this.#histories);
  }

  /** Takes over the state of a snapshot, which then belongs here. @throws NcfError `SNAPSHOT_MISMATCH` */
  restore({ head, histories }: HistorySnapshot): void {
    const { partitionCount, partition, base } = this.#options;
    const found = `partition ${head.partition} of ${head.partitionCount} on base "${head.base}"`;
    const expected = `partition ${partition} of ${partitionCount} on base "${base?.id ?? ""}"`;
    if (found !== expected) {
      const way = "start a new consumer group, which rebuilds the state from the log";
      throw new NcfError("SNAPSHOT_MISMATCH", `expected a snapshot of ${expected}, found one of ${found}; ${way}`);
    }
    this.#histories = histories;
    this.#nextOffset = head.offset;
    this.#streamTimeMs = head.streamTimeMs ?? Number.NEGATIVE_INFINITY;
    this.#ended = head.ended;
  }

  /** Those of `windows` that are open. Before the first event and after the end there is no stream time to stand in. */
  #open(windows: TimeWindow[]): TimeWindow[] {
    if (this.#ended) return [];
    return windows.filter((window) => !this.#options.windows.isClosed(window, this.#streamTimeMs));
  }

  #touched({ userId, itemId }: InteractionEvent): boolean {
    // A user who is here already was taken over with all of the base's history.
    if (this.#histories.userIndex(userId) >= 0) return this.#histories.has(userId, itemId);
    return this.#options.base?.histories.has(userId, itemId) ?? false;
  }
}
