/** What the launcher tells whoever watches it: names that searches and alarms may hang on. */
import { NcfError } from "../../core/errors.ts";
import type { LaunchRequest, Market } from "../../ports/worker-launcher.ts";

export type LaunchEvent =
  /** The request is a job for workers now. */
  | { readonly event: "requestForwarded"; readonly runId: string; readonly jobId: string }
  /** The request comes again; one from a queue is a dead letter in the end. */
  | ({
      readonly event: "requestFailed";
      /** The message's id, or the key of what was kept of it. */
      readonly request: string;
    } & Failure)
  | {
      readonly event: "workerLaunched";
      readonly launchId: string;
      readonly instanceId: string;
      readonly instanceType: string;
      readonly market: Market;
      readonly backend: LaunchRequest["backend"];
    }
  /** None of the wanted machines is free. The jobs wait. */
  | {
      readonly event: "workerShortage";
      readonly market: Market;
      /** In a row, this one included. */
      readonly shortages: number;
      readonly reason: string;
    }
  /** The account may not have such machines. Others are tried. */
  | {
      readonly event: "workerQuotaRefused";
      readonly market: Market;
      readonly quotaCode: string;
      readonly reason: string;
      /** What a person can do. */
      readonly advice: string;
    }
  | ({ readonly event: "workerLaunchFailed" } & Failure);

interface Failure {
  /** The error's, or UNEXPECTED. */
  readonly code: string;
  readonly reason: string;
}

export function failureOf(error: unknown): Failure {
  const reason = error instanceof Error ? error.message : String(error);
  return { code: error instanceof NcfError ? error.code : "UNEXPECTED", reason };
}

/** The metric that counts an event, such as "WorkerShortage". */
export function launchMetric({ event }: LaunchEvent): string {
  return event[0].toUpperCase() + event.slice(1);
}
