/** Stage 2 on a log: folds what all partitions add into windows and publishes their reports. */

import { NcfError } from "../../core/errors.ts";
import { decodeJson, encodeJson } from "../../core/json.ts";
import type { LogRecord, TransactionalProducer } from "../../ports/interaction-log.ts";
import { WindowAggregator } from "../../streaming/window-aggregator.ts";
import { type WindowPartial, windowPartialSchema } from "../../streaming/window-partial.ts";
import type { WindowReport } from "../../streaming/window-report.ts";
import { committedRecords, nextRecords } from "./committed-records.ts";
import { type StreamDeps, type StreamSettings, workerFailed } from "./stream-settings.ts";

export class WindowWorker {
  readonly #deps: StreamDeps;
  readonly #settings: StreamSettings;
  readonly #producer: TransactionalProducer;
  readonly #aggregator: WindowAggregator;
  #position: number;

  /** What the step that failed threw, if one did. */
  #failure: { readonly cause: unknown } | null = null;

  /**
   * Takes stage 2 over: the windows are those of all partials up to the committed offset.
   *
   * @throws NcfError those of the log and of the aggregator; `PARTIAL_INVALID`
   */
  static async open(deps: StreamDeps, settings: StreamSettings): Promise<WindowWorker> {
    const { group, topics, windows, commitRecords } = settings;
    const producer = await deps.log.openProducer(`${group}-windows`);
    try {
      const committed = (await deps.log.committed(group, topics.windowPartials, 0))?.offset ?? 0;
      const aggregator = new WindowAggregator(windows, await deps.log.partitions(topics.interactions));
      const place = { topic: topics.windowPartials, partition: 0 };
      const stretch = { from: 0, to: committed, atOnce: commitRecords };
      for await (const record of committedRecords(deps.log, place, stretch)) {
        aggregator.fold(partialOf(place.topic, record));
      }
      return new WindowWorker(deps, settings, producer, aggregator, committed);
    } catch (cause) {
      await producer.close();
      throw cause;
    }
  }

  private constructor(
    deps: StreamDeps,
    settings: StreamSettings,
    producer: TransactionalProducer,
    aggregator: WindowAggregator,
    position: number,
  ) {
    this.#deps = deps;
    this.#settings = settings;
    this.#producer = producer;
    this.#aggregator = aggregator;
    this.#position = position;
  }

  /**
   * Folds partials that came since, until some change a window, and publishes the latest report of each that they changed.
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

  close(): Promise<void> {
    return this.#producer.close();
  }

  async #take(records: readonly LogRecord[]): Promise<WindowReport[]> {
    const { group, topics } = this.#settings;
    const topic = topics.windowPartials;
    const latest = new Map<number, WindowReport>();
    for (const record of records) {
      for (const report of this.#aggregator.fold(partialOf(topic, record))) latest.set(report.startMs, report);
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
    return reports;
  }
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
