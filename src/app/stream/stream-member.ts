/**
 * One member of a stream's group: runs the partitions and, where it is assigned, the windows, until it is told to stop.
 *
 * Each partition is a task of its own that opens a worker, goes on through failures that pass, and closes the worker when the
 * partition goes to another member. Two members may think for a moment that they own the same one: the log fences the former.
 */
import { aborted } from "../../core/aborted.ts";
import type { TopicPartition } from "../../ports/stream-group.ts";
import type { StreamMemberDeps, StreamMemberSettings } from "./member-settings.ts";
import { runPartition } from "./partition-task.ts";
import { retrying } from "./retrying.ts";
import { runWindows } from "./windows-task.ts";

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
    await retrying({ ...deps, who: "group", signal: ending.signal }, async (progressed) => {
      const membership = await deps.groups.join({ group, topics: shared, onAssigned, signal: ending.signal });
      progressed();
      const lost = await Promise.race([membership.lost, aborted(ending.signal)]);
      // Others may have its work by now: to go on would take it from them.
      await tasks.end();
      await membership.leave();
      if (lost !== undefined) throw lost;
    });
  } finally {
    signal.removeEventListener("abort", end);
    await tasks.end();
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
