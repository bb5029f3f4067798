/**
 * When stage 2 asks for a training: so many events have come that no version tuned from the champion has learnt, or HR@10 has
 * fallen below its running level. It goes by what lies in the store, so whoever takes stage 2 over decides the same.
 */
import { hash53 } from "../../core/ids.ts";
import type { InteractionChunks } from "../../ports/interaction-chunks.ts";
import type { JobQueue } from "../../ports/job-queue.ts";
import type { ModelRegistry } from "../../ports/model-registry.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { reachOf } from "../loop/interaction-chunks.ts";
import { requestTraining, type TrainingRequest } from "../loop/training-request.ts";

export interface TrainingDeps {
  readonly chunksOf: (group: string, partition: number) => InteractionChunks;
  readonly queue: JobQueue;
  readonly nowMs: () => number;
}

export interface TrainingTerms {
  readonly group: string;
  /** Shape [partitions]: where the group began. */
  readonly startOffsets: readonly number[];
  /** Records to wait for. */
  readonly trainEvery: number;
  /** How long a request is in flight before a worker that trains renews it. */
  readonly leaseMs: number;
}

/**
 * Asks for a training where one is due and none is in flight.
 *
 * @param champion the version in force
 * @param drifted whether HR@10 has fallen: then any new record will do
 * @returns the request, or null
 * @throws NcfError those of the registry, the store and the queue
 */
export async function requestDueTraining(
  { training, store, registry }: { training: TrainingDeps; store: ObjectStore; registry: ModelRegistry },
  { group, startOffsets, trainEvery, leaseMs }: TrainingTerms,
  champion: string,
  drifted: boolean,
): Promise<TrainingRequest | null> {
  const learnt = await learntOffsets(registry, champion, startOffsets);
  const ranges: Record<string, { from: number; to: number }> = {};
  let fresh = 0;
  for (const [partition, { base, tried }] of learnt.entries()) {
    const kept = await training.chunksOf(group, partition).list();
    const to = reachOf(kept, base);
    fresh += Math.max(0, to - tried);
    if (to > base) ranges[partition] = { from: base, to };
  }
  if (fresh === 0 || (fresh < trainEvery && !drifted)) return null;
  const request: TrainingRequest = {
    // The same records ask for the same training, whoever asks.
    requestId: `${champion}-${hash53(new TextEncoder().encode(JSON.stringify([group, ranges])))}`,
    group,
    baseVersion: champion,
    ranges,
    reason: drifted ? "drift" : "events",
    createdAtMs: training.nowMs(),
  };
  const { queue, nowMs } = training;
  return (await requestTraining({ store, queue, nowMs }, request, leaseMs)) === "requested" ? request : null;
}

/** By partition: up to where the champion has learnt, and up to where any version tuned from it has. */
async function learntOffsets(registry: ModelRegistry, champion: string, startOffsets: readonly number[]) {
  const { cutOff } = await registry.card(champion);
  const offsets = "offsets" in cutOff ? cutOff.offsets : {};
  const learnt = startOffsets.map((start, partition) => {
    const base = Math.max(start, offsets[partition] ?? 0);
    return { base, tried: base };
  });
  for (const version of (await registry.list()).reverse()) {
    if (version <= champion) break;
    const { fineTuning } = await registry.card(version);
    if (fineTuning?.baseVersion !== champion) continue;
    for (const [partition, { to }] of Object.entries(fineTuning.ranges)) {
      const place = learnt[Number(partition)];
      if (place !== undefined) place.tried = Math.max(place.tried, to);
    }
  }
  return learnt;
}
