/** How far a run is, as an object `runs/<id>/progress.json` that others look at. */
import { z } from "zod";
import { NcfError } from "../../core/errors.ts";
import { decodeJson, encodeJsonFile } from "../../core/json.ts";
import type { Metric, MetricSink } from "../../ports/metrics.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Progress, ProgressTask } from "../../ports/progress.ts";
import { runPrefix } from "../jobs/training-job.ts";
import { reasonOf, type WorkerEvent } from "./worker-events.ts";

const stateSchema = z.enum(["running", "finished", "handedOn", "failed"]);

const progressSchema = z.object({
  runId: z.string(),
  state: stateSchema,
  /** What is being done, such as "Training neumf". */
  task: z.string(),
  done: z.number(),
  /** Null where it is not known how much there is to do. */
  total: z.number().nullable(),
  unit: z.string(),
  /** Such as "epoch 3/8, loss 0.2130". */
  note: z.string(),
  worker: z.string(),
  /** Of the job: 1 for the first. */
  delivery: z.int(),
  updatedAtMs: z.int(),
});

export type RunProgress = z.infer<typeof progressSchema>;
export type RunState = z.infer<typeof stateSchema>;

export interface RunProgressDeps {
  readonly store: ObjectStore;
  readonly metrics: MetricSink;
  readonly nowMs: () => number;
  readonly tell: (event: WorkerEvent) => void;
}

/** CloudWatch keeps a figure a minute. */
const metricsEveryMs = 60_000;

export interface RunProgressOptions {
  readonly runId: string;
  readonly worker: string;
  readonly delivery: number;
  /** At least so long between two writes. */
  readonly everyMs: number;
}

/**
 * Writes what it is told, at most once in `everyMs`, and hands its share and speed on as metrics once a minute. What cannot be
 * written is logged, and tried again the next time.
 */
export class RunProgressWriter implements Progress {
  readonly #deps: RunProgressDeps;
  readonly #options: RunProgressOptions;
  #shown = { task: "", done: 0, total: null as number | null, unit: "", note: "" };
  #writtenAtMs = Number.NEGATIVE_INFINITY;
  /** What the latest metrics told. */
  #told = { task: "", done: 0, atMs: 0 };
  #writing: Promise<void> = Promise.resolve();
  #busy = false;

  constructor(deps: RunProgressDeps, options: RunProgressOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  start(label: string, total?: number, unit = ""): ProgressTask {
    this.#shown = { task: label, done: 0, total: total ?? null, unit, note: "" };
    this.#told = { task: label, done: 0, atMs: this.#deps.nowMs() };
    this.#writeIfDue();
    let open = true;
    const show = (done: number, note: string): void => {
      if (!open) return;
      this.#shown = { task: label, done, total: total ?? null, unit, note };
      this.#writeIfDue();
    };
    return {
      update: (done, note = this.#shown.note) => show(done, note),
      end: (note = this.#shown.note) => {
        show(this.#shown.done, note);
        open = false;
      },
    };
  }

  /** The last word on the run by this worker; resolves when it is written or could not be. */
  async end(state: RunState, note = this.#shown.note): Promise<void> {
    this.#shown = { ...this.#shown, note };
    await this.#writing;
    await this.#write(state);
  }

  #writeIfDue(): void {
    const nowMs = this.#deps.nowMs();
    if (this.#busy || nowMs - this.#writtenAtMs < this.#options.everyMs) return;
    this.#writtenAtMs = nowMs;
    this.#busy = true;
    this.#writing = this.#write("running").finally(() => {
      this.#busy = false;
    });
  }

  async #write(state: RunState): Promise<void> {
    const { runId, worker, delivery } = this.#options;
    const progress: RunProgress = { runId, state, ...this.#shown, worker, delivery, updatedAtMs: this.#deps.nowMs() };
    const results = await Promise.allSettled([
      this.#deps.store.put(progressKey(runId), encodeJsonFile(progress)),
      this.#deps.metrics.put(this.#metricsDue()),
    ]);
    for (const result of results) {
      if (result.status === "fulfilled") continue;
      const reason = reasonOf(result.reason);
      this.#deps.tell({ event: "sideFailed", who: `run ${runId}`, what: "its progress could not be told", reason });
    }
  }

  #metricsDue(): Metric[] {
    const { task, done, total, unit } = this.#shown;
    const atMs = this.#deps.nowMs();
    const seconds = (atMs - this.#told.atMs) / 1000;
    if (1000 * seconds < metricsEveryMs) return [];
    const metrics: Metric[] = [];
    if (total !== null && total > 0)
      metrics.push({ name: "TaskProgress", value: (100 * done) / total, unit: "Percent" });
    if (unit === "samples" && task === this.#told.task) {
      metrics.push({ name: "SamplesPerSecond", value: (done - this.#told.done) / seconds, unit: "Count/Second" });
    }
    this.#told = { task, done, atMs };
    return metrics;
  }
}

/** @returns null where no worker has begun the run. @throws NcfError `FILE_FOREIGN`; those of the store */
export async function readRunProgress(store: ObjectStore, runId: string): Promise<RunProgress | null> {
  const key = progressKey(runId);
  if ((await store.head(key)) === null) return null;
  try {
    return progressSchema.parse(decodeJson(await store.get(key)));
  } catch (cause) {
    if (cause instanceof NcfError) throw cause;
    throw new NcfError("FILE_FOREIGN", `${key}: expected a run's progress; remove it, the worker writes it again`, {
      cause,
    });
  }
}

function progressKey(runId: string): string {
  return `${runPrefix(runId)}progress.json`;
}
