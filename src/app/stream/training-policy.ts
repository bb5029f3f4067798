/**
 * When stage 2 asks for a training: so many records have come, or so many windows have become final, that no version tuned from
 * the champion has learnt, or HR@10 has fallen below its running level. But for that fall, it goes by what lies in the store, so
 * whoever takes stage 2 over decides the same.
 */
import { hash53 } from "../../core/ids.ts";
import type { InteractionChunks } from "../../ports/interaction-chunks.ts";
import type { JobQueue } from "../../ports/job-queue.ts";
import { type ModelRegistry, offsetsLearnt } from "../../ports/model-registry.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { TimeWindows } from "../../streaming/time-windows.ts";
import type { FinalWindows } from "../../streaming/window-aggregator.ts";
import { learnableRange } from "../loop/interaction-chunks.ts";
import { requestTraining, type TrainingRequest } from "../loop/training-request.ts";

export interface TrainingDeps {
  readonly chunksOf: (group: string, partition: number) => InteractionChunks;
  readonly queue: JobQueue;
  readonly nowMs: () => number;
}

export interface TrainingTerms {
  readonly group: string;
  /** The stream's input. */
  readonly topic: string;
  /** Shape [partitions]: where the group began. */
  readonly startOffsets: readonly number[];
  /** Records to wait for. */
  readonly trainEvery: number;
  /** Windows to wait for; null: for none. */
  readonly trainWindows: number | null;
  readonly windows: TimeWindows;
  /** How long a request is in flight before a worker that trains renews it. */
  readonly leaseMs: number;
}

/** What the windows say. */
export interface TrainingSigns {
  /** Whether HR@10 has fallen: then any new record will do. */
  readonly drifted: boolean;
  readonly finalWindows: FinalWindows;
}

/**
 * Asks for a training where one is due and none is in flight.
 *
 * @param champion the version in force
 * @returns the request, or null
 * @throws NcfError those of the registry, the store and the queue
 */
export async function requestDueTraining(
  { training, store, registry }: { training: TrainingDeps; store: ObjectStore; registry: ModelRegistry },
  terms: TrainingTerms,
  champion: string,
  { drifted, finalWindows }: TrainingSigns,
): Promise<TrainingRequest | null> {
  const { group, topic, trainEvery, leaseMs } = terms;
  const { offsets: learnt, throughMs: learntThroughMs } = await learntBefore(registry, champion, terms);
  const ranges: Record<string, { from: number; to: number }> = {};
  let fresh = 0;
  for (const [partition, { base, tried }] of learnt.entries()) {
    const range = learnableRange(await training.chunksOf(group, partition).list(), base);
    fresh += Math.max(0, range.to - Math.max(range.from, tried));
    if (range.to > range.from) ranges[partition] = range;
  }
  const reason = drifted ? "drift" : fresh >= trainEvery ? "events" : "window";
  if (fresh === 0 || (reason === "window" && !windowsAreDue(terms, finalWindows, learntThroughMs))) return null;
  const { throughMs } = finalWindows;
  const request: TrainingRequest = {
    // The same records ask for the same training, whoever asks.
    requestId: `${champion}-${hash53(new TextEncoder().encode(JSON.stringify([group, ranges])))}`,
    group,
    baseVersion: champion,
    topic,
    ranges,
    reason,
    ...(throughMs !== null && { windowsThroughMs: throughMs }),
    createdAtMs: training.nowMs(),
  };
  const { queue, nowMs } = training;
  return (await requestTraining({ store, queue, nowMs }, request, leaseMs)) === "requested" ? request : null;
}

function windowsAreDue(
  { windows, trainWindows }: TrainingTerms,
  { count, throughMs }: FinalWindows,
  learntThroughMs: number | null,
): boolean {
  if (trainWindows === null || throughMs === null) return false;
  return (learntThroughMs === null ? count : (throughMs - learntThroughMs) / windows.sizeMs) >= trainWindows;
}

/**
 * By partition: up to where the champion has learnt, and up to where any version tuned from it has. And the end of the last
 * window that was final when the latest of them was asked for.
 */
async function learntBefore(
  registry: ModelRegistry,
  champion: string,
  { startOffsets, topic }: Pick<TrainingTerms, "startOffsets" | "topic">,
) {
  const { cutOff, fineTuning: own } = await registry.card(champion);
  const offsets = offsetsLearnt(cutOff, topic) ?? {};
  const windowEnds = [own?.windowsThroughMs];
  const learnt = startOffsets.map((start, partition) => {
    const base = Math.max(start, offsets[partition] ?? 0);
    return { base, tried: base };
  });
  for (const version of (await registry.list()).reverse()) {
    if (version <= champion) break;
    const { cutOff: reached, fineTuning } = await registry.card(version);
    if (fineTuning?.baseVersion !== champion) continue;
    windowEnds.push(fineTuning.windowsThroughMs);
    for (const [partition, to] of Object.entries(offsetsLearnt(reached, topic) ?? {})) {
      const place = learnt[Number(partition)];
      if (place !== undefined) place.tried = Math.max(place.tried, to);
    }
  }
  const known = windowEnds.filter((endMs) => endMs !== undefined);
  return { offsets: learnt, throughMs: known.length === 0 ? null : Math.max(...known) };
}
