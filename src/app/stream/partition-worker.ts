/** Stage 1 on a log: owns one partition of the input, tests its events and commits what came of them. */

import { NcfError } from "../../core/errors.ts";
import { encodeJson, encodeJsonEach } from "../../core/json.ts";
import {
  type LogRecord,
  maxRecordBytes,
  type TopicRecord,
  type TransactionalProducer,
} from "../../ports/interaction-log.ts";
import { decodeSnapshot } from "../../streaming/history-snapshot.ts";
import type { DeadLetter } from "../../streaming/outcome.ts";
import type { PartitionCommit } from "../../streaming/partition-commit.ts";
import { PartitionEvaluator } from "../../streaming/partition-evaluator.ts";
import { committedRecords, nextRecords } from "./committed-records.ts";
import { commitMetadata, promotedVersions } from "./partition-metadata.ts";
import { type OrSetAside, settingAside } from "./set-aside.ts";
import { retrySnapshotAfter, Snapshots } from "./snapshots.ts";
import { newGroup, type StreamDeps, type StreamSettings, workerFailed } from "./stream-settings.ts";
import { takeOver } from "./take-over.ts";

/** The sums of a commit are one record, beside offsets and versions. */
const sumsBytes = maxRecordBytes - 5_000;

/** Dead letters hold the beginning of what is longer: in base64 it must still fit into a record. */
const deadLetterBytes = 500_000;
/** No user's id is longer; a longer key might not fit into a record beside the value. */
const maxKeyLength = 1_000;
/** Each takes some 70 bytes of a commit's metadata, which holds 4,096. */
const promotionsOfCommit = 40;
/** So many are tested at a stretch, some 10 ms: in between, the commit on its way gets on, and so does all else that waits. */
const recordsAtAStretch = 100;

export class PartitionWorker {
  readonly #deps: StreamDeps;
  readonly #settings: StreamSettings;
  readonly #partition: number;
  readonly #producer: TransactionalProducer;
  readonly #snapshots: Snapshots;
  readonly #evaluator: PartitionEvaluator;
  readonly #orSetAside: OrSetAside;
  /** The next offset to read; beyond the evaluator's where offsets hold no record. */
  #position: number;
  #idle = false;
  /** Model updates that are in the evaluator's schedule. */
  #appliedUpdates: number;
  /** Where the latest snapshot stands that this worker stored. */
  #stored: { readonly offset: number; readonly streamTimeMs: number | null } | null = null;
  /** The commit in flight; settled when there is none. */
  #committing: Promise<void> = Promise.resolve();
  #recordsSinceSnapshot = 0;
  #snapshotting: Promise<void> | null = null;
  /** What the step or commit that failed threw, if one did. */
  #failure: { readonly cause: unknown } | null = null;

  /**
   * Takes the partition over from whoever owned it: opening the producer fences the former owner, so the offset that is
   * committed then stays the last; the state is that of the newest snapshot at or below it, and the records from there on.
   *
   * @throws NcfError those of the log, of the store and of `decodeSnapshot`; `SNAPSHOT_MISMATCH`, `OFFSETS_LOST`
   */
  static open(deps: StreamDeps, settings: StreamSettings, partition: number): Promise<PartitionWorker> {
    const { group, topics } = settings;
    const { log, store } = deps;
    return takeOver(log, `${group}-p${partition}`, async (producer) => {
      const place = { topic: topics.interactions, partition };
      const snapshots = new Snapshots(store, `snapshots/${group}/${partition}/`);
      const found = await log.committed(group, place.topic, partition);
      if (found === null && !(await snapshots.none())) throw offsetsLost(group, place.topic, partition);
      const first = settings.startOffsets?.[partition] ?? (await log.startOffset(place.topic, partition));
      const committed = found?.offset ?? first;
      const partitionCount = await log.partitions(place.topic);
      const orSetAside = settingAside(`partition ${partition}`, deps.onEvent);
      const promoted = await promotedVersions(deps, settings, orSetAside, found?.metadata);
      const options = { ...settings, partition, partitionCount };
      const evaluator = new PartitionEvaluator(options, promoted.schedule, promoted.challengers);
      const snapshot = await snapshots.newest(committed);
      if (snapshot !== null) evaluator.restore(decodeSnapshot(snapshot.bytes, snapshot.key));
      const from = snapshot === null ? Math.min(first, committed) : evaluator.nextOffset;
      const stretch = { from, to: committed, atOnce: settings.commitRecords };
      for await (const record of committedRecords(log, place, stretch)) evaluator.catchUp(record);
      const opened = { producer, snapshots, evaluator, orSetAside, applied: promoted.updates };
      return new PartitionWorker(deps, settings, partition, opened, committed);
    });
  }

