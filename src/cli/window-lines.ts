/** Windows on stdout as they come: each line when its window is final or revised, or every report as JSON. */

import type { WindowSink } from "../app/windows-live/window-feed.ts";
import { windowHeader, windowLine } from "../app/windows-text.ts";
import type { WindowReport } from "../streaming/window-report.ts";

/** What is needed of `process.stdout`. */
export interface LineStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const clearLine = "\r\x1b[2K";
const defaultColumns = 80;

export class WindowLines implements WindowSink {
  readonly #stream: LineStream;
  readonly #json: boolean;
  #headed = false;
  /** Whether the last line is one of an open window, which the next one takes the place of. */
  #drawn = false;

  constructor(stream: LineStream, json: boolean) {
    this.#stream = stream;
    this.#json = json;
  }

  onReport(report: WindowReport): void {
    if (this.#json) {
      this.#stream.write(`${JSON.stringify(report)}\n`);
      return;
    }
    if (!report.final && this.#stream.isTTY !== true) return;
    if (!this.#headed) this.#stream.write(`${windowHeader}\n`);
    this.#headed = true;
    this.clear();
    const line = windowLine(report);
    this.#drawn = !report.final;
    // A line that wraps could not be taken back.
    const columns = this.#stream.columns ?? defaultColumns;
    this.#stream.write(report.final ? `${line}\n` : line.slice(0, columns - 1));
  }

  /** Takes back the line of an open window. */
  clear(): void {
    if (this.#drawn) this.#stream.write(clearLine);
    this.#drawn = false;
  }

  // What happens to the log is told on stderr.
  onReading(): void {}

  onReset(): void {
    this.clear();
    this.#headed = false;
  }
}
