/** What is known of the runs in a store: who looks on sees how far they are. */
import type { ObjectStore } from "../../ports/object-store.ts";
import { runPrefix } from "../jobs/training-job.ts";
import { duration } from "../report/number-text.ts";
import { printable } from "../report/printable.ts";
import { type RunProgress, readRunProgress } from "./run-progress.ts";
import { type RunFailure, type RunResult, readRunFailure, readRunResult } from "./run-records.ts";

export interface RunOverview {
  readonly runId: string;
  /** Null before a worker begins. */
  readonly progress: RunProgress | null;
  /** Null until it is finished. */
  readonly result: RunResult | null;
  /** Of its last failure, which a later delivery may have made good. */
  readonly failure: RunFailure | null;
}

/** All runs, by name. @throws NcfError `FILE_FOREIGN`; those of the store */
export async function readRuns(store: ObjectStore): Promise<RunOverview[]> {
  const prefix = runPrefix("").slice(0, -1);
  const ids = new Set((await store.list(prefix)).map((key) => key.slice(prefix.length).split("/")[0]));
  return Promise.all([...ids].map((runId) => readRun(store, runId)));
}

/** One that nobody has asked for looks like one that waits. @throws NcfError `FILE_FOREIGN`; those of the store */
export async function readRun(store: ObjectStore, runId: string): Promise<RunOverview> {
  const [progress, result, failure] = await Promise.all([
    readRunProgress(store, runId),
    readRunResult(store, runId),
    readRunFailure(store, runId),
  ]);
  return { runId, progress, result, failure };
}

/** One line. */
export function runText({ runId, progress, result, failure }: RunOverview, nowMs: number): string {
  const text = (): string => {
    if (result !== null) {
      return result.version === null ? "finished, nothing new to learn" : `finished: version ${result.version}`;
    }
    if (failure !== null && (progress === null || progress.state === "failed")) {
      return `failed at delivery ${failure.delivery}: ${failure.message}`;
    }
    if (progress === null) return "waits for a worker";
    const { state, task, done, total, note, worker, updatedAtMs } = progress;
    const share = total === null || total <= 0 ? "" : `  ${Math.floor((100 * done) / total)} %`;
    const ago = duration(Math.max(0, nowMs - updatedAtMs) / 1000);
    if (state !== "running") return `waits for another worker  (${worker} handed it on ${ago} ago: ${note})`;
    return `${task}${share}${note === "" ? "" : `  ${note}`}  (${worker}, ${ago} ago)`;
  };
  return printable(`${runId}  ${text()}`);
}