  private constructor(
    deps: StreamDeps,
    settings: StreamSettings,
    partition: number,
    {
      producer,
      snapshots,
      evaluator,
      orSetAside,
      applied,
    }: {
      readonly producer: TransactionalProducer;
      readonly snapshots: Snapshots;
      readonly evaluator: PartitionEvaluator;
      readonly orSetAside: OrSetAside;
      readonly applied: number;
    },
    position: number,
  ) {
    this.#deps = deps;
    this.#settings = settings;
    this.#partition = partition;
    this.#producer = producer;
    this.#snapshots = snapshots;
    this.#evaluator = evaluator;
    this.#orSetAside = orSetAside;
    this.#appliedUpdates = applied;
    this.#position = position;
  }

  /** The next offset to read. */
  get position(): number {
    return this.#position;
  }

  /** Whether the latest commit said that this partition holds no window back. */
  get idle(): boolean {
    return this.#idle;
  }

  /** Reads, tests and commits up to `commitRecords` records. As `advance`, and `settle` after it. */
  async step(): Promise<number> {
    const folded = await this.advance();
    await this.settle();
    await this.#snapshotting;
    return folded;
  }

  /**
   * Reads and tests up to `commitRecords` records and begins to commit them, while the next are read: at most one commit is
   * on its way. A snapshot that is due is stored beside; that it fails is told, tried again later and harms nothing.
   *
   * @returns how many; 0 at the log's end
   * @throws NcfError `LEAK`, `SCORE_NAN`, `PRODUCER_FENCED`, those of the log; then this worker is of no use any more and
   *   answers `WORKER_FAILED`: one that is opened anew goes on from what was committed
   */
  async advance(): Promise<number> {
    const { topics, commitRecords } = this.#settings;
    const place = { topic: topics.interactions, partition: this.#partition };
    this.#checkUsable();
    await this.#guarded(() => this.#applyUpdates());
    const { records, nextOffset } = await nextRecords(this.#deps.log, place, this.#position, commitRecords);
    this.#position = nextOffset;
    if (records.length === 0) return 0;
    return this.#guarded(async () => {
      const folded = await this.#fold(records);
      await this.#commitNext(folded, false);
      return folded.length;
    });
  }

  /** Waits until all is committed that was begun. @throws NcfError as `advance` */
  settle(): Promise<void> {
    return this.#guarded(() => this.#committing);
  }

  /** Has the challenger tested from here on that was set aside, where it can be loaded by now. @throws NcfError as `advance` */
  async retryChallenger(): Promise<void> {
    const { promotions } = this.#deps;
    const update = promotions?.updates.list.slice(0, this.#appliedUpdates).findLast((of) => of.kind === "challenger");
    const version = update?.version ?? null;
    if (promotions === undefined || update === undefined || version === null || this.#isFull()) return;
    if (this.#evaluator.challengers.at(-1)?.model?.version === version) return;
    this.#checkUsable();
    await this.#guarded(async () => {
      const model = await this.#orSetAside(version, () => promotions.versions.load(version));
      if (model !== null) this.#evaluator.challenge(model, update.fromMs);
    });
  }

  /** Says that this partition holds no window back until it brings something. @throws NcfError as `advance` */
  async declareIdle(): Promise<void> {
    this.#checkUsable();
    await this.#guarded(() => this.#commitNext([], true));
    await this.settle();
  }

  /** Stores a snapshot of what is committed, for whoever takes over, and ends. A failed worker just ends. */
  async close(): Promise<void> {
    try {
      if (this.#failure === null) {
        await this.#committing;
        await this.#snapshotting;
        if (this.#recordsSinceSnapshot > 0 && Number.isFinite(this.#settings.snapshotRecords)) {
          this.#recordsSinceSnapshot = 0;
          const { nextOffset, streamTimeMs } = this.#evaluator;
          await this.#store(nextOffset, streamTimeMs, this.#evaluator.snapshot());
        }
      }
    } finally {
      await this.#producer.close();
    }
  }

  /** Takes up what the stream has decided of versions; between two commits, so that the next one tells. */
  async #applyUpdates(): Promise<void> {
    const { promotions } = this.#deps;
    if (promotions === undefined) return;
    await promotions.updates.refresh();
    const updates = promotions.updates.list;
    while (this.#appliedUpdates < updates.length && !this.#isFull()) {
      const { kind, version, fromMs } = updates[this.#appliedUpdates];
      const load = () => (version === null ? Promise.resolve(null) : promotions.versions.load(version));
      if (kind === "challenger") this.#evaluator.challenge(await this.#orSetAside(version ?? "none", load), fromMs);
      else this.#evaluator.promote(await promotions.versions.load(version), fromMs);
      this.#appliedUpdates += 1;
    }
  }

  /** Whether no more promotions fit into a commit's metadata, until a snapshot lets older ones be forgotten. */
  #isFull(): boolean {
    return this.#evaluator.promotions.length + this.#evaluator.challengers.length >= promotionsOfCommit;
  }

