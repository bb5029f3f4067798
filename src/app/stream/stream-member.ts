/**
 * One member of a stream's group: runs the partitions and, where it is assigned, the windows, until it is told to stop.
 *
 * Each partition is a task of its own that opens a worker, goes on through failures that pass, and closes the worker when the
 * partition goes to another member. Two members may think for a moment that they own the same one: the log fences the former.
 */
import type { InteractionLog } from "../../ports/interaction-log.ts";
import type { StreamGroup, TopicPartition } from "../../ports/stream-group.ts";
import { PartitionWorker } from "./partition-worker.ts";
import { decideUpdates } from "./promotions.ts";
import { archiveReports } from "./report-archive.ts";
import { retrying } from "./retrying.ts";
import type { StreamEvent } from "./stream-events.ts";
import type { StreamDeps, StreamSettings } from "./stream-settings.ts";
import { WindowWorker } from "./window-worker.ts";

export interface StreamMemberDeps extends StreamDeps {
  readonly groups: StreamGroup;
  readonly onEvent: (event: StreamEvent) => void;
  readonly monotonicMs: () => number;
  /** Resolves when the time is up or the signal is given. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface StreamMemberSettings extends StreamSettings {
  /** From one commit to the next, where records come slower than that many would fill one. */
  readonly commitIntervalMs: number;
  /** A partition at its log's end for so long no longer holds windows back. */
  readonly idleTimeoutMs: number;
}

/** How long a wait for records goes on before its partition is looked at again. */
const longestWaitMs = 1_000;

/**
 * Resolves when the signal is given and all is closed: what was begun is committed, snapshots are stored, the group is left.
 *
 * @throws what no repetition mends: `LEAK`, `SCORE_NAN`, `SNAPSHOT_MISMATCH`, `OFFSETS_LOST`, `LOG_REFUSED`, ...; then, too, all
 *   is closed before
 */
export async function runStreamMember(
  deps: StreamMemberDeps,
  settings: StreamMemberSettings,
  signal: AbortSignal,
): Promise<void> {
  const { group, topics } = settings;
  const ending = new AbortController();
  const end = () => ending.abort();
  if (signal.aborted) return;
  signal.addEventListener("abort", end, { once: true });
  let failure: { readonly cause: unknown } | null = null;
  const tasks = new Tasks((cause) => {
    failure ??= { cause };
    end();
  });
  const workOf = ({ topic, partition }: TopicPartition): Work =>
    topic === topics.windowPartials
      ? (stopped) => runWindows(deps, settings, stopped)
      : (stopped) => runPartition(deps, settings, partition, stopped);
  const onAssigned = (assigned: readonly TopicPartition[]): void => {
    if (ending.signal.aborted) return;
    deps.onEvent({
      event: "assigned",
      partitions: assigned.filter(({ topic }) => topic === topics.interactions).map(({ partition }) => partition),
      windows: assigned.some(({ topic }) => topic === topics.windowPartials),
    });
    tasks.set(new Map(assigned.map((place) => [`${place.topic}/${place.partition}`, workOf(place)])));
  };
  const shared = [topics.interactions, topics.windowPartials];
  try {
    const membership = await retrying({ ...deps, who: "group", signal: ending.signal }, () =>
      deps.groups.join({ group, topics: shared, onAssigned }),
    );
    await aborted(ending.signal);
    await tasks.end();
    await membership?.leave();
  } finally {
    signal.removeEventListener("abort", end);
  }
  if (failure !== null) throw (failure as { readonly cause: unknown }).cause;
}

type Work = (stopped: AbortSignal) => Promise<void>;

/** Work by name: what is there goes on, what is new starts, what is no longer wanted is stopped. */
class Tasks {
  readonly #running = new Map<string, { readonly stop: AbortController; readonly done: Promise<void> }>();
  readonly #onFailure: (cause: unknown) => void;

  constructor(onFailure: (cause: unknown) => void) {
    this.#onFailure = onFailure;
  }

