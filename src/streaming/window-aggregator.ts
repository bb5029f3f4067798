/**
 * Stage 2 of the stream: a fold over the partials of all partitions into windows and their reports.
 *
 * A window is final once every partition has closed it: its stream time has reached the end plus grace, its stream has
 * ended, or it is idle. Idleness excuses a partition but closes nothing by itself: some partition's stream time must have
 * got there. What an idle partition brings on its return to a final window makes a new revision of the report.
 */
import { z } from "zod";
import { NcfError } from "../core/errors.ts";
import { type PromotionSettings, promotionDefaults } from "./promotion-rule.ts";
import { RunningTotal, runningTotalSchema } from "./running-total.ts";
import type { TimeWindow, TimeWindows } from "./time-windows.ts";
import { type Trial, Trials, trialsSchema } from "./trials.ts";
import type { WindowPartial } from "./window-partial.ts";
import { type WindowReport, windowReport } from "./window-report.ts";
import { emptySums, mergeSums, type WindowSums, windowSumsSchema } from "./window-sums.ts";

const partitionSchema = z.object({
  nextOffset: z.int().min(0),
  streamTimeMs: z.int().nullable(),
  ended: z.boolean(),
  idle: z.boolean(),
});

export const aggregatorStateSchema = z.object({
  sizeMs: z.int(),
  graceMs: z.int(),
  advanceMs: z.int(),
  /** By partition; null for one that has sent nothing. */
  partitions: z.array(partitionSchema.nullable()),
  windows: z.array(
    z.object({ startMs: z.int(), final: z.boolean(), revision: z.int().min(0), sums: windowSumsSchema }),
  ),
  total: runningTotalSchema,
  trials: trialsSchema.default({}),
});

/** All that the aggregator knows, as JSON. */
export type AggregatorState = z.infer<typeof aggregatorStateSchema>;

type Progress = z.infer<typeof partitionSchema>;

export interface FinalWindows {
  readonly count: number;
  /** End of the last one; null for none. */
  readonly throughMs: number | null;
}

interface OpenWindow extends TimeWindow {
  final: boolean;
  revision: number;
  readonly sums: WindowSums;
}

export class WindowAggregator {
  readonly #windows: TimeWindows;
  readonly #promotion: PromotionSettings;
  readonly #progress: (Progress | null)[];
  /** By start. A final window stays as long as an idle partition might come back to it. */
  readonly #open = new Map<number, OpenWindow>();
  #total = new RunningTotal();
  #trials: Trials;

  /**
   * @param partitions partitions of the input topic
   * @param promotion when a challenger takes over
   */
  constructor(windows: TimeWindows, partitions: number, promotion: PromotionSettings = promotionDefaults) {
    this.#windows = windows;
    this.#promotion = promotion;
    this.#trials = new Trials(promotion);
    this.#progress = new Array<Progress | null>(partitions).fill(null);
  }

  /** @throws NcfError `STATE_MISMATCH` for a state of other windows or another number of partitions */
  static restore(
    windows: TimeWindows,
    partitions: number,
    state: AggregatorState,
    promotion: PromotionSettings = promotionDefaults,
  ): WindowAggregator {
    const { sizeMs, graceMs, advanceMs } = windows;
    const expected = JSON.stringify({ sizeMs, graceMs, advanceMs, partitions });
    const found = JSON.stringify({
      sizeMs: state.sizeMs,
      graceMs: state.graceMs,
      advanceMs: state.advanceMs,
      partitions: state.partitions.length,
    });
    if (expected !== found) {
      const way = "start a new consumer group, which rebuilds the windows from the log";
      throw new NcfError("STATE_MISMATCH", `expected window state of ${expected}, found ${found}; ${way}`);
    }
    const aggregator = new WindowAggregator(windows, partitions, promotion);
    const { partitions: progress, windows: open, total, trials } = structuredClone(state);
    aggregator.#progress.splice(0, partitions, ...progress);
    for (const window of open) aggregator.#open.set(window.startMs, { ...windows.at(window.startMs), ...window });
    aggregator.#total = new RunningTotal(total);
    aggregator.#trials = new Trials(aggregator.#promotion, trials);
    return aggregator;
  }

