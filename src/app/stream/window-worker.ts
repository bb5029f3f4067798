/** Stage 2 on a log: folds what all partitions add into windows and publishes their reports. */

import { z } from "zod";
import { NcfError } from "../../core/errors.ts";
import { decodeJson, encodeJson } from "../../core/json.ts";
import type { LogRecord, TransactionalProducer } from "../../ports/interaction-log.ts";
import { DriftDetector, driftStateSchema, qualityOf } from "../../streaming/drift-detector.ts";
import type { TimeWindows } from "../../streaming/time-windows.ts";
import type { Trial } from "../../streaming/trials.ts";
import { aggregatorStateSchema, type FinalWindows, WindowAggregator } from "../../streaming/window-aggregator.ts";
import { type WindowPartial, windowPartialSchema } from "../../streaming/window-partial.ts";
import type { WindowReport } from "../../streaming/window-report.ts";
import { committedRecords, nextRecords } from "./committed-records.ts";
import { type ModelUpdate, modelUpdateRecord } from "./model-updates.ts";
import { type FoundSnapshot, retrySnapshotAfter, Snapshots } from "./snapshots.ts";
import { type StreamDeps, type StreamSettings, workerFailed } from "./stream-settings.ts";
import { takeOver } from "./take-over.ts";

export class WindowWorker {
  readonly #deps: StreamDeps;
  readonly #settings: StreamSettings;
  readonly #producer: TransactionalProducer;
  readonly #snapshots: Snapshots;
  readonly #aggregator: WindowAggregator;
  readonly #drift: DriftDetector;
  /** Windows in which HR@10 fell, since the caller asked. */
  readonly #drifts: number[] = [];
  #position: number;
  #partialsSinceSnapshot = 0;
  #snapshotting: Promise<void> | null = null;
  /** What the step that failed threw, if one did. */
  #failure: { readonly cause: unknown } | null = null;

  /**
   * Takes stage 2 over: the windows are those of the newest snapshot at or below the committed offset, and the partials from
   * there on.
   *
   * @throws NcfError those of the log, of the store and of the aggregator; `PARTIAL_INVALID`, `STATE_MISMATCH`,
   *   `FILE_DAMAGED`
   */
  static open(deps: StreamDeps, settings: StreamSettings): Promise<WindowWorker> {
    const { group, topics, windows, promotion, commitRecords } = settings;
    return takeOver(deps.log, `${group}-windows`, async (producer) => {
      const committed = (await deps.log.committed(group, topics.windowPartials, 0))?.offset ?? 0;
      const partitions = await deps.log.partitions(topics.interactions);
      const snapshots = new Snapshots(deps.store, `snapshots/${group}/windows/`);
      const snapshot = await snapshots.newest(committed);
      const { aggregator, drift, nextOffset } =
        snapshot === null
          ? {
              aggregator: new WindowAggregator(windows, partitions, promotion),
              drift: new DriftDetector(),
              nextOffset: 0,
            }
          : restored(snapshot, settings, partitions);
      const place = { topic: topics.windowPartials, partition: 0 };
      const stretch = { from: nextOffset, to: committed, atOnce: commitRecords };
      for await (const record of committedRecords(deps.log, place, stretch)) {
        for (const report of aggregator.fold(partialOf(place.topic, record))) fell(drift, report, windows);
      }
      return new WindowWorker(deps, settings, { producer, snapshots, aggregator, drift }, committed);
    });
  }

  private constructor(
    deps: StreamDeps,
    settings: StreamSettings,
    {
      producer,
      snapshots,
      aggregator,
      drift,
    }: {
      readonly producer: TransactionalProducer;
      readonly snapshots: Snapshots;
      readonly aggregator: WindowAggregator;
      readonly drift: DriftDetector;
    },
    position: number,
  ) {
    this.#deps = deps;
    this.#settings = settings;
    this.#producer = producer;
    this.#snapshots = snapshots;
    this.#aggregator = aggregator;
    this.#drift = drift;
    this.#position = position;
  }

  /** The next offset to read. */
  get position(): number {
    return this.#position;
  }

