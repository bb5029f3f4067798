import { NcfError } from "../core/errors.ts";

/** Machines that work on training jobs: how one is started, and which there are. A worker ends itself. */

/** `spot`: cheaper, and taken back when the cloud needs it. */
export type Market = "spot" | "onDemand";

export interface LaunchRequest {
  /** Names the launch: whoever asks for it again is told of the worker that it started. Never used for another one. */
  readonly launchId: string;
  /** What machine to take, the best first. */
  readonly instanceTypes: readonly string[];
  readonly market: Market;
  /** What the worker computes with: `auto` looks for a GPU. */
  readonly backend: "auto" | "wasm";
}

export interface Worker {
  readonly instanceId: string;
  readonly instanceType: string;
  readonly market: Market;
}

export type LaunchOutcome =
  | { readonly kind: "launched"; readonly worker: Worker }
  /** Nothing free of any type in any zone just now; later there may be. */
  | { readonly kind: "shortage"; readonly reason: string }
  /** The account may not have machines of these types, whether or not any are free: a person has to ask for it. */
  | { readonly kind: "quota"; readonly quotaCode: string; readonly reason: string; readonly advice: string };

export interface WorkerLauncher {
  /**
   * Starts one worker, on the first type of which there is one.
   *
   * @throws NcfError `LAUNCH_INVALID` for a request that no cloud could take, `LAUNCH_DENIED` and `LAUNCH_REFUSED` for one
   *   that this cloud does not take, `LAUNCH_UNAVAILABLE` when it does not answer
   */
  launch(request: LaunchRequest): Promise<LaunchOutcome>;
  /**
   * The workers that start or run, in no promised order. One that was launched in the last seconds may be missing.
   *
   * @throws NcfError `LAUNCH_DENIED`, `LAUNCH_REFUSED`, `LAUNCH_UNAVAILABLE`
   */
  running(): Promise<Worker[]>;
}

/** @throws NcfError `LAUNCH_INVALID` */
export function checkLaunchRequest({ launchId, instanceTypes }: LaunchRequest): void {
  if (!/^[\w.-]{1,128}$/.test(launchId)) {
    throw new NcfError(
      "LAUNCH_INVALID",
      `expected a launch's id of 1 to 128 letters, digits, ".", "_" and "-", found "${launchId}". Choose another`,
    );
  }
  if (instanceTypes.length === 0) {
    throw new NcfError(
      "LAUNCH_INVALID",
      "expected at least one instance type, found none. Name one, such as g4dn.xlarge",
    );
  }
}
