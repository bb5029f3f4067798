/** As many workers as there are jobs, up to a limit, however many launchers run at once. */
import type { JobQueue } from "../../ports/job-queue.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { LaunchOutcome, WorkerLauncher } from "../../ports/worker-launcher.ts";
import { launchMachine, type MachineChoice } from "./choose-machine.ts";
import type { LaunchEvent } from "./launch-events.ts";
import { type KeptState, type LaunchState, readLaunchState, writeLaunchState } from "./launch-state.ts";

export interface EnsureDeps {
  readonly store: ObjectStore;
  /** The jobs that workers take. */
  readonly jobs: JobQueue;
  readonly launcher: WorkerLauncher;
  readonly nowMs: () => number;
  /** Never the same twice; letters, digits and dashes. */
  readonly newId: () => string;
  readonly tell: (event: LaunchEvent) => void;
}

export interface EnsureOptions extends MachineChoice {
  /** At a time. */
  readonly maxWorkers: number;
}

/** `enough`: as many run as are wanted. `elsewhere`: another launcher is at it. */
export type EnsureOutcome = { readonly kind: "enough" } | { readonly kind: "elsewhere" } | LaunchOutcome;

/** Longer than any launch takes that was not killed in between. */
const claimMs = 120_000;
/** For so long a new worker counts whether or not the cloud lists it. */
const settlingMs = 60_000;
const shortageMemoryMs = 3_600_000;

/**
 * Launches workers until there are enough.
 *
 * @param expectedJobs jobs that the queue has and may not count yet
 * @returns what became of the last launch
 * @throws NcfError those of the store, the queue and the launcher
 */
export async function ensureWorkers(
  deps: EnsureDeps,
  options: EnsureOptions,
  expectedJobs: number,
): Promise<EnsureOutcome> {
  const { ready, inFlight } = await deps.jobs.counts();
  const wanted = Math.min(options.maxWorkers, Math.max(ready + inFlight, expectedJobs));
  let outcome: EnsureOutcome = { kind: "enough" };
  for (let launches = 0; launches < wanted; launches++) {
    const next = await launchOne(deps, options, wanted);
    if (next.kind === "enough") break;
    outcome = next;
    if (next.kind !== "launched") break;
  }
  return outcome;
}

/** One launch, under the claim that only one launcher has. */
async function launchOne(deps: EnsureDeps, options: EnsureOptions, wanted: number): Promise<EnsureOutcome> {
  const { store, nowMs, newId } = deps;
  const found = await readLaunchState(store);
  if ((await runningWorkers(deps, found.state)) >= wanted) return { kind: "enough" };
  const left = found.state.claim;
  if (left !== null && left.atMs + claimMs > nowMs()) return { kind: "elsewhere" };
  // A launch that a crash left is asked for again under its name, as its worker may be there.
  const launchId = left?.launchId ?? `launch-${newId()}`;
  const claim = { launchId, by: newId(), atMs: nowMs() };
  const mine = await writeLaunchState(store, found, { ...found.state, claim });
  if (mine === null) return { kind: "elsewhere" };
  const shortages = lately(mine.state, nowMs());
  let outcome: LaunchOutcome;
  try {
    outcome = await launchMachine(deps, options, launchId, shortages);
  } catch (error) {
    // It may have started a worker for all we know, so its name is kept for the next try, which need not wait.
    await writeLaunchState(store, mine, { ...mine.state, claim: { ...claim, atMs: nowMs() - claimMs } }).catch(
      () => null,
    );
    throw error;
  }
  await writeLaunchState(store, mine, after(mine, outcome, nowMs()));
  return outcome;
}

function after({ state }: KeptState, outcome: LaunchOutcome, nowMs: number): LaunchState {
  if (outcome.kind === "quota") return { ...state, claim: null };
  if (outcome.kind === "shortage") {
    return { ...state, claim: null, shortages: { count: lately(state, nowMs) + 1, atMs: nowMs } };
  }
  const recent = state.launched.filter(({ atMs }) => atMs + settlingMs > nowMs);
  const launched = [{ instanceId: outcome.worker.instanceId, atMs: nowMs }, ...recent];
  return { claim: null, launched, shortages: { count: 0, atMs: nowMs } };
}

/** Shortages in a row; what was long ago says nothing of today. */
function lately({ shortages }: LaunchState, nowMs: number): number {
  return shortages.atMs + shortageMemoryMs > nowMs ? shortages.count : 0;
}

async function runningWorkers({ launcher, nowMs }: EnsureDeps, { launched }: LaunchState): Promise<number> {
  const settling = launched.filter(({ atMs }) => atMs + settlingMs > nowMs());
  const running = (await launcher.running()).map(({ instanceId }) => instanceId);
  return new Set([...running, ...settling.map(({ instanceId }) => instanceId)]).size;
}
