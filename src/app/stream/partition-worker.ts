/** Stage 1 on a log: owns one partition of the input, tests its events and commits what came of them. */

import { encodeJson } from "../../core/json.ts";
import type { LogRecord, TopicRecord, TransactionalProducer } from "../../ports/interaction-log.ts";
import { decodeSnapshot } from "../../streaming/history-snapshot.ts";
import type { DeadLetter } from "../../streaming/outcome.ts";
import type { PartitionCommit } from "../../streaming/partition-commit.ts";
import { PartitionEvaluator } from "../../streaming/partition-evaluator.ts";
import { maxWindowsPerEvent } from "../../streaming/time-windows.ts";
import { committedRecords, nextRecords } from "./committed-records.ts";
import { Snapshots } from "./snapshots.ts";
import { type StreamDeps, type StreamSettings, workerFailed } from "./stream-settings.ts";
import { takeOver } from "./take-over.ts";

/** So many windows' sums fit into one record: each is at most 7 kB of JSON. */
const windowsOfRecord = 140;
/** A commit ends with the event that takes it to so many windows: that event's own may come on top. */
const windowsOfCommit = windowsOfRecord - maxWindowsPerEvent;

/** Dead letters hold the beginning of what is longer: in base64 it must still fit into a record. */
const deadLetterBytes = 500_000;
/** No user's id is longer; a longer key might not fit into a record beside the value. */
const maxKeyLength = 1_000;

export class PartitionWorker {
  readonly #deps: StreamDeps;
  readonly #settings: StreamSettings;
  readonly #partition: number;
  readonly #producer: TransactionalProducer;
  readonly #snapshots: Snapshots;
  readonly #evaluator: PartitionEvaluator;
  /** The next offset to read; beyond the evaluator's where offsets hold no record. */
  #position: number;
  #recordsSinceSnapshot = 0;
  /** What the step that failed threw, if one did. */
  #failure: { readonly cause: unknown } | null = null;

  /**
   * Takes the partition over from whoever owned it: opening the producer fences the former owner, so the offset that is
   * committed then stays the last; the state is that of the newest snapshot at or below it, and the records from there on.
   *
   * @throws NcfError those of the log, of the store and of `decodeSnapshot`; `SNAPSHOT_MISMATCH`
   */
  static open(deps: StreamDeps, settings: StreamSettings, partition: number): Promise<PartitionWorker> {
    const { group, topics } = settings;
    const { log, store } = deps;
    return takeOver(log, `${group}-p${partition}`, async (producer) => {
      const place = { topic: topics.interactions, partition };
      const committed =
        (await log.committed(group, place.topic, partition))?.offset ?? (await log.startOffset(place.topic, partition));
      const partitionCount = await log.partitions(place.topic);
      const evaluator = new PartitionEvaluator({ ...settings, partition, partitionCount }, settings.schedule);
      const snapshots = new Snapshots(store, `snapshots/${group}/${partition}/`);
      const snapshot = await snapshots.newest(committed);
      if (snapshot !== null) evaluator.restore(decodeSnapshot(snapshot.bytes, snapshot.key));
      const stretch = { from: evaluator.nextOffset, to: committed, atOnce: settings.commitRecords };
      for await (const record of committedRecords(log, place, stretch)) evaluator.catchUp(record);
      return new PartitionWorker(deps, settings, partition, producer, snapshots, evaluator, committed);
    });
  }

  private constructor(
    deps: StreamDeps,
    settings: StreamSettings,
    partition: number,
    producer: TransactionalProducer,
    snapshots: Snapshots,
    evaluator: PartitionEvaluator,
    position: number,
  ) {
    this.#deps = deps;
    this.#settings = settings;
    this.#partition = partition;
    this.#producer = producer;
    this.#snapshots = snapshots;
    this.#evaluator = evaluator;
    this.#position = position;
  }

  /**
   * Reads, tests and commits up to `commitRecords` records.
   *
   * @returns how many; 0 at the log's end
   * @throws NcfError `LEAK`, `SCORE_NAN`, `PRODUCER_FENCED`, those of the log and of the store; then this worker is of no
   *   use any more and answers `WORKER_FAILED`: one that is opened anew goes on from what was committed
   */
  async step(): Promise<number> {
    const { topics, commitRecords, snapshotRecords } = this.#settings;
    const place = { topic: topics.interactions, partition: this.#partition };
    if (this.#failure !== null) {
      throw workerFailed(`topic ${place.topic}, partition ${place.partition}`, this.#failure.cause);
    }
    const { records, nextOffset } = await nextRecords(this.#deps.log, place, this.#position, commitRecords);
    this.#position = nextOffset;
    if (records.length === 0) return 0;
    try {
      const folded = this.#fold(records);
      await this.#commit(this.#evaluator.takeCommit(false), folded);
      this.#recordsSinceSnapshot += folded.length;
      // After a commit, so that no snapshot lies beyond the committed offset.
      if (this.#recordsSinceSnapshot >= snapshotRecords) {
        await this.#snapshots.write(this.#evaluator.nextOffset, this.#evaluator.snapshot());
        this.#recordsSinceSnapshot = 0;
      }
      return folded.length;
    } catch (cause) {
      this.#failure = { cause };
      throw cause;
    }
  }

  close(): Promise<void> {
    return this.#producer.close();
  }

  /** Folds records until a commit is full. @returns those folded; the position is behind the last of them */
  #fold(records: readonly LogRecord[]): readonly LogRecord[] {
    for (let i = 0; i < records.length; i++) {
      this.#evaluator.fold(records[i]);
      if (this.#evaluator.pendingWindows < windowsOfCommit || i + 1 === records.length) continue;
      this.#position = records[i].offset + 1;
      return records.slice(0, i + 1);
    }
    return records;
  }

  async #commit(commit: PartitionCommit, read: readonly LogRecord[]): Promise<void> {
    const { group, topics } = this.#settings;
    const partition = this.#partition;
    const keys = new Map(read.map(({ offset, key }) => [offset, key]));
    const record = (topic: string, offset: number, value: unknown): TopicRecord => ({
      topic,
      partition,
      key: keyOf(keys.get(offset)),
      value: encodeJson(value),
    });
    const { outcomes, late, deadLetters, partial } = commit;
    await this.#producer.commit({
      records: [
        ...outcomes.map((outcome) => record(topics.outcomes, outcome.offset, outcome)),
        ...late.map((event) => record(topics.late, event.offset, event)),
        ...deadLetters.map((letter) => record(topics.deadLetters, letter.offset, deadLetterJson(letter))),
        { topic: topics.windowPartials, partition: 0, key: String(partition), value: encodeJson(partial) },
      ],
      offsets: [
        {
          group,
          topic: topics.interactions,
          partition,
          offset: this.#evaluator.nextOffset,
          metadata: JSON.stringify({ streamTimeMs: partial.streamTimeMs }),
        },
      ],
    });
  }
}

function keyOf(key: string | null | undefined): string | null {
  return key == null || key.length > maxKeyLength ? null : key;
}

/** `value` is the record's, or its beginning, in base64; `valueBytes` says how long the whole is. */
function deadLetterJson({ value, ...letter }: DeadLetter): object {
  if (value === null) return { ...letter, value, valueBytes: null };
  const beginning = Buffer.from(value.subarray(0, deadLetterBytes)).toString("base64");
  return { ...letter, value: beginning, valueBytes: value.length };
}
