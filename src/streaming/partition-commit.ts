/** What stage 1 writes in one transaction, and how it is gathered. */
import type { DeadLetter, LateEvent, Outcome } from "./outcome.ts";
import { poissonWeights, replicateCount } from "./poisson-bootstrap.ts";
import type { TimeWindow } from "./time-windows.ts";
import type { WindowPartial } from "./window-partial.ts";
import { addOutcome, emptySums, type WindowSums } from "./window-sums.ts";

export interface PartitionCommit {
  readonly outcomes: readonly Outcome[];
  readonly late: readonly LateEvent[];
  readonly deadLetters: readonly DeadLetter[];
  /** Holds the offset and the stream time, too. */
  readonly partial: WindowPartial;
}

export class CommitDraft {
  readonly outcomes: Outcome[] = [];
  readonly late: LateEvent[] = [];
  readonly deadLetters: DeadLetter[] = [];
  readonly promotions: WindowPartial["promotions"] = [];
  readonly #seed: number;
  readonly #deltas = new Map<number, WindowPartial["deltas"][number]>();
  readonly #weights = new Uint8Array(replicateCount);

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Windows with a delta so far. */
  get windowCount(): number {
    return this.#deltas.size;
  }

  addOutcome(outcome: Outcome, short: boolean): void {
    this.outcomes.push(outcome);
    for (const window of outcome.windows) {
      poissonWeights(this.#seed, outcome.userId, window.startMs, this.#weights);
      addOutcome(this.#sumsOf(window), outcome, { firstOfUser: window.firstOfUser, short }, this.#weights);
    }
  }

  /** Counts an event that is not tested. */
  count(what: "repeats" | "late" | "unknownItems", windows: readonly TimeWindow[]): void {
    for (const window of windows) this.#sumsOf(window)[what] += 1;
  }

  /** The windows' deltas by start. */
  deltas(): WindowPartial["deltas"] {
    return [...this.#deltas.values()].sort((a, b) => a.startMs - b.startMs);
  }

  #sumsOf({ startMs, endMs }: TimeWindow): WindowSums {
    let delta = this.#deltas.get(startMs);
    if (delta === undefined) {
      delta = { startMs, endMs, sums: emptySums() };
      this.#deltas.set(startMs, delta);
    }
    return delta.sums;
  }
}
