/**
 * Moments of a processor's work at which a chaos test kills it. Each is reached again and again: the first of the group's
 * processors that gets there while it is armed dies of it, by `moments.mjs`, which runs inside them.
 */
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";

const ofStages = [
  /** The producer is open, so the former owner is fenced; nothing is read yet. */
  "takeover: fenced",
  "takeover: snapshot read",
  /** State restored, records tested, the first transaction about to begin. */
  "takeover: before the first commit",
  "transaction: records sent",
  /** All is sent, and not decided. */
  "transaction: offsets sent",
  /** On its way to the broker, unanswered: decided or not. */
  "transaction: commit sent",
  /** Decided, and this process does not note it. */
  "transaction: decided",
  "snapshot: half written",
  /** Older ones are not removed yet. */
  "snapshot: written",
];

/** In an order in which a takeover is killed behind a kill that brings one. */
export const allMoments: readonly string[] = [
  ...["partition", "windows"].flatMap((stage) => {
    const [takeovers, others] = [ofStages.slice(0, 3), ofStages.slice(3)];
    return others.flatMap((moment, i) => [moment, ...takeovers.slice(i, i + 1)]).map((moment) => `${stage}, ${moment}`);
  }),
  "reports, half written",
  "reports, transaction: offsets sent",
];

/** One of each kind: before and after offsets are sent, of a snapshot, and between a takeover's fence and its first commit. */
export const fewMoments: readonly string[] = allMoments.filter((moment) =>
  /records sent|, transaction: offsets sent|first commit|half written/.test(moment),
);

/** The moment that is armed, in a file that all processors watch. */
export class ArmedMoment {
  readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  arm(moment: string): void {
    // Whole or not at all: a processor may be reading it.
    writeFileSync(`${this.file}.new`, moment);
    renameSync(`${this.file}.new`, this.file);
  }

  /** Whether the process died of the moment that was armed. */
  wasCauseOf(pid: number): boolean {
    const claimed = `${this.file}.${pid}`;
    if (!existsSync(claimed)) return false;
    rmSync(claimed);
    return true;
  }
}
