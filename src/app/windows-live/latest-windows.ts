/**
 * The latest report of each window, and what changed since a reader looked last. A reader that is behind gets the latest of
 * each window only, so that nothing queues up for it.
 */
import type { WindowReport } from "../../streaming/window-report.ts";
import type { WindowSink } from "./window-feed.ts";

export interface LatestWindowsOptions {
  /** `replay`: of a replay that has ended, so nothing will change. */
  readonly source: "stream" | "replay";
  /** Tells cursors of this object from those of another one, such as that of the process before. */
  readonly instance: string;
  /** The newest so many windows are kept. */
  readonly limit: number;
}

export interface WindowChange {
  /** For `changesAfter`. */
  readonly cursor: string;
  readonly report: WindowReport;
}

export interface WindowChanges {
  /** Whether these are all windows, because the cursor is none of this object's: forget what was known. */
  readonly fromStart: boolean;
  /** In the order in which they changed. */
  readonly changes: readonly WindowChange[];
}

export class LatestWindows implements WindowSink {
  readonly source: LatestWindowsOptions["source"];
  readonly #instance: string;
  readonly #limit: number;
  /** By start, the one that changed last at the end. */
  readonly #windows = new Map<number, { readonly sequence: number; readonly report: WindowReport }>();
  readonly #waiting = new Set<() => void>();
  #sequence = 0;
  #resets = 0;
  #reading: boolean;

  constructor({ source, instance, limit }: LatestWindowsOptions) {
    this.source = source;
    this.#instance = instance;
    this.#limit = limit;
    this.#reading = source === "replay";
  }

  /** Whether the stream's reports are being read just now. */
  get reading(): boolean {
    return this.#reading;
  }

  /** Oldest first. */
  get reports(): WindowReport[] {
    return [...this.#windows.values()].map(({ report }) => report).sort((a, b) => a.startMs - b.startMs);
  }

  onReport(report: WindowReport): void {
    const { startMs } = report;
    if (!this.#windows.delete(startMs) && this.#windows.size >= this.#limit) {
      const oldest = Math.min(...this.#windows.keys());
      if (startMs < oldest) return;
      this.#windows.delete(oldest);
    }
    this.#sequence += 1;
    this.#windows.set(startMs, { sequence: this.#sequence, report });
    this.#wake();
  }

  onReading(reading: boolean): void {
    if (reading === this.#reading) return;
    this.#reading = reading;
    this.#wake();
  }

  onReset(): void {
    this.#windows.clear();
    this.#resets += 1;
    this.#wake();
  }

  /** @param cursor that of the last change that was taken; null for all */
  changesAfter(cursor: string | null): WindowChanges {
    const after = cursor === null ? null : this.#sequenceOf(cursor);
    const changes = [...this.#windows.values()]
      .filter(({ sequence }) => sequence > (after ?? 0))
      .map(({ sequence, report }) => ({ cursor: this.#cursorAt(sequence), report }));
    return { fromStart: after === null, changes };
  }

  /** The cursor of who knows all that was before the first window. */
  get startCursor(): string {
    return this.#cursorAt(0);
  }

  /** Resolves at the next change of any kind, when the time is up, or at once when the signal is given. */
  nextChange(timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        this.#waiting.delete(end);
        resolve();
      };
      const timer = setTimeout(end, timeoutMs);
      signal.addEventListener("abort", end);
      this.#waiting.add(end);
      if (signal.aborted) end();
    });
  }

  #cursorAt(sequence: number): string {
    return `${this.#instance}.${this.#resets}-${sequence}`;
  }

  /** Null for a cursor of another object, or of before a reset. */
  #sequenceOf(cursor: string): number | null {
    const at = cursor.lastIndexOf("-");
    const sequence = Number(cursor.slice(at + 1));
    return cursor === this.#cursorAt(sequence) && sequence <= this.#sequence ? sequence : null;
  }

  #wake(): void {
    for (const end of [...this.#waiting]) end();
  }
}
