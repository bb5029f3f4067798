/** What a sample of a topic's records says about it, gathered record by record, partition by partition. */
import { partitionOfKey } from "../../core/murmur2.ts";
import type { LogRecord } from "../../ports/interaction-log.ts";
import type { EventMapping } from "../../streaming/event-mapping.ts";
import { decodeRecord, type InteractionEvent } from "../../streaming/interaction-event.ts";

export interface FailureReason {
  /** What was expected. */
  readonly reason: string;
  readonly count: number;
  /** The first one in full. */
  readonly example: string;
}

export interface TopicStatistics {
  readonly records: number;
  readonly events: number;
  readonly invalid: number;
  /** Records without a value. */
  readonly tombstones: number;
  readonly leftOut: number;
  readonly endOfStream: number;
  /** Events that lie beyond their record's time by more than the limit: a stream takes them for dead letters. */
  readonly ahead: number;
  /** Most frequent first. */
  readonly reasons: readonly FailureReason[];
  /** By the records' own times; null where these are of less than a minute, such as after a copy at full speed. */
  readonly recordsPerSecond: number | null;
  readonly firstEventMs: number | null;
  readonly lastEventMs: number | null;
  readonly users: number;
  readonly usersInSeveralPartitions: number;
  /** Events in Kafka's default partition for their user's id; null without events. */
  readonly defaultPartitionShare: number | null;
  /** Null: too few events of one user to tell. */
  readonly keyedByUser: boolean | null;
  /** Events on an item that the user had touched before in the sample. */
  readonly repeats: number;
  /** How far events lie behind the stream time of their partition. */
  readonly disorderMs: {
    readonly p50: number;
    readonly p99: number;
    readonly p999: number;
    readonly max: number;
  } | null;
}

/** Kinds of failure that are told apart. */
const maxReasons = 100;
const severalPartitions = -1;
const leastSpanMs = 60_000;

export class StatisticsFold {
  readonly #mapping: EventMapping;
  readonly #partitions: number;
  readonly #maxAheadMs: number;
  readonly #reasons = new Map<string, { count: number; example: string }>();
  /** The partition of each user. */
  readonly #users = new Map<number, number>();
  readonly #pairs = new Set<string>();
  readonly #behindMs: number[] = [];
  readonly #counts = { records: 0, events: 0, invalid: 0, tombstones: 0, leftOut: 0, endOfStream: 0, ahead: 0 };
  #repeats = 0;
  #inDefaultPartition = 0;
  #severalEventsOfUser = false;
  #firstEventMs = Number.POSITIVE_INFINITY;
  #lastEventMs = Number.NEGATIVE_INFINITY;
  #recordsPerSecond = 0;
  /** Of the partition that is being read. */
  #partition = 0;
  #streamTimeMs = Number.NEGATIVE_INFINITY;
  #span = { records: 0, firstMs: Number.POSITIVE_INFINITY, lastMs: Number.NEGATIVE_INFINITY };

  constructor(mapping: EventMapping, partitions: number, maxAheadMs: number) {
    this.#mapping = mapping;
    this.#partitions = partitions;
    this.#maxAheadMs = maxAheadMs;
  }

  /** What is added from now on is of this partition. */
  startPartition(partition: number): void {
    this.#endPartition();
    this.#partition = partition;
    this.#streamTimeMs = Number.NEGATIVE_INFINITY;
  }

  add({ value, timestampMs }: LogRecord): void {
    const counts = this.#counts;
    counts.records += 1;
    this.#span.records += 1;
    this.#span.firstMs = Math.min(this.#span.firstMs, timestampMs);
    this.#span.lastMs = Math.max(this.#span.lastMs, timestampMs);
    const decoded = decodeRecord(value, this.#mapping);
    if (decoded.kind === "endOfStream") counts.endOfStream += 1;
    else if (decoded.kind === "skipped") counts[decoded.because === "noValue" ? "tombstones" : "leftOut"] += 1;
    else if (decoded.kind === "invalid") this.#addInvalid(decoded.reason);
    else if (decoded.event.timestampMs > timestampMs + this.#maxAheadMs) counts.ahead += 1;
    else this.#addEvent(decoded.event);
  }

  statistics(): TopicStatistics {
    this.#endPartition();
    const { events } = this.#counts;
    const usersInSeveralPartitions = [...this.#users.values()].filter((partition) => partition < 0).length;
    const defaultPartitionShare = events === 0 ? null : this.#inDefaultPartition / events;
    const reasons = [...this.#reasons].map(([reason, found]) => ({ reason, ...found }));
    const keyed = usersInSeveralPartitions === 0;
    const canTell = !keyed || defaultPartitionShare === 1 || (this.#severalEventsOfUser && this.#partitions > 1);
    return {
      ...this.#counts,
      reasons: reasons.sort((a, b) => b.count - a.count),
      recordsPerSecond: this.#recordsPerSecond > 0 ? this.#recordsPerSecond : null,
      firstEventMs: events === 0 ? null : this.#firstEventMs,
      lastEventMs: events === 0 ? null : this.#lastEventMs,
      users: this.#users.size,
      usersInSeveralPartitions,
      defaultPartitionShare,
      keyedByUser: canTell ? keyed : null,
      repeats: this.#repeats,
      disorderMs: disorder(this.#behindMs),
    };
  }

  #addInvalid(reason: string): void {
    this.#counts.invalid += 1;
    // What was found differs from record to record.
    const expected = reason.replaceAll(/, found (?:"(?:[^"\\]|\\.)*"…?|[^;]*)/g, "");
    const known =
      this.#reasons.get(expected) ?? (this.#reasons.size < maxReasons ? { count: 0, example: reason } : null);
    if (known === null) return;
    known.count += 1;
    this.#reasons.set(expected, known);
  }

  #addEvent({ userId, userText, itemId, timestampMs }: InteractionEvent): void {
    this.#counts.events += 1;
    this.#firstEventMs = Math.min(this.#firstEventMs, timestampMs);
    this.#lastEventMs = Math.max(this.#lastEventMs, timestampMs);
    this.#behindMs.push(Math.max(0, this.#streamTimeMs - timestampMs));
    this.#streamTimeMs = Math.max(this.#streamTimeMs, timestampMs);
    if (partitionOfKey(userText, this.#partitions) === this.#partition) this.#inDefaultPartition += 1;
    const before = this.#users.get(userId);
    if (before !== undefined) this.#severalEventsOfUser = true;
    this.#users.set(userId, before === undefined || before === this.#partition ? this.#partition : severalPartitions);
    const pair = `${userId} ${itemId}`;
    if (this.#pairs.has(pair)) this.#repeats += 1;
    this.#pairs.add(pair);
  }

  #endPartition(): void {
    const { records, firstMs, lastMs } = this.#span;
    if (lastMs - firstMs >= leastSpanMs) this.#recordsPerSecond += (1000 * (records - 1)) / (lastMs - firstMs);
    this.#span = { records: 0, firstMs: Number.POSITIVE_INFINITY, lastMs: Number.NEGATIVE_INFINITY };
  }
}

function disorder(behindMs: readonly number[]): TopicStatistics["disorderMs"] {
  if (behindMs.length === 0) return null;
  const sorted = Float64Array.from(behindMs).sort();
  const quantile = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  return { p50: quantile(0.5), p99: quantile(0.99), p999: quantile(0.999), max: quantile(1) };
}
