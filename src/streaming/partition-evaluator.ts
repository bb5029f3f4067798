/**
 * Stage 1 of the stream: a fold over the records of one input partition that tests each event, then adds it to its user's
 * history. It reads no clock and nothing of other partitions, so the same records give the same commits anywhere.
 *
 * To take a partition over, `restore` its newest snapshot and `catchUp` on the records from there to the committed offset.
 * After a transaction that failed, make a new evaluator the same way.
 */
import { NcfError } from "../core/errors.ts";
import { challengerOf } from "./challenger.ts";
import { EventRanker } from "./event-ranker.ts";
import type { Folded } from "./folded.ts";
import type { HistorySnapshot } from "./history-snapshot.ts";
import { leak } from "./leak.ts";
import { pairedSumsBytes } from "./paired-sums.ts";
import { CommitDraft, type PartitionCommit } from "./partition-commit.ts";
import { type Judged, type PartitionOptions, PartitionState, type StreamRecord } from "./partition-state.ts";
import { testEvent } from "./prequential-test.ts";
import type { StreamModel } from "./stream-model.ts";
import type { UserHistories } from "./user-histories.ts";
import { type Promotion, VersionSchedule } from "./version-schedule.ts";
import { windowSumsBytes } from "./window-sums.ts";

export interface EvaluatorOptions extends PartitionOptions {
  readonly seed: number;
  /** Unseen items beside the event's own: 99 in the protocol. */
  readonly negatives?: number;
}

export class PartitionEvaluator {
  readonly #options: EvaluatorOptions;
  readonly #negatives: number;
  readonly #state: PartitionState;
  #schedule: VersionSchedule;
  #challengers: VersionSchedule<StreamModel | null>;
  #ranker: EventRanker;
  #draft: CommitDraft;
  #committedOffset = 0;

  /** @param challengers versions that are tested beside the one in force, on the same candidates */
  constructor(
    options: EvaluatorOptions,
    schedule: VersionSchedule,
    challengers = new VersionSchedule<StreamModel | null>(null),
  ) {
    this.#options = options;
    this.#negatives = options.negatives ?? 99;
    this.#state = new PartitionState(options);
    this.#schedule = schedule;
    this.#challengers = challengers;
    this.#ranker = this.#newRanker();
    this.#draft = new CommitDraft(options.seed);
  }

  /** The first offset that was not folded. */
  get nextOffset(): number {
    return this.#state.nextOffset;
  }

  /** The greatest event time read; null before the first event. */
  get streamTimeMs(): number | null {
    return this.#state.streamTimeMs;
  }

  /** The sums of the next commit take at most so many bytes of JSON, with up to 10,000 events in each window. */
  get pendingBytes(): number {
    return this.#draft.bytes;
  }

  /** One more event adds at most so many to these. */
  get eventBytes(): number {
    const pairedBytes = this.challengers.length === 0 ? 0 : pairedSumsBytes;
    return this.#options.windows.mostOfEvent * (windowSumsBytes + pairedBytes);
  }

  get histories(): UserHistories {
    return this.#state.histories;
  }

  /**
   * Tests the record's event, then adds it to the history. What this gives also goes into the next commit.
   *
   * @throws NcfError `LEAK`, `SCORE_NAN`; the record is then not folded
   */
  fold(record: StreamRecord): Folded {
    const judged = this.#state.judge(record, this.#schedule);
    const folded = this.#evaluate(record, judged);
    this.#state.apply(record, judged);
    return folded;
  }

  /** Moves the state behind a record that was committed before: the same state as after `fold`, without testing. */
  catchUp(record: StreamRecord): void {
    this.#state.apply(record, this.#state.judge(record, this.#schedule));
    this.#committedOffset = this.#state.nextOffset;
  }

  /** The promotions in the order in which they came: with them, a successor's schedule is this one. */
  get promotions(): readonly Promotion[] {
    return this.#schedule.promotions;
  }

