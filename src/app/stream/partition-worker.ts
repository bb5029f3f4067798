/** Stage 1 on a log: owns one partition of the input, tests its events and commits what came of them. */

import { encodeJson } from "../../core/json.ts";
import type { LogRecord, TopicRecord, TransactionalProducer } from "../../ports/interaction-log.ts";
import { decodeSnapshot } from "../../streaming/history-snapshot.ts";
import type { PartitionCommit } from "../../streaming/partition-commit.ts";
import { PartitionEvaluator } from "../../streaming/partition-evaluator.ts";
import { committedRecords } from "./committed-records.ts";
import type { StreamDeps, StreamSettings } from "./stream-settings.ts";

/** Digits of an offset in a snapshot's name, so that names sort by offset. */
const offsetDigits = 16;

export class PartitionWorker {
  readonly #deps: StreamDeps;
  readonly #settings: StreamSettings;
  readonly #partition: number;
  readonly #producer: TransactionalProducer;
  readonly #evaluator: PartitionEvaluator;
  /** The next offset to read; beyond the evaluator's where offsets hold no record. */
  #position: number;
  #recordsSinceSnapshot = 0;

  /**
   * Takes the partition over from whoever owned it: opening the producer fences the former owner, so the offset that is
   * committed then stays the last; the state is that of the newest snapshot at or below it, and the records from there on.
   *
   * @throws NcfError those of the log, of the store and of `decodeSnapshot`; `SNAPSHOT_MISMATCH`
   */
  static async open(deps: StreamDeps, settings: StreamSettings, partition: number): Promise<PartitionWorker> {
    const { group, topics } = settings;
    const producer = await deps.log.openProducer(`${group}-p${partition}`);
    const committed = (await deps.log.committed(group, topics.interactions, partition))?.offset ?? 0;
    const partitionCount = await deps.log.partitions(topics.interactions);
    const evaluator = new PartitionEvaluator({ ...settings, partition, partitionCount }, settings.schedule);
    const snapshot = await newestSnapshot(deps, snapshotPrefix(settings, partition), committed);
    if (snapshot !== null) evaluator.restore(decodeSnapshot(await deps.store.get(snapshot), snapshot));
    const place = { topic: topics.interactions, partition };
    const stretch = { from: evaluator.nextOffset, to: committed, atOnce: settings.commitRecords };
    for await (const record of committedRecords(deps.log, place, stretch)) evaluator.catchUp(record);
    return new PartitionWorker(deps, settings, partition, producer, evaluator, committed);
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
   * @throws NcfError `LEAK`, `SCORE_NAN`, `PRODUCER_FENCED` and those of the log: then nothing was committed, and the worker
   *   must be opened anew
   */
  async step(): Promise<number> {
    const { topics, commitRecords, snapshotRecords } = this.#settings;
    const { records, nextOffset } = await this.#deps.log.read(
      topics.interactions,
      this.#partition,
      this.#position,
      commitRecords,
    );
    this.#position = nextOffset;
    if (records.length === 0) return 0;
    for (const record of records) this.#evaluator.fold(record);
    await this.#commit(this.#evaluator.takeCommit(false), records);
    this.#recordsSinceSnapshot += records.length;
    if (this.#recordsSinceSnapshot >= snapshotRecords) await this.#snapshot();
    return records.length;
  }

  close(): Promise<void> {
    return this.#producer.close();
  }

  async #commit(commit: PartitionCommit, read: readonly LogRecord[]): Promise<void> {
    const { group, topics } = this.#settings;
    const partition = this.#partition;
    const keys = new Map(read.map(({ offset, key }) => [offset, key]));
    const record = (topic: string, offset: number, value: unknown): TopicRecord => ({
      topic,
      partition,
      key: keys.get(offset) ?? null,
      value: encodeJson(value),
    });
    const { outcomes, late, deadLetters, partial } = commit;
    await this.#producer.commit({
      records: [
        ...outcomes.map((outcome) => record(topics.outcomes, outcome.offset, outcome)),
        ...late.map((event) => record(topics.late, event.offset, event)),
        ...deadLetters.map(({ value, ...letter }) =>
          record(topics.deadLetters, letter.offset, {
            ...letter,
            value: value && Buffer.from(value).toString("base64"),
          }),
        ),
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

  /** After a commit, so that no snapshot lies beyond the committed offset for long; `open` skips those that do. */
  async #snapshot(): Promise<void> {
    const offset = String(this.#evaluator.nextOffset).padStart(offsetDigits, "0");
    await this.#deps.store.put(
      `${snapshotPrefix(this.#settings, this.#partition)}${offset}`,
      this.#evaluator.snapshot(),
    );
    this.#recordsSinceSnapshot = 0;
  }
}

function snapshotPrefix({ group }: StreamSettings, partition: number): string {
  return `snapshots/${group}/${partition}/`;
}

/** The key of the newest snapshot at or below the offset, or null. */
async function newestSnapshot({ store }: StreamDeps, prefix: string, offset: number): Promise<string | null> {
  const limit = `${prefix}${String(offset).padStart(offsetDigits, "0")}`;
  const keys = (await store.list(prefix)).filter((key) => key.length === limit.length && key <= limit);
  return keys.at(-1) ?? null;
}
