/** What stage 1 writes in one transaction, and how it is gathered. */
import type { DeadLetter, LateEvent, Outcome } from "./outcome.ts";
import { addPair, emptyPairedSums, type PairedSums, pairedSumsBytes } from "./paired-sums.ts";
import { poissonWeights, replicateCount } from "./poisson-bootstrap.ts";
import type { TimeWindow } from "./time-windows.ts";
import type { WindowPartial } from "./window-partial.ts";
import { addOutcome, emptySums, type WindowSums, windowSumsBytes } from "./window-sums.ts";

/** How many records of each kind a commit covers. */
export interface RecordCounts {
  readonly tested: number;
  readonly repeats: number;
  readonly late: number;
  readonly unknownItems: number;
  readonly learnt: number;
  readonly deadLetters: number;
  readonly skipped: number;
}

export interface PartitionCommit {
  readonly outcomes: readonly Outcome[];
  readonly late: readonly LateEvent[];
  readonly deadLetters: readonly DeadLetter[];
  readonly counts: RecordCounts;
  /** Holds the offset and the stream time, too. */
  readonly partial: WindowPartial;
}

export class CommitDraft {
  readonly outcomes: Outcome[] = [];
  readonly late: LateEvent[] = [];
  readonly deadLetters: DeadLetter[] = [];
  readonly promotions: WindowPartial["promotions"] = [];
  readonly challengers: WindowPartial["challengers"] = [];
  readonly counts = { tested: 0, repeats: 0, late: 0, unknownItems: 0, learnt: 0, deadLetters: 0, skipped: 0 };
  readonly #seed: number;
  readonly #deltas = new Map<number, WindowPartial["deltas"][number]>();
  readonly #weights = new Uint8Array(replicateCount);
  #pairedSums = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** What the deltas so far take as JSON, at most. */
  get bytes(): number {
    return this.#deltas.size * windowSumsBytes + this.#pairedSums * pairedSumsBytes;
  }

  addOutcome(outcome: Outcome, short: boolean): void {
    this.outcomes.push(outcome);
    this.counts.tested += 1;
    for (const window of outcome.windows) {
      poissonWeights(this.#seed, outcome.userId, window.startMs, this.#weights);
      addOutcome(this.#sumsOf(window), outcome, { firstOfUser: window.firstOfUser, short }, this.#weights);
    }
    if (outcome.challenger === null) return;
    poissonWeights(this.#seed, outcome.userId, null, this.#weights);
    for (const window of outcome.windows) {
      const sums = this.#pairedSumsOf(this.#sumsOf(window), outcome.challenger.version);
      addPair(sums, outcome, outcome.challenger, window.firstOfUser, this.#weights);
    }
  }

  addLate(late: LateEvent, windows: readonly TimeWindow[]): void {
    this.late.push(late);
    this.count("late", windows);
  }

  addDeadLetter(deadLetter: DeadLetter): void {
    this.deadLetters.push(deadLetter);
    this.counts.deadLetters += 1;
  }

  addSkipped(): void {
    this.counts.skipped += 1;
  }

  /** Counts an event that is not tested. */
  count(what: "repeats" | "late" | "unknownItems" | "learnt", windows: readonly TimeWindow[]): void {
    this.counts[what] += 1;
    for (const window of windows) this.#sumsOf(window)[what] += 1;
  }

  /** The windows' deltas by start. */
  deltas(): WindowPartial["deltas"] {
    return [...this.#deltas.values()].sort((a, b) => a.startMs - b.startMs);
  }

  #pairedSumsOf({ challengers }: WindowSums, version: string): PairedSums {
    if (challengers[version] === undefined) {
      challengers[version] = emptyPairedSums();
      this.#pairedSums += 1;
    }
    return challengers[version];
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
