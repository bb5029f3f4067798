/** How a member's work stands, from its events: what health, metrics and people are told. */
import type { RecordCounts } from "../../streaming/partition-commit.ts";
import type { WindowReport } from "../../streaming/window-report.ts";
import type { StreamEvent } from "./stream-events.ts";

export interface PartitionStatus {
  /** The next offset to read, as committed. */
  readonly offset: number;
  /** The greatest event time read; null before the first event. */
  readonly streamTimeMs: number | null;
  readonly idle: boolean;
  /** When the latest snapshot was stored by this member; null before the first. */
  readonly snapshotAtMs: number | null;
}

export interface Waiting {
  readonly sinceMs: number;
  readonly cause: unknown;
}

export class StreamStatus {
  readonly #nowMs: () => number;
  readonly #partitions = new Map<number, PartitionStatus>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #open = new Set<number>();
  readonly #counts: Record<keyof RecordCounts, number> = {
    tested: 0,
    repeats: 0,
    late: 0,
    unknownItems: 0,
    learnt: 0,
    deadLetters: 0,
    skipped: 0,
  };
  #assigned = false;
  #windows = false;
  #commits = 0;
  #finalWindows = 0;
  #latest: WindowReport | null = null;
  #snapshotFailures = 0;
  #fenced = 0;
  #setAside = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** By number: those that this member has opened. */
  get partitions(): ReadonlyMap<number, PartitionStatus> {
    return this.#partitions;
  }

  /** By what waits ("partition 3", "windows", "reports"): broker or store do not answer it. */
  get waiting(): ReadonlyMap<string, Waiting> {
    return this.#waiting;
  }

  /** Records since the start, by what became of them. */
  get counts(): Readonly<Record<keyof RecordCounts, number>> {
    return this.#counts;
  }

  /** Whether the group has said what this member does. */
  get assigned(): boolean {
    return this.#assigned;
  }

  /** Whether this member folds the windows. */
  get foldsWindows(): boolean {
    return this.#windows;
  }

  get commits(): number {
    return this.#commits;
  }

  /** Windows with a provisional report. */
  get openWindows(): number {
    return this.#open.size;
  }

  get finalWindows(): number {
    return this.#finalWindows;
  }

  /** The latest final report. */
  get latestWindow(): WindowReport | null {
    return this.#latest;
  }

  get snapshotFailures(): number {
    return this.#snapshotFailures;
  }

  get fenced(): number {
    return this.#fenced;
  }

  /** How often a challenger was set aside that could not be loaded. */
  get setAside(): number {
    return this.#setAside;
  }

  observe(event: StreamEvent): void {
    switch (event.event) {
      case "assigned":
        this.#assigned = true;
        this.#windows = event.windows;
        break;
      case "opened":
        this.#waiting.delete(event.who);
        this.#changePartition(event.who, { offset: event.offset });
        break;
      case "closed":
        this.#partitions.delete(partitionOf(event.who) ?? -1);
        if (event.who === "windows") this.#open.clear();
        break;
      case "committed":
        this.#commits += 1;
        this.#changePartition(`partition ${event.partition}`, {
          offset: event.commit.partial.nextOffset,
          streamTimeMs: event.commit.partial.streamTimeMs,
          idle: event.commit.partial.idle,
        });
        for (const kind of Object.keys(this.#counts) as (keyof RecordCounts)[]) {
          this.#counts[kind] += event.commit.counts[kind];
        }
        break;
      case "snapshotStored":
        this.#changePartition(event.who, { snapshotAtMs: this.#nowMs() });
        break;
      case "snapshotFailed":
        this.#snapshotFailures += 1;
        break;
      case "challengerSetAside":
        this.#setAside += 1;
        break;
      case "fenced":
        this.#fenced += 1;
        break;
      case "waiting":
        this.#waiting.set(event.who, {
          sinceMs: this.#waiting.get(event.who)?.sinceMs ?? this.#nowMs(),
          cause: event.cause,
        });
        break;
      case "recovered":
      case "waitEnded":
        this.#waiting.delete(event.who);
        break;
      case "window":
        this.#observeWindow(event.report);
        break;
      case "idle":
      case "modelUpdate":
      case "drift":
      case "trainingRequested":
        break;
    }
  }

  #observeWindow(report: WindowReport): void {
    if (!report.final) {
      this.#open.add(report.startMs);
      return;
    }
    this.#open.delete(report.startMs);
    if (report.revision === 0) this.#finalWindows += 1;
    if (this.#latest === null || report.startMs >= this.#latest.startMs) this.#latest = report;
  }

  #changePartition(who: string, change: Partial<PartitionStatus>): void {
    const partition = partitionOf(who);
    if (partition === null) return;
    const before = this.#partitions.get(partition) ?? {
      offset: 0,
      streamTimeMs: null,
      idle: false,
      snapshotAtMs: null,
    };
    this.#partitions.set(partition, { ...before, ...change });
  }
}

function partitionOf(who: string): number | null {
  const [, digits] = /^partition (\d+)$/.exec(who) ?? [];
  return digits === undefined ? null : Number(digits);
}
