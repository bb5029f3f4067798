/**
 * From a data set to a training: `datasets/<id>/` → `samples/<id>/` → a job in the queue of training requests. The sample's id
 * is that of the data set and of how it is drawn, the run's id that of the sample and of what is trained: whatever comes twice,
 * the sample is drawn once and the run is one run.
 */
import { createHash } from "node:crypto";
import { NcfError } from "../../core/errors.ts";
import { encodeJsonFile } from "../../core/json.ts";
import type { DatasetStore } from "../../ports/dataset-store.ts";
import type { JobQueue } from "../../ports/job-queue.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { SampleOptions, SampleStore } from "../../ports/sample-store.ts";
import type { TrainJob } from "../jobs/training-job.ts";
import { drawSample } from "../sample.ts";
import type { TrainingOptions } from "./training-options.ts";
import { datasetPrefix, samplePrefix } from "./upload-keys.ts";

export interface SampleDatasetDeps {
  readonly store: ObjectStore;
  readonly datasetsAt: (prefix: string) => DatasetStore;
  readonly samplesAt: (prefix: string) => SampleStore;
  /** Takes training requests. */
  readonly requests: JobQueue;
}

export type SampleOutcome =
  | { readonly kind: "requested"; readonly sampleId: string; readonly runId: string; readonly drawn: boolean }
  /** The training was asked for before. */
  | { readonly kind: "known"; readonly sampleId: string; readonly runId: string }
  | { readonly kind: "refused"; readonly sampleId: string; readonly code: string; readonly reason: string };

const idDigits = 32;

/**
 * After a crash between sending the job and noting that, it is sent once more: who takes it knows it by its run's id.
 *
 * @throws NcfError `DATASET_NOT_FOUND`, those of the stores and of the queue
 */
export async function sampleDataset(
  deps: SampleDatasetDeps,
  datasetId: string,
  options: TrainingOptions,
): Promise<SampleOutcome> {
  const { fraction, sampler, seed, tieRule, catalogue, preset, epochs, ids, promote } = options;
  const drawing: SampleOptions = { fraction, sampler, seed, tieRule, catalogue };
  const sampleId = idOf([datasetId, fraction, sampler, seed, tieRule, catalogue]);
  const prefix = samplePrefix(sampleId);
  const runId = `train-${idOf([sampleId, preset, epochs ?? null, ids ?? null, promote])}`;
  const notedKey = `${prefix}/requested/${runId}.json`;
  if ((await deps.store.head(notedKey)) !== null) return { kind: "known", sampleId, runId };
  const there = (await deps.store.head(`${prefix}/manifest.json`)) !== null;
  if (!there) {
    const refusal = await draw(deps, datasetId, sampleId, drawing);
    if (refusal !== null) return refusal;
  }
  const job: TrainJob = {
    kind: "train",
    runId,
    samplePrefix: `${prefix}/`,
    preset,
    ...(epochs !== undefined && { epochs }),
    ...(ids !== undefined && { ids }),
    seed,
    promote,
  };
  const jobId = await deps.requests.send(JSON.stringify(job));
  await deps.store.putIfAbsent(notedKey, encodeJsonFile({ jobId, job }));
  return { kind: "requested", sampleId, runId, drawn: !there };
}

/** Null where it went well. A data set from which nothing can be drawn leaves a record of the reason. */
async function draw(
  { store, datasetsAt, samplesAt }: SampleDatasetDeps,
  datasetId: string,
  sampleId: string,
  options: SampleOptions,
): Promise<SampleOutcome | null> {
  const prefix = samplePrefix(sampleId);
  try {
    await drawSample({ datasets: datasetsAt(datasetPrefix(datasetId)), samples: samplesAt(prefix) }, options);
    return null;
  } catch (error) {
    if (!(error instanceof NcfError) || error.code !== "DATA_TOO_SMALL") throw error;
    const { code, message } = error;
    await store.put(`${prefix}/refused.json`, encodeJsonFile({ datasetId, code, message }));
    return { kind: "refused", sampleId, code, reason: message };
  }
}

function idOf(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, idDigits);
}