  #checkUsable(): void {
    if (this.#failure === null) return;
    throw workerFailed(
      `topic ${this.#settings.topics.interactions}, partition ${this.#partition}`,
      this.#failure.cause,
    );
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      this.#failure ??= { cause };
      throw cause;
    }
  }

  /** Folds records until a commit is full. @returns those folded; the position is behind the last of them */
  async #fold(records: readonly LogRecord[]): Promise<readonly LogRecord[]> {
    for (let i = 0; i < records.length; i++) {
      if (i > 0 && i % recordsAtAStretch === 0) await new Promise((resolve) => setImmediate(resolve));
      this.#evaluator.fold(records[i]);
      const { pendingBytes, eventBytes } = this.#evaluator;
      if (pendingBytes + eventBytes <= sumsBytes || i + 1 === records.length) continue;
      this.#position = records[i].offset + 1;
      return records.slice(0, i + 1);
    }
    return records;
  }

  /** Waits for the commit before, then begins that of all that was folded since. */
  async #commitNext(read: readonly LogRecord[], idle: boolean): Promise<void> {
    const commit = this.#evaluator.takeCommit(idle);
    const { nextOffset, streamTimeMs } = commit.partial;
    await this.#committing;
    this.#recordsSinceSnapshot += read.length;
    const isLongAgo = this.#recordsSinceSnapshot >= this.#settings.snapshotRecords;
    const due = this.#snapshotting === null && (isLongAgo || this.#isFull());
    const snapshot = due ? this.#evaluator.snapshot() : null;
    if (due) this.#recordsSinceSnapshot = 0;
    this.#committing = this.#commit(commit, read).then(() => {
      this.#idle = idle;
      this.#deps.onEvent?.({ event: "committed", partition: this.#partition, records: read.length, commit });
      // After the commit, so that no snapshot lies beyond the committed offset.
      if (snapshot !== null) this.#snapshotting = this.#store(nextOffset, streamTimeMs, snapshot);
    });
    // Whoever awaits it next is told.
    this.#committing.catch(() => undefined);
  }

  async #store(offset: number, streamTimeMs: number | null, snapshot: Uint8Array): Promise<void> {
    const who = `partition ${this.#partition}`;
    try {
      await this.#snapshots.write(offset, snapshot);
      // A successor may have to take the one before.
      if (this.#stored !== null) this.#evaluator.prunePromotions(this.#stored);
      this.#stored = { offset, streamTimeMs };
      this.#deps.onEvent?.({ event: "snapshotStored", who, offset, bytes: snapshot.length });
    } catch (cause) {
      this.#deps.onEvent?.({ event: "snapshotFailed", who, offset, cause });
      this.#recordsSinceSnapshot += Math.ceil(retrySnapshotAfter * this.#settings.snapshotRecords);
    } finally {
      this.#snapshotting = null;
    }
  }

  async #commit(commit: PartitionCommit, read: readonly LogRecord[]): Promise<void> {
    const { group, topics } = this.#settings;
    const partition = this.#partition;
    const keys = new Map(read.map(({ offset, key }) => [offset, key]));
    const keyed = (topic: string, values: readonly { readonly offset: number }[]): TopicRecord[] => {
      const encoded = encodeJsonEach(values);
      return values.map(({ offset }, i) => ({ topic, partition, key: keyOf(keys.get(offset)), value: encoded[i] }));
    };
    const { outcomes, late, deadLetters, partial } = commit;
    await this.#producer.commit({
      records: [
        ...keyed(topics.outcomes, outcomes),
        ...keyed(topics.late, late),
        ...keyed(topics.deadLetters, deadLetters.map(deadLetterJson)),
        { topic: topics.windowPartials, partition: 0, key: String(partition), value: encodeJson(partial) },
      ],
      offsets: [
        {
          group,
          topic: topics.interactions,
          partition,
          offset: partial.nextOffset,
          metadata: commitMetadata(partial.streamTimeMs, this.#appliedUpdates, this.#evaluator),
        },
      ],
    });
  }
}

function offsetsLost(group: string, topic: string, partition: number): NcfError {
  return new NcfError(
    "OFFSETS_LOST",
    `group ${group}, topic ${topic}, partition ${partition}: expected the committed offset that its snapshots belong to, ` +
      "found none. A broker forgets a stopped group's offsets after offsets.retention.minutes (7 days by default), and those " +
      `of a topic that was removed: ${newGroup}`,
  );
}

function keyOf(key: string | null | undefined): string | null {
  return key == null || key.length > maxKeyLength ? null : key;
}

/** `value` is the record's, or its beginning, in base64; `valueBytes` says how long the whole is. */
function deadLetterJson({ value, ...letter }: DeadLetter) {
  if (value === null) return { ...letter, value, valueBytes: null };
  const beginning = Buffer.from(value.subarray(0, deadLetterBytes)).toString("base64");
  return { ...letter, value: beginning, valueBytes: value.length };
}