  save(): AggregatorState {
    const { sizeMs, graceMs, advanceMs } = this.#windows;
    const windows = [...this.#open.values()].map(({ startMs, final, revision, sums }) => ({
      startMs,
      final,
      revision,
      sums,
    }));
    const state = { partitions: this.#progress, windows, total: this.#total.save(), trials: this.#trials.save() };
    return structuredClone({ sizeMs, graceMs, advanceMs, ...state });
  }

  /**
   * Takes a partial in. One that was taken in before changes nothing; partials of a partition come in order.
   *
   * @returns reports of the windows that changed or became final, by start
   * @throws NcfError `PARTITIONS_CHANGED`, `PARTIAL_GAP`, `PARTIAL_INVALID`, `SUM_OVERFLOW`
   */
  fold(partial: WindowPartial): WindowReport[] {
    const before = this.#progress[partial.partition];
    if (!this.#isNew(partial, before)) return [];
    for (const window of partial.deltas) this.#check(window, partial, before);
    const changed = new Set(partial.deltas.map((delta) => this.#add(delta)));
    const { nextOffset, streamTimeMs, ended, idle } = partial;
    this.#progress[partial.partition] = { nextOffset, streamTimeMs, ended, idle };
    const reports: WindowReport[] = [];
    const affected = [...this.#open.values()].filter((window) => !window.final || changed.has(window));
    // By start, so that a final report's total holds the final windows up to its own.
    for (const window of affected.sort((a, b) => a.startMs - b.startMs)) {
      const closes = !window.final && this.#isFinal(window);
      if (closes) this.#close(window);
      if (closes || changed.has(window)) reports.push(windowReport(window, window.sums, window, this.#total));
    }
    for (const window of this.#open.values()) {
      if (window.final && this.#isClosedForGood(window)) this.#open.delete(window.startMs);
    }
    return reports;
  }

  /** The greatest stream time of all partitions; null before the first event. */
  get streamTimeMs(): number | null {
    const times = this.#progress.flatMap((progress) => progress?.streamTimeMs ?? []);
    return times.length === 0 ? null : Math.max(...times);
  }

  /** Those that the running total holds: of hopping windows, those that do not overlap. */
  get finalWindows(): FinalWindows {
    return { count: this.#total.windows, throughMs: this.#total.throughMs };
  }

  /** The challengers so far, on the final windows that the running total holds. */
  get trials(): Trial[] {
    return this.#trials.list();
  }

  #close(window: OpenWindow): void {
    window.final = true;
    if (!this.#windows.inTotal(window)) return;
    this.#total.addWindow(window.endMs, window.sums);
    this.#trials.add(window.sums.challengers);
  }

  /** Whether the partial is the next of its partition, rather than one that was taken in before. */
  #isNew(partial: WindowPartial, before: Progress | null | undefined): boolean {
    const { partition, fromOffset, nextOffset } = partial;
    if (before === undefined) {
      const way = "a changed number of partitions needs a new consumer group, which rebuilds the state from the log";
      const found = `partition ${partition}`;
      throw new NcfError("PARTITIONS_CHANGED", `expected ${this.#progress.length} partitions, found ${found}; ${way}`);
    }
    const expectedOffset = before?.nextOffset ?? 0;
    if (fromOffset === expectedOffset) return true;
    if (nextOffset <= expectedOffset) return false;
    throw new NcfError(
      "PARTIAL_GAP",
      `partition ${partition}: expected a partial from offset ${expectedOffset} on, found one of ${fromOffset} to ` +
        `${nextOffset}; one was lost, so start a new consumer group`,
    );
  }

  /** A partition never adds to a window of another shape, nor to one that it has closed. */
  #check(window: TimeWindow, { partition }: WindowPartial, before: Progress | null): void {
    const { startMs, endMs } = window;
    const isOurs = this.#windows.isStart(startMs) && endMs === this.#windows.at(startMs).endMs;
    if (isOurs && !(before !== null && this.#hasClosed(before, window))) return;
    const expected = isOurs ? "sums of windows that the partition has not closed" : "sums of this stream's windows";
    throw new NcfError("PARTIAL_INVALID", `partition ${partition}: expected ${expected}, found ${startMs} to ${endMs}`);
  }

  #add({ startMs, sums }: WindowPartial["deltas"][number]): OpenWindow {
    let window = this.#open.get(startMs);
    if (window === undefined) {
      window = { ...this.#windows.at(startMs), final: false, revision: 0, sums: emptySums() };
      this.#open.set(startMs, window);
    }
    mergeSums(window.sums, sums);
    if (window.final) {
      window.revision += 1;
      if (this.#windows.inTotal(window)) {
        this.#total.add(sums);
        this.#trials.add(sums.challengers);
      }
    }
    return window;
  }

  #hasClosed({ ended, streamTimeMs }: Progress, window: TimeWindow): boolean {
    return ended || (streamTimeMs !== null && this.#windows.isClosed(window, streamTimeMs));
  }

  #isFinal(window: TimeWindow): boolean {
    const held = this.#progress.some((p) => p === null || (!p.idle && !this.#hasClosed(p, window)));
    return !held && this.#progress.some((p) => p !== null && this.#hasClosed(p, window));
  }

  /** Whether even the idle partitions have closed the window, so that nothing more can come. */
  #isClosedForGood(window: TimeWindow): boolean {
    return this.#progress.every((p) => p !== null && this.#hasClosed(p, window));
  }
}
