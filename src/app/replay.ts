/** Replays events through the stream as fast as it can: event time is the only time. */
import { NcfError } from "../core/errors.ts";
import type { NewRecord } from "../ports/interaction-log.ts";
import { noProgress, type Progress } from "../ports/progress.ts";
import { DriftDetector, qualityOf } from "../streaming/drift-detector.ts";
import { encodeEndOfStream, encodeWireEvent } from "../streaming/interaction-event.ts";
import type { StreamModel } from "../streaming/stream-model.ts";
import type { TimeWindows } from "../streaming/time-windows.ts";
import type { UserHistories } from "../streaming/user-histories.ts";
import { VersionSchedule } from "../streaming/version-schedule.ts";
import type { WindowReport } from "../streaming/window-report.ts";
import { PartitionWorker } from "./stream/partition-worker.ts";
import { createTopics, defaultTopics, type StreamDeps, type StreamSettings } from "./stream/stream-settings.ts";
import { WindowWorker } from "./stream/window-worker.ts";

export interface ReplayDeps extends StreamDeps {
  readonly progress?: Progress;
  /** Told of each final report, in order of window start. */
  readonly onWindow?: ((report: WindowReport) => void) | undefined;
}

export interface ReplayEvent {
  /** As the source wrote them. */
  readonly userId: string;
  readonly itemId: string;
  readonly timestampMs: number;
}

export interface ReplayRequest {
  /** In the order in which they are sent. */
  readonly events: readonly ReplayEvent[];
  readonly model: StreamModel;
  /** What users did up to the model's cut-off. */
  readonly base: { readonly id: string; readonly histories: UserHistories };
  readonly windows: TimeWindows;
  readonly partitions: number;
  readonly seed: number;
  readonly allowLeak: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface ReplayResult {
  /** Final reports by window start. */
  readonly windows: readonly WindowReport[];
  readonly events: number;
  /** Starts of the windows, of those that do not overlap, in which HR@10 had fallen below its running level. */
  readonly drifts: readonly number[];
}

const recordsAtOnce = 1000;

/**
 * Sends the events and tests each by the model before it joins its user's history.
 *
 * @throws NcfError `REPLAY_EMPTY`; `LEAK` for an event that the model may have learnt from; those of the log
 */
export async function replay(deps: ReplayDeps, request: ReplayRequest): Promise<ReplayResult> {
  const { events, partitions, signal } = request;
  if (events.length === 0) {
    throw new NcfError(
      "REPLAY_EMPTY",
      "expected events after the model's cut-off to replay, found none. Give later events, or a model with an earlier cut-off",
    );
  }
  const topics = defaultTopics;
  await deps.log.createTopic(topics.interactions, partitions);
  await createTopics(deps.log, topics);
  await send(deps, request);

  const settings: StreamSettings = {
    group: "replay",
    topics,
    windows: request.windows,
    schedule: new VersionSchedule(request.model),
    base: request.base,
    seed: request.seed,
    // A replayed record's own time is its event's.
    maxAheadMs: 0,
    endOfStream: "ends",
    leak: request.allowLeak ? "mark" : "refuse",
    commitRecords: recordsAtOnce,
    snapshotRecords: Number.POSITIVE_INFINITY,
    snapshotPartials: Number.POSITIVE_INFINITY,
  };
  const task = (deps.progress ?? noProgress).start("Replaying", events.length, "events");
  const workers: PartitionWorker[] = [];
  for (let p = 0; p < partitions; p++) workers.push(await PartitionWorker.open(deps, settings, p));
  const stage2 = await WindowWorker.open(deps, settings);
  const finals = new Map<number, WindowReport>();
  let done = 0;
  for (let running = [...workers]; running.length > 0; ) {
    const next: PartitionWorker[] = [];
    for (const worker of running) {
      signal?.throwIfAborted();
      const folded = await worker.step();
      done += folded;
      if (folded > 0) next.push(worker);
    }
    running = next;
    task.update(Math.min(done, events.length));
    for (const report of await stage2.step()) {
      if (!report.final) continue;
      finals.set(report.startMs, report);
      deps.onWindow?.(report);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  task.end();
  for (const worker of [...workers, stage2]) await worker.close();
  const windows = [...finals.values()].sort((a, b) => a.startMs - b.startMs);
  return {
    windows,
    events: events.length,
    drifts: driftsOf(windows.filter((window) => request.windows.inTotal(window))),
  };
}

function driftsOf(windows: readonly WindowReport[]): number[] {
  const detector = new DriftDetector();
  return windows.filter((window) => detector.observe(qualityOf(window)).kind === "alarm").map(({ startMs }) => startMs);
}

/** Keyed by user, then the record that ends each partition. */
async function send({ log }: ReplayDeps, { events, partitions }: ReplayRequest): Promise<void> {
  const topic = defaultTopics.interactions;
  for (let from = 0; from < events.length; from += recordsAtOnce) {
    const records = events
      .slice(from, from + recordsAtOnce)
      .map(
        (event): NewRecord => ({ key: event.userId, value: encodeWireEvent(event), timestampMs: event.timestampMs }),
      );
    await log.append(topic, records, { durable: false });
  }
  const producer = await log.openProducer("replay-end");
  const end = (partition: number) => ({ topic, partition, key: null, value: encodeEndOfStream() });
  await producer.commit({ records: Array.from({ length: partitions }, (_, p) => end(p)), offsets: [] });
  await producer.close();
}
