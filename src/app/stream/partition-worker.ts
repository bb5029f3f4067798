/** Stage 1 on a log: owns one partition of the input, tests its events and commits what came of them. */

import { encodeJson } from "../../core/json.ts";
import type { LogRecord, TopicRecord, TransactionalProducer } from "../../ports/interaction-log.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { decodeSnapshot } from "../../streaming/history-snapshot.ts";
import type { DeadLetter } from "../../streaming/outcome.ts";
import type { PartitionCommit } from "../../streaming/partition-commit.ts";
import { PartitionEvaluator } from "../../streaming/partition-evaluator.ts";
import { maxWindowsPerEvent } from "../../streaming/time-windows.ts";
import { committedRecords, nextRecords } from "./committed-records.ts";
import { type StreamDeps, type StreamSettings, workerFailed } from "./stream-settings.ts";

/** Digits of an offset in a snapshot's name, so that names sort by offset. */
const offsetDigits = 16;
/** The newest, and one that a worker which is taking over may be about to read. */
const keptSnapshots = 2;

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
  static async open(deps: StreamDeps, settings: StreamSettings, partition: number): Promise<PartitionWorker> {
    const { group, topics } = settings;
    const { log, store } = deps;
    const producer = await log.openProducer(`${group}-p${partition}`);
    try {
      const place = { topic: topics.interactions, partition };
      const committed =
        (await log.committed(group, place.topic, partition))?.offset ?? (await log.startOffset(place.topic, partition));
      const partitionCount = await log.partitions(place.topic);
      const evaluator = new PartitionEvaluator({ ...settings, partition, partitionCount }, settings.schedule);
      const snapshot = await newestSnapshot(deps, snapshotPrefix(settings, partition), committed);
      if (snapshot !== null) evaluator.restore(decodeSnapshot(await store.get(snapshot), snapshot));
      const stretch = { from: evaluator.nextOffset, to: committed, atOnce: settings.commitRecords };
      for await (const record of committedRecords(log, place, stretch)) evaluator.catchUp(record);
      return new PartitionWorker(deps, settings, partition, producer, evaluator, committed);
    } catch (cause) {
      await producer.close();
      throw cause;
    }
  }

  private constructor(
    deps: StreamDeps,
    settings: StreamSettings,
    partition: number,
    producer: TransactionalProducer,
    evaluator: PartitionEvaluator,
    position: number,
  ) {
    this.#deps = deps;
    this.#settings = settings;
    this.#partition = partition;
    this.#producer = producer;
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
      if (this.#recordsSinceSnapshot >= snapshotRecords) await this.#snapshot();
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

  /** After a commit, so that no snapshot lies beyond the committed offset. Removes those that nobody needs any more. */
  async #snapshot(): Promise<void> {
    const { store } = this.#deps;
    const prefix = snapshotPrefix(this.#settings, this.#partition);
    await store.put(snapshotKey(prefix, this.#evaluator.nextOffset), this.#evaluator.snapshot());
    this.#recordsSinceSnapshot = 0;
    for (const key of (await snapshotsOf(store, prefix)).slice(0, -keptSnapshots)) await store.delete(key);
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

function snapshotPrefix({ group }: StreamSettings, partition: number): string {
  return `snapshots/${group}/${partition}/`;
}

function snapshotKey(prefix: string, offset: number): string {
  return `${prefix}${String(offset).padStart(offsetDigits, "0")}`;
}

/** Keys of snapshots, oldest first. */
async function snapshotsOf(store: ObjectStore, prefix: string): Promise<string[]> {
  const { length } = snapshotKey(prefix, 0);
  return (await store.list(prefix)).filter((key) => key.length === length);
}

/**
 * The key of the newest snapshot at or below the committed offset, or null. Removes those beyond it: they are of a log that
 * was made anew or set back, and would be taken for this one's as soon as it gets there.
 */
async function newestSnapshot({ store }: StreamDeps, prefix: string, committed: number): Promise<string | null> {
  const limit = snapshotKey(prefix, committed);
  const keys = await snapshotsOf(store, prefix);
  for (const key of keys) if (key > limit) await store.delete(key);
  return keys.findLast((key) => key <= limit) ?? null;
}
