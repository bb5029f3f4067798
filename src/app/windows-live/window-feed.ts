/** Follows the topic of window reports from its start, whatever happens to the log, and hands each report on. */
import { setTimeout as sleep } from "node:timers/promises";
import { NcfError } from "../../core/errors.ts";
import { decodeJson } from "../../core/json.ts";
import type { InteractionLog, LogRecord } from "../../ports/interaction-log.ts";
import { type WindowReport, windowReportSchema } from "../../streaming/window-report.ts";
import { withBackoff } from "../backoff.ts";

export interface WindowSink {
  onReport(report: WindowReport): void;
  /** The topic was made anew: what was reported so far is of another stream. */
  onReset(): void;
  /** Whether the topic is being read: false while the log is away, or the topic not there yet. */
  onReading(reading: boolean): void;
}

export interface WindowFeedDeps {
  /** Opened when it is wanted, and closed in the end. One that gives up within seconds lets the feed say so. */
  readonly openLog: () => Promise<InteractionLog>;
  readonly topic: string;
  readonly sink: WindowSink;
  /** Told in a line of what does not go as it should, once each time that it begins or ends. */
  readonly log: (line: string) => void;
}

const recordsAtOnce = 500;
const waitMs = 1000;
const longestRetryMs = 2000;
const partition = 0;
/** What waiting, or starting anew, mends. */
const passing = new Set(["LOG_UNAVAILABLE", "TOPIC_UNKNOWN", "OFFSET_OUT_OF_RANGE"]);

export class WindowFeed {
  readonly #deps: WindowFeedDeps;
  #log: InteractionLog | null = null;
  #offset: number | null = null;
  #skipped = 0;
  /** What the feed waits for just now, as it was told. */
  #waitingFor: string | null = null;

  constructor(deps: WindowFeedDeps) {
    this.#deps = deps;
  }

  /** Records that are no window report. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Follows until the signal. @throws NcfError `LOG_REFUSED` and others that waiting does not mend */
  async run(signal: AbortSignal): Promise<void> {
    const options = {
      signal,
      sleep: (ms: number) => sleep(ms, undefined, { signal }).catch(() => undefined),
      canPass: (error: unknown) => error instanceof NcfError && passing.has(error.code),
      onWait: (error: unknown) => this.#onFailure(error as NcfError),
      longestRetryMs,
    };
    try {
      await withBackoff(options, async (gotOn) => {
        while (!signal.aborted) {
          await this.#step(signal);
          gotOn();
        }
      });
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#deps.sink.onReading(false);
      await this.#log?.close();
    }
  }

  /** Reads what is there, or waits a little for more. @throws NcfError those of the log */
  async #step(signal: AbortSignal): Promise<void> {
    const { topic, sink } = this.#deps;
    this.#log ??= await this.#deps.openLog();
    this.#offset ??= await this.#log.startOffset(topic, partition);
    const { records, nextOffset } = await this.#log.read(topic, partition, this.#offset, recordsAtOnce);
    this.#onSuccess();
    for (const record of records) this.#take(record);
    if (records.length < recordsAtOnce) sink.onReading(true);
    if (nextOffset > this.#offset) this.#offset = nextOffset;
    else await this.#log.waitForRecords(topic, partition, nextOffset, { timeoutMs: waitMs, signal });
  }

  #take({ offset, value }: LogRecord): void {
    // A tombstone says that a window is forgotten; it stays shown until newer ones take its place.
    if (value === null) return;
    const report = reportOf(value);
    if (report !== null) {
      this.#deps.sink.onReport(report);
      return;
    }
    this.#skipped += 1;
    if (this.#skipped === 1) {
      const what = `topic ${this.#deps.topic}, offset ${offset}: expected a window report, found something else`;
      this.#deps.log(`${what}. It is left out, as all such records will be: write nothing else to this topic.`);
    }
  }

  #onSuccess(): void {
    if (this.#waitingFor !== null) this.#deps.log(`Reading windows from topic ${this.#deps.topic} now.`);
    this.#waitingFor = null;
  }

  #onFailure(error: NcfError): void {
    const { topic, sink, log } = this.#deps;
    if (error.code === "OFFSET_OUT_OF_RANGE") {
      // Beyond the end, this is another topic; before the start, retention has been faster than we.
      if ((this.#offset ?? 0) > Number(error.data.end)) {
        sink.onReset();
        log(`Topic ${topic} was made anew: its windows are read from the start.`);
      }
      this.#offset = null;
      return;
    }
    sink.onReading(false);
    if (this.#waitingFor === error.code) return;
    this.#waitingFor = error.code;
    log(
      error.code === "TOPIC_UNKNOWN"
        ? `Waiting for topic ${topic}: ncf stream makes it.`
        : `Waiting for the windows' log: ${error.message}`,
    );
  }
}

function reportOf(value: Uint8Array): WindowReport | null {
  try {
    return windowReportSchema.parse(decodeJson(value));
  } catch {
    return null;
  }
}
