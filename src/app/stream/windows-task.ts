/** Stage 2 of a member: folds the windows, stores their reports, decides versions and asks for trainings. */
import { longestWaitMs, type StreamMemberDeps, type StreamMemberSettings } from "./member-settings.ts";
import { versionInForce } from "./model-updates.ts";
import { decideUpdates } from "./promotions.ts";
import { archiveReports } from "./report-archive.ts";
import { retrying } from "./retrying.ts";
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
  const drift: DriftAlarm = { on: false };
  await Promise.all([
    retrying({ ...deps, who: "windows", signal }, async (progressed) => {
      const startMs = deps.monotonicMs();
      const worker = await WindowWorker.open(deps, settings);
      deps.onEvent({ event: "opened", who: "windows", offset: worker.position, ms: deps.monotonicMs() - startMs });
      try {
        await followWindows(deps, settings, worker, drift, signal, progressed);
      } finally {
        await worker.close().finally(() => deps.onEvent({ event: "closed", who: "windows", offset: worker.position }));
      }
    }),
    retrying({ ...deps, who: "reports", signal }, (progressed) => archiveReports(deps, settings, signal, progressed)),
    retrying({ ...deps, who: "training", signal }, (progressed) =>
      askForTraining(deps, settings, drift, signal, progressed),
    ),
  ]);
}

async function followWindows(
  { log, sleep, onEvent, promotions }: StreamMemberDeps,
  { topics, commitIntervalMs, schedule, windows }: StreamMemberSettings,
  worker: WindowWorker,
  drift: DriftAlarm,
  signal: AbortSignal,
  progressed: () => void,
): Promise<void> {
  while (!signal.aborted) {
    const reports = await worker.step();
    for (const report of reports) onEvent({ event: "window", report });
    for (const startMs of worker.takeDrifts()) {
      drift.on = true;
      onEvent({ event: "drift", startMs });
    }
    if (promotions !== undefined) {
      await promotions.updates.refresh();
      const { streamTimeMs, trials } = worker;
      const state = {
        firstVersion: schedule.first.version,
        updates: promotions.updates.list,
        trials,
        streamTimeMs,
        windows,
      };
      const updates = await decideUpdates(promotions.registry, state);
      if (updates.length > 0) await worker.announce(updates);
      for (const update of updates) onEvent({ event: "modelUpdate", update });
    }
    progressed();
    if (reports.length > 0) await sleep(commitIntervalMs / 4, signal);
    else await log.waitForRecords(topics.windowPartials, 0, worker.position, { timeoutMs: longestWaitMs, signal });
  }
}

/** Whether HR@10 has fallen since the last training that was asked for. */
interface DriftAlarm {
  on: boolean;
}

/** Looks now and then whether a training is due. */
async function askForTraining(
  { store, training, promotions, sleep, onEvent }: StreamMemberDeps,
  { group, startOffsets, trainEvery, keepIntervalMs, schedule }: StreamMemberSettings,
  drift: DriftAlarm,
  signal: AbortSignal,
  progressed: () => void,
): Promise<void> {
  if (training === undefined || promotions === undefined || startOffsets === undefined) return;
  const { registry, updates } = promotions;
  const terms = { group, startOffsets, trainEvery, leaseMs: trainingLeaseMs };
  for (; !signal.aborted; await sleep(keepIntervalMs, signal)) {
    await updates.refresh();
    const champion = versionInForce(updates.list, schedule.first.version);
    const request = await requestDueTraining({ training, store, registry }, terms, champion, drift.on);
    progressed();
    if (request === null) continue;
    drift.on = false;
    onEvent({ event: "trainingRequested", request });
  }
}