  set(wanted: ReadonlyMap<string, Work>): void {
    for (const [name, { stop }] of this.#running) if (!wanted.has(name)) stop.abort();
    for (const [name, work] of wanted) {
      const before = this.#running.get(name);
      if (before !== undefined && !before.stop.signal.aborted) continue;
      const stop = new AbortController();
      // One that is still closing ends first: it would be fenced in the middle of its last commit.
      const done = (before?.done ?? Promise.resolve())
        .then(() => work(stop.signal))
        .catch((cause) => this.#onFailure(cause))
        .finally(() => {
          if (this.#running.get(name)?.stop === stop) this.#running.delete(name);
        });
      this.#running.set(name, { stop, done });
    }
  }

  /** Stops all, and resolves when all has ended. */
  async end(): Promise<void> {
    const ending = [...this.#running.values()].map(({ done }) => done);
    this.set(new Map());
    await Promise.all(ending);
  }
}

async function runPartition(
  deps: StreamMemberDeps,
  settings: StreamMemberSettings,
  partition: number,
  signal: AbortSignal,
): Promise<void> {
  const who = `partition ${partition}`;
  await retrying({ ...deps, who, signal }, async (progressed) => {
    const startMs = deps.monotonicMs();
    const worker = await PartitionWorker.open(deps, settings, partition);
    deps.onEvent({ event: "opened", who, offset: worker.position, ms: deps.monotonicMs() - startMs });
    try {
      await followPartition(deps, settings, worker, partition, signal, progressed);
    } finally {
      await worker.close();
      deps.onEvent({ event: "closed", who, offset: worker.position });
    }
  });
}

async function followPartition(
  { log, sleep, monotonicMs, onEvent }: StreamMemberDeps,
  { topics, commitRecords, commitIntervalMs, idleTimeoutMs }: StreamMemberSettings,
  worker: PartitionWorker,
  partition: number,
  signal: AbortSignal,
  progressed: () => void,
): Promise<void> {
  let latestMs = monotonicMs();
  while (!signal.aborted) {
    const records = await worker.advance();
    if (records > 0) {
      latestMs = monotonicMs();
      // Behind, it goes on at once, while the commit is on its way.
      if (records < commitRecords) {
        await worker.settle();
        progressed();
        await sleep(commitIntervalMs, signal);
      }
      continue;
    }
    await worker.settle();
    progressed();
    const leftMs = latestMs + idleTimeoutMs - monotonicMs();
    if (!worker.idle && leftMs <= 0) {
      await worker.declareIdle();
      onEvent({ event: "idle", partition });
    }
    const timeoutMs = worker.idle ? longestWaitMs : Math.max(1, Math.min(longestWaitMs, leftMs));
    await log.waitForRecords(topics.interactions, partition, worker.position, { timeoutMs, signal });
  }
}

async function runWindows(deps: StreamMemberDeps, settings: StreamMemberSettings, signal: AbortSignal): Promise<void> {
  await Promise.all([
    retrying({ ...deps, who: "windows", signal }, async (progressed) => {
      const startMs = deps.monotonicMs();
      const worker = await WindowWorker.open(deps, settings);
      deps.onEvent({ event: "opened", who: "windows", offset: worker.position, ms: deps.monotonicMs() - startMs });
      try {
        await followWindows(deps, settings, worker, signal, progressed);
      } finally {
        await worker.close();
        deps.onEvent({ event: "closed", who: "windows", offset: worker.position });
      }
    }),
    retrying({ ...deps, who: "reports", signal }, (progressed) => archiveReports(deps, settings, signal, progressed)),
  ]);
}

async function followWindows(
  { log, sleep, onEvent, promotions }: StreamMemberDeps,
  { topics, commitIntervalMs, schedule, windows }: StreamMemberSettings,
  worker: WindowWorker,
  signal: AbortSignal,
  progressed: () => void,
): Promise<void> {
  while (!signal.aborted) {
    const reports = await worker.step();
    for (const report of reports) onEvent({ event: "window", report });
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
    else await waitForMore(log, topics.windowPartials, worker.position, signal);
  }
}

function waitForMore(log: InteractionLog, topic: string, offset: number, signal: AbortSignal): Promise<boolean> {
  return log.waitForRecords(topic, 0, offset, { timeoutMs: longestWaitMs, signal });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
