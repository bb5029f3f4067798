/**
 * What stage 2 decides of versions: the registry's champion comes into force at a window start ahead of all partitions; a version
 * that was tuned from it is tested beside it; and one that passes its trial becomes the champion.
 */
import { NcfError } from "../../core/errors.ts";
import type { ModelRegistry } from "../../ports/model-registry.ts";
import type { TimeWindows } from "../../streaming/time-windows.ts";
import type { Trial } from "../../streaming/trials.ts";
import { type ModelUpdate, versionInForce, versionOnTrial } from "./model-updates.ts";
import type { OrSetAside } from "./set-aside.ts";
import type { StreamDeps } from "./stream-settings.ts";

type PromotionDeps = Pick<NonNullable<StreamDeps["promotions"]>, "registry" | "versions">;

export interface PromotionState {
  /** In force before any update. */
  readonly firstVersion: string;
  /** All so far, in their order. */
  readonly updates: readonly ModelUpdate[];
  readonly trials: readonly Trial[];
  /** The greatest stream time of all partitions; null before the first event. */
  readonly streamTimeMs: number | null;
  readonly windows: TimeWindows;
  /** Whether it is time to look for new versions, which takes several requests to the store a version; asked before each look. */
  readonly versionsDue: () => boolean;
  /** A version that cannot be loaded is not announced. */
  readonly orSetAside: OrSetAside;
}

/**
 * The updates to announce now. A challenger that has passed is promoted in the registry first: should this process end before
 * it says so, the registry's champion tells the next one.
 *
 * @throws NcfError those of the registry
 */
export async function decideUpdates(deps: PromotionDeps, state: PromotionState): Promise<ModelUpdate[]> {
  const { registry } = deps;
  const { updates, trials, streamTimeMs, windows, firstVersion, versionsDue } = state;
  // Before the first event nothing says where the stream is.
  if (streamTimeMs === null) return [];
  const fromMs = nextStart(windows, streamTimeMs);
  const inForce = versionInForce(updates, firstVersion);
  const challenger = versionOnTrial(updates);
  const decided: ModelUpdate[] = [];
  const verdict = trials.find(({ version }) => version === challenger)?.verdict ?? null;
  let champion = await registry.champion();
  if (challenger !== null && verdict?.promoted === true && champion?.version === inForce) {
    champion = await promoteUnlessMoved(registry, challenger, champion.revision);
  }
  const next = champion?.version ?? inForce;
  if (next !== inForce) decided.push({ kind: "champion", version: next, fromMs });
  // A trial against another champion says nothing of this one.
  const over = challenger !== null && (verdict !== null || next !== inForce);
  if (over) decided.push({ kind: "challenger", version: null, fromMs });
  if ((challenger === null || over) && next === inForce && versionsDue()) {
    const tried = new Set(updates.filter(({ kind }) => kind === "challenger").map(({ version }) => version));
    const version = await newestTunedFrom(deps, state, inForce, tried);
    if (version !== null) decided.push({ kind: "challenger", version, fromMs });
  }
  return decided;
}

function nextStart(windows: TimeWindows, streamTimeMs: number): number {
  return (Math.floor(streamTimeMs / windows.advanceMs) + 1) * windows.advanceMs;
}

/** Whoever moved the champion meanwhile knows better than the trial. */
async function promoteUnlessMoved(registry: ModelRegistry, version: string, expectedRevision: number) {
  try {
    return await registry.promote(version, { expectedRevision });
  } catch (error) {
    if (!(error instanceof NcfError && error.code === "CHAMPION_MOVED")) throw error;
    return registry.champion();
  }
}

async function newestTunedFrom(
  { registry, versions }: PromotionDeps,
  { orSetAside }: PromotionState,
  base: string,
  tried: ReadonlySet<string | null>,
): Promise<string | null> {
  for (const version of (await registry.list()).reverse()) {
    if (version <= base) return null;
    if (tried.has(version)) continue;
    const isChallenger = await orSetAside(version, async () => {
      const { fineTuning } = await registry.card(version);
      if (fineTuning?.baseVersion !== base) return false;
      await versions.load(version);
      return true;
    });
    if (isChallenger === true) return version;
  }
  return null;
}
