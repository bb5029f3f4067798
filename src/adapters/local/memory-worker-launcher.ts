/** Workers that are only noted down, for tests and for trying what a launcher is asked for. */
import {
  checkLaunchRequest,
  type LaunchOutcome,
  type LaunchRequest,
  type Market,
  type Worker,
  type WorkerLauncher,
} from "../../ports/worker-launcher.ts";

export interface MemoryWorkerLauncherOptions {
  /** What a machine of that type and market is refused with; null, the default for all, where there is one. */
  readonly refusal?: (instanceType: string, market: Market) => "shortage" | "quota" | null;
}

export class MemoryWorkerLauncher implements WorkerLauncher {
  /** All that was asked for, in order. */
  readonly requests: LaunchRequest[] = [];
  readonly #refusal: (instanceType: string, market: Market) => "shortage" | "quota" | null;
  /** By launch; null for a worker that has ended. */
  readonly #launched = new Map<string, Worker | null>();

  constructor({ refusal = () => null }: MemoryWorkerLauncherOptions = {}) {
    this.#refusal = refusal;
  }

  async launch(request: LaunchRequest): Promise<LaunchOutcome> {
    checkLaunchRequest(request);
    this.requests.push(request);
    const { launchId, instanceTypes, market } = request;
    const earlier = this.#launched.get(launchId);
    if (earlier) return { kind: "launched", worker: earlier };
    const refusals = instanceTypes.map((type) => this.#refusal(type, market));
    const free = refusals.indexOf(null);
    if (free >= 0) {
      const worker = { instanceId: `i-${this.#launched.size + 1}`, instanceType: instanceTypes[free], market };
      this.#launched.set(launchId, worker);
      return { kind: "launched", worker };
    }
    const reason = `no ${market} machine of ${instanceTypes.join(", ")}`;
    if (refusals.includes("shortage")) return { kind: "shortage", reason };
    return { kind: "quota", quotaCode: "memory", reason, advice: "Let the launcher have machines of these types" };
  }

  async running(): Promise<Worker[]> {
    return [...this.#launched.values()].filter((worker) => worker !== null);
  }

  /** The worker has ended. */
  end(instanceId: string): void {
    for (const [launchId, worker] of this.#launched) {
      if (worker?.instanceId === instanceId) this.#launched.set(launchId, null);
    }
  }
}
