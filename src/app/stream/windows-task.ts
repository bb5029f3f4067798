/** Stage 2 of a member: folds the windows, stores their reports, decides versions and asks for trainings. */

import type { FinalWindows } from "../../streaming/window-aggregator.ts";
import { atMostEvery } from "./at-most-every.ts";
import { longestWaitMs, type StreamMemberDeps, type StreamMemberSettings } from "./member-settings.ts";
import { versionInForce, versionOnTrial } from "./model-updates.ts";
import { decideUpdates } from "./promotions.ts";
import { archiveReports } from "./report-archive.ts";
import { retrying } from "./retrying.ts";
import { settingAside } from "./set-aside.ts";
import { together } from "./together.ts";
import { requestDueTraining } from "./training-policy.ts";
import { WindowWorker } from "./window-worker.ts";

/** How long a training that was asked for may wait for a worker before it may be asked for again. */
const trainingLeaseMs = 600_000;

/** Goes on until the signal is given. @throws what trying again does not mend */
export async function runWindows(
  deps: StreamMemberDeps,
  settings: StreamMemberSettings,
  signal: AbortSignal,
): Promise<void> {
  const signs: KnownSigns = { drifted: false, finalWindows: null };
  await together(signal, [
    (stopped) =>
      retrying({ ...deps, who: "windows", signal: stopped }, async (progressed) => {
        const startMs = deps.monotonicMs();
        const worker = await WindowWorker.open(deps, settings);
        deps.onEvent({ event: "opened", who: "windows", offset: worker.position, ms: deps.monotonicMs() - startMs });
        try {
          await followWindows(deps, settings, worker, signs, stopped, progressed);
        } finally {
          const closed = () => deps.onEvent({ event: "closed", who: "windows", offset: worker.position });
          await worker.close().finally(closed);
        }
      }),
    (stopped) =>
      retrying({ ...deps, who: "reports", signal: stopped }, (progressed) =>
        archiveReports(deps, settings, stopped, progressed),
      ),
    (stopped) =>
      retrying({ ...deps, who: "training", signal: stopped }, (progressed) =>
        askForTraining(deps, settings, signs, stopped, progressed),
      ),
  ]);
}

async function followWindows(
  { log, sleep, onEvent, monotonicMs, promotions }: StreamMemberDeps,
  { topics, commitIntervalMs, registryIntervalMs, keepIntervalMs, schedule, windows }: StreamMemberSettings,
  worker: WindowWorker,
  signs: KnownSigns,
  signal: AbortSignal,
  progressed: () => void,
): Promise<void> {
  const championDue = atMostEvery(registryIntervalMs, monotonicMs);
  const orSetAside = settingAside("windows", onEvent);
  const versionsDue = atMostEvery(keepIntervalMs, monotonicMs);
  while (!signal.aborted) {
    const reports = await worker.step();
    for (const report of reports) onEvent({ event: "window", report });
    for (const startMs of worker.takeDrifts()) {
      signs.drifted = true;
      onEvent({ event: "drift", startMs });
    }
    signs.finalWindows = worker.finalWindows;
    if (promotions !== undefined && championDue()) {
      await promotions.updates.refresh();
      const { streamTimeMs, trials } = worker;
      const state = {
        firstVersion: schedule.first.version,
        updates: promotions.updates.list,
        trials,
        streamTimeMs,
        windows,
        versionsDue,
        orSetAside,
      };
      const updates = await decideUpdates(promotions, state);
      if (updates.length > 0) await worker.announce(updates);
      for (const update of updates) onEvent({ event: "modelUpdate", update });
      // It was the former one that fell.
      if (updates.some(({ kind }) => kind === "champion")) signs.drifted = false;
    }
    progressed();
    if (reports.length > 0) await sleep(commitIntervalMs / 4, signal);
    else await log.waitForRecords(topics.windowPartials, 0, worker.position, { timeoutMs: longestWaitMs, signal });
  }
}

/** What is known of the windows. */
interface KnownSigns {
  /** Since the last training that was asked for. */
  drifted: boolean;
  /** As of the last look; null before the first. */
  finalWindows: FinalWindows | null;
}

/** Looks now and then whether a training is due. */
async function askForTraining(
  { store, training, promotions, sleep, onEvent }: StreamMemberDeps,
  { group, topics, startOffsets, trainEvery, trainWindows, windows, keepIntervalMs, schedule }: StreamMemberSettings,
  signs: KnownSigns,
  signal: AbortSignal,
  progressed: () => void,
): Promise<void> {
  if (training === undefined || promotions === undefined || startOffsets === undefined) return;
  const { registry, updates } = promotions;
  const terms = {
    group,
    topic: topics.interactions,
    startOffsets,
    trainEvery,
    trainWindows,
    windows,
    leaseMs: trainingLeaseMs,
  };
  for (; !signal.aborted; await sleep(keepIntervalMs, signal)) {
    while (signs.finalWindows === null && !signal.aborted) await sleep(longestWaitMs, signal);
    const { drifted, finalWindows } = signs;
    if (finalWindows === null) return;
    await updates.refresh();
    const champion = versionInForce(updates.list, schedule.first.version);
    // A version on trial may soon be the better base, and no other one can be tested before it is decided.
    const onTrial = versionOnTrial(updates.list) !== null;
    const deps = { training, store, registry };
    const request = onTrial ? null : await requestDueTraining(deps, terms, champion, { drifted, finalWindows });
    progressed();
    if (request === null) continue;
    signs.drifted = false;
    onEvent({ event: "trainingRequested", request });
  }
}
