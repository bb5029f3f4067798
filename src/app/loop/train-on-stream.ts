/** The worker's work: tunes a version on what came over the stream, and publishes the result as a new version. */
import { NcfError } from "../../core/errors.ts";
import { labelOf } from "../../core/ids.ts";
import type { NumericBackend } from "../../ncf/backend.ts";
import type { InteractionChunks, KeptInteraction } from "../../ports/interaction-chunks.ts";
import type { JobMessage } from "../../ports/job-queue.ts";
import { type ModelCard, type ModelRegistry, offsetsLearnt } from "../../ports/model-registry.ts";
import { publishModel, readPublished } from "../published-model.ts";
import { type HeldTraining, type HeldTrainingDeps, whileHeld } from "./held-training.ts";
import { readInteractions } from "./interaction-chunks.ts";
import { mergedSample } from "./merged-sample.ts";
import { releaseTrainingLease, takeTrainingLease } from "./training-lease.ts";
import { parseTrainingRequest, type TrainingRequest } from "./training-request.ts";
import { tunedModel } from "./tuned-model.ts";

export interface TrainOnStreamDeps extends HeldTrainingDeps {
  readonly registry: ModelRegistry;
  readonly chunksOf: (group: string, partition: number) => InteractionChunks;
  readonly backend: NumericBackend;
  readonly monotonicMs: () => number;
}

export interface TrainOnStreamOptions {
  readonly epochs: number;
  /** See fine-tune.ts. */
  readonly olderPerNew: number;
  readonly threads: number;
  /** For so long the job and the lease are the worker's own; it renews both at a third of that. */
  readonly leaseSeconds: number;
  readonly waitSeconds: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Takes one job and does it. A job that came before and was done is only deleted; one that fails goes back to the queue,
 * which makes a dead letter of it in the end.
 *
 * @returns what came of it; "none" where there was no job, "stopped" where the signal was given in the middle
 * @throws NcfError those of the queue and of the lease's store
 */
export async function trainNext(
  deps: TrainOnStreamDeps,
  options: TrainOnStreamOptions,
): Promise<"none" | "trained" | "nothingNew" | "failed" | "stopped"> {
  const { queue, log } = deps;
  const { leaseSeconds, waitSeconds, signal } = options;
  const [job] = await queue.receive({
    visibilityTimeoutSeconds: leaseSeconds,
    waitSeconds,
    ...(signal && { signal }),
  });
  if (job === undefined) return "none";
  try {
    const request = parseTrainingRequest(job.body);
    const card = await trainRequested(deps, options, job, request);
    await queue.delete(job.receipt);
    log(
      `training ${request.requestId}: ${card === null ? "nothing new, so no version" : `${card.version} is published, tuned from ${request.baseVersion}`}`,
    );
    return card === null ? "nothingNew" : "trained";
  } catch (error) {
    // What waiting may mend comes back when its time is up: given back at once, it would be a dead letter within seconds.
    const later = error instanceof NcfError && error.retriable && signal?.aborted !== true;
    if (!later) await queue.extend(job.receipt, 0).catch(() => undefined); // lost already: it is back
    if (signal?.aborted === true) {
      log(`training job ${job.id} was stopped and goes back to the queue`);
      return "stopped";
    }
    const reason = error instanceof Error ? error.message : String(error);
    log(`training job ${job.id}, delivery ${job.receiveCount}, failed: ${reason}`);
    return "failed";
  }
}

/**
 * Does a job's request under the lease of its group, and gives that up when it is done.
 *
 * @param job whose visibility is renewed meanwhile; null where somebody else does that
 * @returns the version, also one that an earlier delivery published; null where there was nothing new to learn, or where a
 *   later request has taken this one's place
 * @throws NcfError `TRAINING_LOST`, `JOB_LEASE_LOST`, those of the stores, of `fineTune` and of the registry
 */
export async function trainRequested(
  deps: TrainOnStreamDeps,
  options: Omit<TrainOnStreamOptions, "waitSeconds">,
  job: Pick<JobMessage, "receipt"> | null,
  request: TrainingRequest,
): Promise<ModelCard | null> {
  const { store, nowMs, log } = deps;
  // Who sends a request has the lease: another one has it only where this one had waited for too long, or was done.
  if (!(await takeTrainingLease(store, request, nowMs(), 1000 * options.leaseSeconds))) {
    log(`training ${request.requestId}: a later request of group ${request.group} has taken its place`);
    return null;
  }
  const card = await whileHeld(deps, options, job, request, (lease) => tune(deps, options, request, lease));
  await releaseTrainingLease(store, request);
  return card;
}

async function tune(
  deps: TrainOnStreamDeps,
  { epochs, olderPerNew, threads }: Omit<TrainOnStreamOptions, "waitSeconds">,
  request: TrainingRequest,
  { running: signal, confirm }: HeldTraining,
): Promise<ModelCard | null> {
  const { registry, backend, monotonicMs, log } = deps;
  const { requestId, baseVersion, topic, ranges, windowsThroughMs } = request;
  const done = await versionOf(registry, requestId);
  if (done !== null) return done;
  const base = await readPublished(registry, baseVersion);
  const sample = mergedSample(base.sample, await interactionsOf(deps, request));
  if (sample.train.items.length === base.sample.train.items.length) return null; // repeats only
  const input = { base, sample, epochs, olderPerNew, threads, signal };
  const { model, metrics, summary } = await tunedModel({ backend, monotonicMs }, input);
  log(`training ${requestId}: ${summary}`);
  const { userIds, itemIds } = sample;
  const learnt = Object.entries(ranges).map(([partition, { to }]) => [partition, to]);
  const before = offsetsLearnt(base.card.cutOff, topic) ?? {};
  const known = new Set(base.items.map(({ id }) => id));
  const added = [...itemIds].filter((id) => !known.has(id));
  await confirm();
  const { dataset, settings, seed } = base.card;
  return publishModel(registry, {
    model,
    sample,
    items: [...base.items, ...added.map((id) => ({ id, title: labelOf(id, sample.itemLabels), genres: [] }))],
    card: {
      name: base.model.name,
      trainedOn: "beforeCutOff",
      cutOff: { offsets: { ...before, ...Object.fromEntries(learnt) }, ...(topic !== undefined && { topic }) },
      dataset: { ...dataset, users: userIds.length, items: itemIds.length, interactions: sample.train.items.length },
      settings,
      seed,
      judged: null,
      fineTuning: { requestId, baseVersion, ranges, ...(windowsThroughMs !== undefined && { windowsThroughMs }) },
    },
    metrics,
  });
}

/** What an earlier delivery of the request published. */
async function versionOf(registry: ModelRegistry, requestId: string): Promise<ModelCard | null> {
  for (const version of (await registry.list()).reverse()) {
    const card = await registry.card(version);
    if (card.fineTuning?.requestId === requestId) return card;
  }
  return null;
}

/** Of all partitions: a user's lie in one, so their order stays. */
async function interactionsOf(
  { chunksOf }: TrainOnStreamDeps,
  { group, ranges }: TrainingRequest,
): Promise<KeptInteraction[]> {
  const interactions: KeptInteraction[] = [];
  for (const [partition, range] of Object.entries(ranges)) {
    interactions.push(...(await readInteractions(chunksOf(group, Number(partition)), range)));
  }
  return interactions;
}
