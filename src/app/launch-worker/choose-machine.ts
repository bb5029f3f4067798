/**
 * Which machine a worker gets: one with a GPU, spot as long as there are any. Nothing free: the jobs wait, and after some such
 * tries machines on demand are taken. A quota that is too small does not pass with time: then the next market is tried
 * at once, and in the end machines without a GPU.
 */
import { NcfError } from "../../core/errors.ts";
import type { LaunchOutcome, LaunchRequest, Market, WorkerLauncher } from "../../ports/worker-launcher.ts";
import type { LaunchEvent } from "./launch-events.ts";

export interface MachineChoice {
  /** The best first; may be empty. */
  readonly gpuInstanceTypes: readonly string[];
  readonly cpuInstanceTypes: readonly string[];
}

/** So often in a row nothing is free before machines on demand are asked for. */
const shortagesBeforeOnDemand = 3;

/**
 * @param shortages in a row before this launch
 * @throws NcfError `LAUNCH_INVALID` where there are no types at all, and those of the launcher
 */
export async function launchMachine(
  { launcher, tell }: { readonly launcher: WorkerLauncher; readonly tell: (event: LaunchEvent) => void },
  { gpuInstanceTypes, cpuInstanceTypes }: MachineChoice,
  launchId: string,
  shortages: number,
): Promise<LaunchOutcome> {
  const kinds = [
    { instanceTypes: gpuInstanceTypes, backend: "auto" },
    { instanceTypes: cpuInstanceTypes, backend: "wasm" },
  ] as const satisfies Pick<LaunchRequest, "instanceTypes" | "backend">[];
  const markets: Market[] = ["spot", "onDemand"];
  let last: LaunchOutcome | undefined;
  for (const kind of kinds.filter(({ instanceTypes }) => instanceTypes.length > 0)) {
    for (const market of markets) {
      const outcome = await launcher.launch({ launchId, market, ...kind });
      last = outcome;
      if (outcome.kind === "launched") {
        tell({ event: "workerLaunched", launchId, ...outcome.worker, backend: kind.backend });
        return outcome;
      }
      if (outcome.kind === "quota") {
        const { quotaCode, reason, advice } = outcome;
        tell({ event: "workerQuotaRefused", market, quotaCode, reason, advice });
        continue;
      }
      tell({ event: "workerShortage", market, shortages: shortages + 1, reason: outcome.reason });
      if (market === "onDemand" || shortages + 1 < shortagesBeforeOnDemand) return outcome;
    }
  }
  if (last !== undefined) return last;
  throw new NcfError(
    "LAUNCH_INVALID",
    "expected instance types for workers, found none. Name some, such as g4dn.xlarge with a GPU or c7i.2xlarge without",
  );
}