  /**
   * Folds partials that came since, until some change a window, and publishes the latest report of each that they changed. A
   * snapshot that is due is stored beside; that it fails is told, tried again later and harms nothing.
   *
   * @returns those reports by start; empty at the log's end
   * @throws NcfError `PARTIAL_INVALID`, `PRODUCER_FENCED` and those of the log and the aggregator; then this worker is of no
   *   use any more and answers `WORKER_FAILED`
   */
  async step(): Promise<WindowReport[]> {
    if (this.#failure !== null) throw workerFailed("stage 2", this.#failure.cause);
    const { topics, commitRecords } = this.#settings;
    const place = { topic: topics.windowPartials, partition: 0 };
    for (;;) {
      const { records, nextOffset } = await nextRecords(this.#deps.log, place, this.#position, commitRecords);
      this.#position = nextOffset;
      if (records.length === 0) return [];
      try {
        const reports = await this.#take(records);
        if (reports.length > 0) return reports;
      } catch (cause) {
        this.#failure = { cause };
        throw cause;
      }
    }
  }

  /** The greatest stream time of all partitions; null before the first event. */
  get streamTimeMs(): number | null {
    return this.#aggregator.streamTimeMs;
  }

  /** Starts of the windows in which HR@10 fell below its running level, since the last call. */
  takeDrifts(): readonly number[] {
    return this.#drifts.splice(0);
  }

  get finalWindows(): FinalWindows {
    return this.#aggregator.finalWindows;
  }

  /** How challengers have done so far in final windows. */
  get trials(): readonly Trial[] {
    return this.#aggregator.trials;
  }

  /** Tells the partitions which versions are in force. @throws NcfError as `step` */
  async announce(updates: readonly ModelUpdate[]): Promise<void> {
    if (this.#failure !== null) throw workerFailed("stage 2", this.#failure.cause);
    const topic = this.#settings.topics.modelUpdates;
    try {
      await this.#producer.commit({ records: updates.map((update) => modelUpdateRecord(topic, update)), offsets: [] });
    } catch (cause) {
      this.#failure = { cause };
      throw cause;
    }
  }

  /** Waits for a snapshot that is being stored, and ends. */
  async close(): Promise<void> {
    await this.#snapshotting;
    await this.#producer.close();
  }

  async #take(records: readonly LogRecord[]): Promise<WindowReport[]> {
    const { group, topics } = this.#settings;
    const topic = topics.windowPartials;
    const latest = new Map<number, WindowReport>();
    for (const record of records) {
      for (const report of this.#aggregator.fold(partialOf(topic, record))) {
        latest.set(report.startMs, report);
        if (fell(this.#drift, report, this.#settings.windows)) this.#drifts.push(report.startMs);
      }
    }
    const reports = [...latest.values()].sort((a, b) => a.startMs - b.startMs);
    const offset = (records.at(-1)?.offset ?? 0) + 1;
    await this.#producer.commit({
      records: reports.map((report) => ({
        topic: topics.windows,
        partition: 0,
        key: String(report.startMs),
        value: encodeJson(report),
      })),
      offsets: [{ group, topic, partition: 0, offset, metadata: "" }],
    });
    this.#partialsSinceSnapshot += records.length;
    // After a commit, so that no snapshot lies beyond the committed offset.
    if (this.#partialsSinceSnapshot >= this.#settings.snapshotPartials && this.#snapshotting === null) {
      this.#partialsSinceSnapshot = 0;
      const saved = { nextOffset: offset, state: this.#aggregator.save(), drift: this.#drift.save() };
      this.#snapshotting = this.#store(offset, encodeJson(saved));
    }
    return reports;
  }

  async #store(offset: number, snapshot: Uint8Array): Promise<void> {
    try {
      await this.#snapshots.write(offset, snapshot);
      this.#deps.onEvent?.({ event: "snapshotStored", who: "windows", offset, bytes: snapshot.length });
    } catch (cause) {
      this.#deps.onEvent?.({ event: "snapshotFailed", who: "windows", offset, cause });
      this.#partialsSinceSnapshot += Math.ceil(retrySnapshotAfter * this.#settings.snapshotPartials);
    } finally {
      this.#snapshotting = null;
    }
  }
}

const snapshotSchema = z.object({
  nextOffset: z.int().min(0),
  state: aggregatorStateSchema,
  drift: driftStateSchema.optional(),
});

/** Whether HR@10 has fallen below its running level in a window that has just become final. */
function fell(drift: DriftDetector, report: WindowReport, windows: TimeWindows): boolean {
  if (!report.final || report.revision > 0 || !windows.inTotal(report)) return false;
  return drift.observe(qualityOf(report)).kind === "alarm";
}

/** @throws NcfError `FILE_DAMAGED`, `STATE_MISMATCH` */
function restored(
  { key, bytes }: FoundSnapshot,
  { windows, promotion }: StreamSettings,
  partitions: number,
): { aggregator: WindowAggregator; drift: DriftDetector; nextOffset: number } {
  let found: z.infer<typeof snapshotSchema>;
  try {
    found = snapshotSchema.parse(decodeJson(bytes));
  } catch (cause) {
    throw new NcfError(
      "FILE_DAMAGED",
      `${key}: expected a snapshot of windows, found something else. Remove it: the windows are then rebuilt from the log`,
      { cause },
    );
  }
  const { state, drift, nextOffset } = found;
  const aggregator = WindowAggregator.restore(windows, partitions, state, promotion);
  return { aggregator, drift: new DriftDetector(drift), nextOffset };
}

/** @throws NcfError `PARTIAL_INVALID` */
function partialOf(topic: string, { offset, value }: LogRecord): WindowPartial {
  try {
    return windowPartialSchema.parse(decodeJson(value ?? new Uint8Array()));
  } catch (cause) {
    throw new NcfError(
      "PARTIAL_INVALID",
      `topic ${topic}: expected what a partition's worker adds to windows at offset ${offset}, found something else. Only ` +
        "the workers of this program's version may write there: start a new group on a topic of its own",
      { cause },
    );
  }
}
