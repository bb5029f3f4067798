/**
 * A run of kind "train", for one preset what `ncf run --publish` does: trains on the sample's training part, judges against
 * popularity, trains on all of it with the same settings, publishes and promotes. Everything that it writes on the way lies
 * under `runs/<id>/`, so another worker goes on from there, to the same bytes.
 */
import { popularityOf } from "../../baselines/popularity.ts";
import { encodeJsonFile } from "../../core/json.ts";
import type { Recommender } from "../../core/recommender.ts";
import type { NumericBackend } from "../../ncf/backend.ts";
import { decodeModel } from "../../ncf/checkpoint.ts";
import { type NcfConfig, presetNamed } from "../../ncf/config.ts";
import type { TrainedModel } from "../../ncf/model.ts";
import type { ModelRegistry } from "../../ports/model-registry.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Progress } from "../../ports/progress.ts";
import type { SampleStore } from "../../ports/sample-store.ts";
import { runPrefix, type TrainJob } from "../jobs/training-job.ts";
import { defaultJudgeOptions, judgeModels } from "../judge.ts";
import { type PublishResult, trainAndPublish } from "../publish.ts";
import { reportModels } from "../report/build-report.ts";
import { trainAndStore } from "../train-model.ts";
import { prefixedStore } from "./prefixed-store.ts";

export type ModelExport = (
  backend: NumericBackend,
  model: Pick<TrainedModel, "config" | "tensors">,
) => Promise<ReadonlyMap<string, Uint8Array>>;

export interface TrainRunDeps {
  readonly store: ObjectStore;
  readonly registry: ModelRegistry;
  readonly samplesAt: (prefix: string) => SampleStore;
  readonly backendFor: (config: Pick<NcfConfig, "batchSize">) => NumericBackend;
  readonly createScorer: (model: TrainedModel) => Recommender;
  /** The published model in other forms, by file name; they go to `runs/<id>/export/`. */
  readonly exportModel?: ModelExport | undefined;
  readonly progress: Progress;
  readonly monotonicMs: () => number;
  readonly log: (line: string) => void;
}

export interface TrainRunOptions {
  readonly threads: number;
  readonly checkpointEveryMs: number;
  readonly signal: AbortSignal;
  /** Called before anything is published; throws where the run is another worker's by now. */
  readonly confirm: () => Promise<void>;
}

/** @throws NcfError those of the sample's store, of training, judging and the registry */
export async function trainRun(
  { store, registry, samplesAt, backendFor, createScorer, exportModel, progress, monotonicMs, log }: TrainRunDeps,
  job: TrainJob,
  options: TrainRunOptions,
): Promise<PublishResult> {
  const { preset, epochs, ids, seed, promote } = job;
  const { threads, checkpointEveryMs, signal, confirm } = options;
  const config: NcfConfig = { ...presetNamed(preset), ...(epochs && { epochs }), ...(ids && { ids }) };
  const files = await samplesAt(job.samplePrefix).read();
  const { sample, manifest } = files;
  const backend = backendFor(config);
  const ownStore = prefixedStore(store, runPrefix(job.runId));
  const deps = { backend, createScorer, store: ownStore, progress, monotonicMs, log };
  const trained = await trainAndStore(deps, {
    name: preset,
    config,
    sample,
    sampleSha256: manifest.sha256,
    seed,
    threads,
    patience: null,
    prefix: `models/${preset}/`,
    existing: "resumeIfSame",
    checkpointEveryMs,
    signal,
  });
  signal.throwIfAborted();
  const judged = await judgeModels(
    [createScorer(trained.model), popularityOf(sample)],
    sample,
    { ...defaultJudgeOptions, seed },
    { progress, signal },
  );
  const models = reportModels(judged, new Map([[preset, trained.record]]));
  await ownStore.put("judged.json", encodeJsonFile(models));
  const published = await trainAndPublish(
    { ...deps, registry },
    {
      plan: { name: preset, config },
      files,
      report: { models },
      promote,
      seed,
      threads,
      checkpointEveryMs,
      beforePublishing: confirm,
      runId: job.runId,
      signal,
    },
  );
  if (exportModel !== undefined) {
    const { version } = published.card;
    const { tensors } = decodeModel((await registry.load(version)).model, `model of version ${version}`);
    for (const [name, bytes] of await exportModel(backend, { config, tensors })) {
      await ownStore.put(`export/${name}`, bytes);
    }
  }
  return published;
}
