/** Stage 2 on a log: folds what all partitions add into windows and publishes their reports. */

import { decodeJson, encodeJson } from "../../core/json.ts";
import type { TransactionalProducer } from "../../ports/interaction-log.ts";
import { WindowAggregator } from "../../streaming/window-aggregator.ts";
import { windowPartialSchema } from "../../streaming/window-partial.ts";
import type { WindowReport } from "../../streaming/window-report.ts";
import { committedRecords } from "./committed-records.ts";
import type { StreamDeps, StreamSettings } from "./stream-settings.ts";

export class WindowWorker {
  readonly #deps: StreamDeps;
  readonly #settings: StreamSettings;
  readonly #producer: TransactionalProducer;
  readonly #aggregator: WindowAggregator;
  #position: number;

  /** Takes stage 2 over: the windows are those of all partials up to the committed offset. @throws NcfError those of the log */
  static async open(deps: StreamDeps, settings: StreamSettings): Promise<WindowWorker> {
    const { group, topics, windows, commitRecords } = settings;
    const producer = await deps.log.openProducer(`${group}-windows`);
    const committed = (await deps.log.committed(group, topics.windowPartials, 0))?.offset ?? 0;
    const aggregator = new WindowAggregator(windows, await deps.log.partitions(topics.interactions));
    const place = { topic: topics.windowPartials, partition: 0 };
    const stretch = { from: 0, to: committed, atOnce: commitRecords };
    for await (const { value } of committedRecords(deps.log, place, stretch)) fold(aggregator, value);
    return new WindowWorker(deps, settings, producer, aggregator, committed);
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
   * Folds the partials that came since, and publishes the latest report of each window that they changed.
   *
   * @returns those reports by start; empty at the log's end
   */
  async step(): Promise<WindowReport[]> {
    const { group, topics, commitRecords } = this.#settings;
    const { records, nextOffset } = await this.#deps.log.read(topics.windowPartials, 0, this.#position, commitRecords);
    this.#position = nextOffset;
    if (records.length === 0) return [];
    const latest = new Map<number, WindowReport>();
    for (const { value } of records) {
      for (const report of fold(this.#aggregator, value)) latest.set(report.startMs, report);
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
      offsets: [{ group, topic: topics.windowPartials, partition: 0, offset, metadata: "" }],
    });
    return reports;
  }

  close(): Promise<void> {
    return this.#producer.close();
  }
}

function fold(aggregator: WindowAggregator, value: Uint8Array | null): WindowReport[] {
  return aggregator.fold(windowPartialSchema.parse(decodeJson(value ?? new Uint8Array())));
}
