/** Progress on a stream: one line redrawn on a terminal, now and then a plain line anywhere else. */

import { compact, duration, grouped } from "../app/report/number-text.ts";
import { printable } from "../app/report/printable.ts";
import type { Progress, ProgressTask } from "../ports/progress.ts";

/** What is needed of `process.stderr`. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressOptions {
  /** Milliseconds from any fixed point, never falling. */
  readonly nowMs: () => number;
  /** At least so long between two plain lines of a task; 5,000 by default. */
  readonly plainIntervalMs?: number;
}

export interface StreamProgress extends Progress {
  /** Ends the redrawn line and shows the cursor again; for an abort. Later updates are ignored. Safe to call twice. */
  close(): void;
}

const redrawIntervalMs = 80;
/** The rate shown is that of the last few seconds, so that it follows a machine that slows down. */
const rateWindowMs = 8_000;
/** An update so soon after the start tells where a resumed task stands, not how fast it is. */
const resumeWindowMs = 50;
const barWidth = 24;
const defaultColumns = 80;

const hideCursor = "\x1b[?25l";
const showCursor = "\x1b[?25h";
const clearLine = "\r\x1b[2K";

interface Mark {
  readonly atMs: number;
  readonly done: number;
}

interface View {
  readonly label: string;
  readonly total: number | undefined;
  readonly unit: string;
  readonly done: number;
  readonly perSecond: number;
  readonly note: string;
}

/** The reporter that writes to `stream`. */
export function streamProgress(stream: ProgressStream, options: ProgressOptions): StreamProgress {
  const tty = stream.isTTY === true;
  const open = new Set<object>();
  let closed = false;

  const start = (label: string, total?: number, unit = ""): ProgressTask => {
    const pace = new Pace(options.nowMs());
    const id = {};
    let shownAtMs = tty ? Number.NEGATIVE_INFINITY : options.nowMs();
    let done = 0;
    let lastNote = "";
    const view = (): View => ({
      label: printable(label),
      total,
      unit,
      done,
      perSecond: pace.perSecond,
      note: lastNote,
    });
    const show = (): void => {
      stream.write(tty ? clearLine + terminalLine(view(), stream.columns ?? defaultColumns) : `${plainLine(view())}\n`);
    };
    if (!closed) {
      if (tty && open.size === 0) stream.write(hideCursor);
      open.add(id);
      if (tty) show();
    }
    return {
      update(now, note = lastNote) {
        if (closed || !open.has(id)) return;
        done = now;
        lastNote = printable(note);
        const nowMs = options.nowMs();
        pace.add(nowMs, done);
        if (nowMs - shownAtMs < (tty ? redrawIntervalMs : (options.plainIntervalMs ?? 5_000))) return;
        shownAtMs = nowMs;
        show();
      },
      end(note = lastNote) {
        if (closed || !open.delete(id)) return;
        lastNote = printable(note);
        const line = endLine(view(), pace.elapsedSeconds(options.nowMs()), pace.averagePerSecond(options.nowMs()));
        stream.write(tty ? `${clearLine}${line}\n${open.size === 0 ? showCursor : ""}` : `${line}\n`);
      },
    };
  };

  const close = (): void => {
    if (closed) return;
    closed = true;
    if (tty && open.size > 0) stream.write(`\n${showCursor}`);
    open.clear();
  };
  return { start, close };
}

/** Measures a task's speed. */
class Pace {
  readonly #startedAtMs: number;
  #base: Mark;
  #marks: Mark[];

  constructor(nowMs: number) {
    this.#startedAtMs = nowMs;
    this.#base = { atMs: nowMs, done: 0 };
    this.#marks = [this.#base];
  }

  add(atMs: number, done: number): void {
    if (this.#marks.length === 1 && atMs - this.#startedAtMs < resumeWindowMs) {
      this.#base = { atMs: this.#startedAtMs, done };
      this.#marks = [this.#base];
      return;
    }
    // Marks closer than a redraw tell nothing new; keeping them all would cost memory on a fast caller.
    const last = this.#marks[this.#marks.length - 1];
    if (this.#marks.length > 1 && atMs - this.#marks[this.#marks.length - 2].atMs < redrawIntervalMs) this.#marks.pop();
    if (atMs >= last.atMs) this.#marks.push({ atMs, done });
    while (this.#marks.length > 2 && atMs - this.#marks[1].atMs >= rateWindowMs) this.#marks.shift();
  }

  /** Over the last few seconds; 0 while unknown. */
  get perSecond(): number {
    return rate(this.#marks[0], this.#marks[this.#marks.length - 1]);
  }

  averagePerSecond(nowMs: number): number {
    return rate(this.#base, { atMs: nowMs, done: this.#marks[this.#marks.length - 1].done });
  }

  elapsedSeconds(nowMs: number): number {
    return (nowMs - this.#startedAtMs) / 1000;
  }
}

function rate(from: Mark, to: Mark): number {
  return to.atMs > from.atMs ? ((to.done - from.done) * 1000) / (to.atMs - from.atMs) : 0;
}

function terminalLine(view: View, columns: number): string {
  const label = view.label.padEnd(24);
  const rest = factsOf(view).join("  ");
  const room = columns - 1 - label.length - 2 - rest.length - 2;
  const parts =
    view.total !== undefined && room >= 8 ? [label, bar(view, Math.min(barWidth, room)), rest] : [label, rest];
  return parts.join("  ").slice(0, columns - 1);
}

function plainLine(view: View): string {
  return `${view.label}: ${factsOf(view).join(", ").trimStart()}`;
}

function endLine(view: View, seconds: number, perSecond: number): string {
  const amountDone = view.done > 0 && view.unit !== "" ? [`${grouped(view.done)} ${view.unit}`] : [];
  const facts = [...amountDone, ...speed({ ...view, perSecond }), ...(view.note === "" ? [] : [view.note])];
  return `${view.label.padEnd(24)}  ${duration(seconds).padStart(10)}  ${facts.join("  ")}`.trimEnd();
}

function factsOf(view: View): string[] {
  return [...amount(view), ...speed(view), ...timeLeft(view), ...(view.note === "" ? [] : [view.note])];
}

function bar(view: View, width: number): string {
  const full = Math.round(progressShare(view) * width);
  return "█".repeat(full) + "░".repeat(width - full);
}

function progressShare({ done, total }: View): number {
  return total === undefined || total <= 0 ? 0 : Math.max(0, Math.min(1, done / total));
}

function amount(view: View): string[] {
  if (view.total !== undefined)
    return [
      `${Math.floor(100 * progressShare(view))
        .toString()
        .padStart(3)} %`,
    ];
  return view.done > 0 ? [`${compact(view.done)} ${view.unit}`.trimEnd()] : [];
}

function speed({ perSecond, unit }: View): string[] {
  return perSecond > 0 && unit !== "" ? [`${compact(perSecond)} ${unit}/s`] : [];
}

function timeLeft({ total, done, perSecond }: View): string[] {
  if (total === undefined || perSecond <= 0 || done >= total) return [];
  const seconds = Math.ceil((total - done) / perSecond);
  const two = (n: number): string => n.toString().padStart(2, "0");
  const minutes = Math.floor(seconds / 60) % 60;
  const hours = Math.floor(seconds / 3600);
  return [`${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)} left`];
}
