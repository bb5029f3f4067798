/** What a worker tells whoever watches it: names that searches and alarms may hang on, and a line of each for people. */
import { NcfError } from "../../core/errors.ts";
import type { JobOutcome } from "./job-fate.ts";

export type WorkerEvent =
  | {
      readonly event: "jobTaken";
      readonly runId: string;
      readonly jobId: string;
      readonly kind: string;
      readonly delivery: number;
    }
  /** The version is null where there was nothing new to learn. */
  | { readonly event: "jobDone"; readonly runId: string; readonly version: string | null }
  /** By an earlier delivery. */
  | { readonly event: "jobDoneBefore"; readonly runId: string }
  /** Another worker is doing it. */
  | { readonly event: "jobElsewhere"; readonly runId: string; readonly holder: string }
  /** Another worker has taken it over. */
  | { readonly event: "jobLost"; readonly runId: string; readonly reason: string }
  /** This worker had to let go of it: it waits for the next one, and that is no failed try. */
  | { readonly event: "jobHandedOn"; readonly runId: string }
  /** It goes back to the queue, which makes a dead letter of it in the end. */
  | {
      readonly event: "jobFailed";
      readonly runId: string;
      readonly jobId: string;
      readonly delivery: number;
      readonly code: string;
      readonly reason: string;
    }
  /** Store or queue do not answer. `who`: "run <id>" or "queue". */
  | { readonly event: "waiting"; readonly who: string; readonly reason: string; readonly retryMs: number }
  /** Something beside the work did not work out: the work goes on. */
  | { readonly event: "sideFailed"; readonly who: string; readonly what: string; readonly reason: string }
  /** The process has to end: by a signal, or as its machine is taken away. */
  | { readonly event: "stopping"; readonly reason: string }
  | {
      readonly event: "ended";
      readonly reason: "idle" | "tooOld" | "stopped";
      readonly jobs: Readonly<Record<JobOutcome, number>>;
    }
  /** The process ends by an error. */
  | { readonly event: "failed"; readonly code: string; readonly reason: string }
  /** What a training, a backend or the machine has to say. */
  | { readonly event: "note"; readonly text: string };

export function workerMessage(event: WorkerEvent): string {
  switch (event.event) {
    case "jobTaken":
      return `run ${event.runId}: job ${event.jobId} to ${event.kind}, delivery ${event.delivery}`;
    case "jobDone":
      return `run ${event.runId}: ${doneText(event.version)}`;
    case "jobDoneBefore":
      return `run ${event.runId}: was done before`;
    case "jobElsewhere":
      return `run ${event.runId}: ${event.holder} is doing it`;
    case "jobLost":
      return `run ${event.runId}: ${event.reason}`;
    case "jobHandedOn":
      return `run ${event.runId}: handed on to another worker`;
    case "jobFailed":
      return `run ${event.runId}: delivery ${event.delivery} of job ${event.jobId} failed: ${event.reason}`;
    case "waiting":
      return `${event.who}: ${event.reason}; tried again in ${event.retryMs / 1000} s`;
    case "sideFailed":
      return `${event.who}: ${event.what}: ${event.reason}`;
    case "stopping":
      return `stopping: ${event.reason}`;
    case "ended":
      return `ends (${event.reason}): ${JSON.stringify(event.jobs)}`;
    case "failed":
      return event.reason;
    case "note":
      return event.text;
  }
}

/** What came of a run, for people. @param version null where there was nothing new to learn */
export function doneText(version: string | null): string {
  return version === null ? "nothing new to learn" : `version ${version} is published`;
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The error's, or UNEXPECTED. */
export function codeOf(error: unknown): string {
  return error instanceof NcfError ? error.code : "UNEXPECTED";
}
