/** Windows of event time, in the words of Kafka Streams. */
import { NcfError } from "../core/errors.ts";

/** Half-open: an event belongs to it when startMs ≤ timestampMs < endMs. */
export interface TimeWindow {
  readonly startMs: number;
  readonly endMs: number;
}

/** Each of an event's windows gets sums in the event's commit, which must fit into one record of the log. */
const maxWindowsPerEvent = 60;

/** Tumbling or hopping windows, aligned to the epoch. */
export class TimeWindows {
  readonly sizeMs: number;
  readonly graceMs: number;
  /** Distance between the starts of two windows: the size (tumbling) or less (hopping). */
  readonly advanceMs: number;

  private constructor(sizeMs: number, graceMs: number, advanceMs: number) {
    this.sizeMs = sizeMs;
    this.graceMs = graceMs;
    this.advanceMs = advanceMs;
  }

  /**
   * Tumbling windows.
   *
   * @param graceMs how far stream time may pass a window's end before the window closes
   * @throws NcfError `WINDOW_INVALID`
   */
  static ofSizeAndGrace(sizeMs: number, graceMs: number): TimeWindows {
    if (!Number.isSafeInteger(sizeMs) || sizeMs < 1) throw invalid("a size of 1 ms or more", sizeMs);
    if (!Number.isSafeInteger(graceMs) || graceMs < 0) throw invalid("a grace of 0 ms or more", graceMs);
    return new TimeWindows(sizeMs, graceMs, sizeMs);
  }

  /** The same, but a window starts every `advanceMs`. @throws NcfError `WINDOW_INVALID` */
  advanceBy(advanceMs: number): TimeWindows {
    const { sizeMs, graceMs } = this;
    if (!Number.isSafeInteger(advanceMs) || advanceMs < 1 || advanceMs > sizeMs) {
      throw invalid(`an advance of 1 ms to the size, ${sizeMs} ms`, advanceMs);
    }
    if (sizeMs / advanceMs > maxWindowsPerEvent) {
      throw invalid(`an advance that puts an event into at most ${maxWindowsPerEvent} windows`, advanceMs);
    }
    return new TimeWindows(sizeMs, graceMs, advanceMs);
  }

  /** In so many windows lies an event at most. */
  get mostOfEvent(): number {
    return Math.ceil(this.sizeMs / this.advanceMs);
  }

  /** The windows that an event of this time belongs to, earliest first. */
  windowsFor(timestampMs: number): TimeWindow[] {
    // Adding 0 turns −0 into 0.
    const last = Math.floor(timestampMs / this.advanceMs) * this.advanceMs + 0;
    const windows: TimeWindow[] = [];
    const earlier = Math.ceil((last - timestampMs + this.sizeMs) / this.advanceMs) - 1;
    for (let i = earlier; i >= 0; i--) windows.push(this.at(last - i * this.advanceMs));
    return windows;
  }

  at(startMs: number): TimeWindow {
    return { startMs, endMs: startMs + this.sizeMs };
  }

  isStart(timestampMs: number): boolean {
    return timestampMs % this.advanceMs === 0;
  }

  /** The stream time at which the window closes. */
  closesAtMs({ endMs }: TimeWindow): number {
    return endMs + this.graceMs;
  }

  isClosed(window: TimeWindow, streamTimeMs: number): boolean {
    return streamTimeMs >= this.closesAtMs(window);
  }

  /** The start of the earliest window that is open at this stream time: no earlier event is tested from then on. */
  earliestOpenMs(streamTimeMs: number): number {
    // Open is what starts after stream time − size − grace.
    return (Math.floor((streamTimeMs - this.sizeMs - this.graceMs) / this.advanceMs) + 1) * this.advanceMs + 0;
  }

  /**
   * Whether a running total may take this window in: of hopping windows, it takes those that do not overlap, so that no
   * event counts twice. (Where the advance does not divide the size, it leaves gaps.)
   */
  inTotal({ startMs }: TimeWindow): boolean {
    return startMs % (this.mostOfEvent * this.advanceMs) === 0;
  }
}

function invalid(expected: string, found: number): NcfError {
  return new NcfError("WINDOW_INVALID", `expected windows with ${expected}, found ${found}`);
}