  /**
   * Puts a version into force for events at or after `fromMs`. Where the partition has read events of that time already,
   * it takes effect from the next record on. The next commit says which. A promotion that is in force at that time already
   * changes nothing.
   *
   * @throws NcfError `PROMOTION_INVALID` unless `fromMs` is the start of a window
   */
  promote(model: StreamModel, fromMs: number): void {
    const fromOffset = this.#startingAt(fromMs);
    if (this.#schedule.isInForce(model.version, fromMs)) return;
    this.#schedule = this.#schedule.with({ model, fromMs, fromOffset });
    this.#draft.promotions.push({ version: model.version, fromMs, fromOffset });
  }

  /** The challengers in the order in which they came, null where there was to be none. */
  get challengers(): readonly Promotion<StreamModel | null>[] {
    return this.#challengers.promotions;
  }

  /**
   * Has a version rank the same candidates beside the one in force, for events at or after `fromMs`, or none. As with
   * `promote`, what comes too late takes effect from the next record on. An event is paired where the challenger has not
   * learnt from it and knows its item and all candidates, which are drawn from the catalogue of the version in force.
   *
   * @throws NcfError `PROMOTION_INVALID` unless `fromMs` is the start of a window
   */
  challenge(model: StreamModel | null, fromMs: number): void {
    const fromOffset = this.#startingAt(fromMs);
    const version = model?.version ?? null;
    if (this.#challengers.isInForce(version, fromMs)) return;
    this.#challengers = this.#challengers.with({ model, fromMs, fromOffset });
    this.#draft.challengers.push({ version, fromMs, fromOffset });
  }

  /** The offset from which on what begins at `fromMs` counts; null where the partition has not got to that time. */
  #startingAt(fromMs: number): number | null {
    if (!this.#options.windows.isStart(fromMs)) {
      throw new NcfError("PROMOTION_INVALID", `expected a promotion from the start of a window on, found ${fromMs} ms`);
    }
    const { streamTimeMs, nextOffset } = this.#state;
    return streamTimeMs !== null && streamTimeMs >= fromMs ? nextOffset : null;
  }

  /**
   * Forgets promotions and challengers that no event can need from a place on: a snapshot's, if it is the oldest that a successor may restore,
   * since catching up from there needs the versions that were in force then.
   *
   * @param place the first offset that had not been read, and the stream time then
   */
  prunePromotions({ offset, streamTimeMs }: { readonly offset: number; readonly streamTimeMs: number | null }): void {
    if (streamTimeMs === null) return;
    const fromMs = this.#options.windows.earliestOpenMs(streamTimeMs);
    this.#schedule = this.#schedule.since(fromMs, offset);
    this.#challengers = this.#challengers.since(fromMs, offset);
  }

  /** All that came since the last commit. @param idle whether the partition is to hold no window back */
  takeCommit(idle: boolean): PartitionCommit {
    const { outcomes, late, deadLetters, promotions, challengers, counts } = this.#draft;
    const { nextOffset, streamTimeMs, ended } = this.#state;
    const { partition } = this.#options;
    const fromOffset = this.#committedOffset;
    const deltas = this.#draft.deltas();
    const partial = { partition, fromOffset, nextOffset, streamTimeMs, ended, idle, deltas, promotions, challengers };
    this.#draft = new CommitDraft(this.#options.seed);
    this.#committedOffset = nextOffset;
    return { outcomes, late, deadLetters, counts, partial };
  }

  /** The state as bytes, for `restore`. */
  snapshot(): Uint8Array {
    return this.#state.snapshot();
  }

  /** Takes over the state of a snapshot, which then belongs to this evaluator. @throws NcfError `SNAPSHOT_MISMATCH` */
  restore(snapshot: HistorySnapshot): void {
    this.#state.restore(snapshot);
    this.#ranker = this.#newRanker();
    this.#committedOffset = this.#state.nextOffset;
  }

  #newRanker(): EventRanker {
    return new EventRanker(this.#state.histories, { seed: this.#options.seed, negatives: this.#negatives });
  }

  /** Tests or counts; the state is left as it is. */
  #evaluate(record: StreamRecord, judged: Judged): Folded {
    const { partition } = this.#options;
    const { offset } = record;
    switch (judged.kind) {
      case "deadLetter": {
        const deadLetter = { partition, offset, reason: judged.reason, value: record.value };
        this.#draft.addDeadLetter(deadLetter);
        return { kind: "deadLetter", deadLetter };
      }
      case "late": {
        const { streamTimeMs, ended } = this.#state;
        const late = { partition, offset, event: judged.event, streamTimeMs: ended ? null : streamTimeMs };
        this.#draft.addLate(late, judged.windows);
        return { kind: "late", late };
      }
      case "repeat":
        this.#draft.count("repeats", judged.windows);
        return { kind: "repeat", event: judged.event };
      case "unknownItem":
        this.#draft.count("unknownItems", judged.windows);
        return { kind: "unknownItem", event: judged.event };
      case "learnt":
        this.#draft.count("learnt", judged.windows);
        return { kind: "learnt", event: judged.event };
      case "test": {
        const { event, model, leaked } = judged;
        if (leaked && this.#options.leak !== "mark") throw leak(event.timestampMs, model, { partition, offset });
        this.#state.adopt(event.userId);
        const tools = { histories: this.histories, ranker: this.#ranker };
        const challenger = challengerOf(judged, { partition, offset }, this.#challengers);
        const outcome = testEvent(judged, { partition, offset }, challenger, tools);
        this.#draft.addOutcome(outcome, outcome.candidates <= this.#negatives);
        return { kind: "outcome", outcome };
      }
      case "skipped":
        this.#draft.addSkipped();
        return judged;
      default:
        return judged;
    }
  }
}
