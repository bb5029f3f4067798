/** Trains one preset on a sample, with its checkpoint, model and training record in an object store. */
import { createHash } from "node:crypto";
import { CandidateSampler } from "../core/candidates.ts";
import { NcfError } from "../core/errors.ts";
import { rankTestItems, summarize, testedUsers } from "../core/evaluation.ts";
import { encodeJsonFile } from "../core/json.ts";
import { holdOutLatest } from "../core/leave-one-out.ts";
import type { ItemDetails } from "../core/ratings.ts";
import type { Recommender } from "../core/recommender.ts";
import type { Sample } from "../core/sample.ts";
import type { NumericBackend } from "../ncf/backend.ts";
import { dataFingerprint, decodeModel, encodeModel, type ModelDescription, type ModelFile } from "../ncf/checkpoint.ts";
import type { NcfConfig } from "../ncf/config.ts";
import { type TrainedModel, trainingData } from "../ncf/model.ts";
import { parameterCount, parameterTable, type TensorMap } from "../ncf/parameters.ts";
import { type CheckpointStore, trainModel } from "../ncf/trainer.ts";
import { transferredStart } from "../ncf/transferred-start.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { Progress } from "../ports/progress.ts";
import { type ItemFeatureSource, withItemFeatures } from "./item-features.ts";
import { parseTrainingRecord, type TrainingRecord } from "./training-record.ts";

export interface TrainDeps {
  readonly backend: NumericBackend;
  readonly createScorer: (model: TrainedModel) => Recommender;
  readonly store: ObjectStore;
  readonly progress: Progress;
  readonly monotonicMs: () => number;
  readonly log: (line: string) => void;
}

export interface TrainRequest {
  /** The model's name in reports and folders: the preset's. */
  readonly name: string;
  /** What tells this training from others of the preset, for who watches. */
  readonly purpose?: string;
  readonly config: NcfConfig;
  readonly sample: Sample;
  readonly sampleSha256: string;
  readonly seed: number;
  readonly threads: number;
  /** A model of any data, of the same network, to start from instead of the seed's values. */
  readonly initFrom?: ModelToStartFrom | undefined;
  /** Features of items as a further input; none by default. */
  readonly itemFeatures?: ItemFeatureSource | undefined;
  /** Titles and genres of the sample's items, for their features. */
  readonly items?: readonly ItemDetails[];
  /** Epochs without a better validation HR@10 after which training stops; null trains all epochs on all data. */
  readonly patience: number | null;
  /** Put before the files' names, such as "models/neumf/". */
  readonly prefix: string;
  /**
   * What to do with what an earlier call left: go on with it, go on if it is of this very run and else start anew, or
   * start anew.
   */
  readonly existing: "resume" | "resumeIfSame" | "discard";
  /** At least so long between two checkpoints within an epoch; 10,000 by default. */
  readonly checkpointEveryMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ModelToStartFrom {
  readonly file: ModelFile;
  /** Of the file: hex. */
  readonly sha256: string;
}

export interface TrainOutcome {
  readonly model: TrainedModel;
  readonly record: TrainingRecord;
  /** sha256 of the model file, hex. */
  readonly sha256: string;
  /** Of the model file. */
  readonly modelBytes: number;
  /** Whether the finished model of an earlier call was found. */
  readonly reused: boolean;
}

const defaultCheckpointEveryMs = 10_000;

/** @throws NcfError of `trainModel`, `decodeCheckpoint` and the store */
export async function trainAndStore(deps: TrainDeps, request: TrainRequest): Promise<TrainOutcome> {
  const { name, prefix, seed, initFrom, items = [] } = request;
  const trained = request.patience === null ? request.sample : holdOutLatest(request.sample);
  const { config, itemFeatures } =
    request.itemFeatures === undefined
      ? { config: request.config }
      : withItemFeatures(request.config, request.itemFeatures, trained.itemIds, items);
  const data = trainingData(config, trained, itemFeatures);
  const rows = { userRows: data.userRows, itemRows: data.itemRows };
  const keys = {
    checkpoint: `${prefix}checkpoint.safetensors`,
    model: `${prefix}model.safetensors`,
    record: `${prefix}training.json`,
  };
  const expected = {
    name,
    config,
    seed,
    backend: deps.backend.name,
    sample: request.sampleSha256,
    data: dataFingerprint(data),
    ...(initFrom && { initFrom: initFrom.sha256 }),
  };
  const start = initFrom && transferredStart(initFrom.file, config, trained, seed);
  if (request.existing === "discard") await removeAll(deps.store, Object.values(keys));
  else {
    const finished = await finishedModel(deps.store, keys, { ...expected, patience: request.patience });
    if (finished !== null) {
      deps.log(`${name}: already trained; remove ${keys.model} to train it again`);
      return { ...finished, model: { name, config, tensors: finished.tensors, ...rows }, reused: true };
    }
    if (request.existing === "resume") await checkResumable(deps, keys);
  }

  const task = deps.progress.start(
    `Training ${name}${request.purpose === undefined ? "" : ` (${request.purpose})`}`,
    data.positives.length * (1 + config.negatives) * config.epochs,
    "samples",
  );
  const train = () =>
    trainModel(
      {
        backend: deps.backend,
        monotonicMs: deps.monotonicMs,
        checkpoints: storedCheckpoint(deps.store, keys.checkpoint),
        onResume: (step) => deps.log(`${name}: going on from step ${step}`),
        onProgress: ({ samples, epochs, loss }) =>
          task.update(
            samples,
            `epoch ${Math.min(config.epochs, Math.floor(epochs) + 1)}/${config.epochs}, loss ${loss.toFixed(4)}`,
          ),
      },
      {
        config,
        data,
        sample: initFrom ? `${request.sampleSha256} from ${initFrom.sha256}` : request.sampleSha256,
        seed,
        threads: request.threads,
        ...(start && { start: start.tensors }),
        checkpointEveryMs: request.checkpointEveryMs ?? defaultCheckpointEveryMs,
        signal: request.signal,
        earlyStopping:
          request.patience === null
            ? null
            : earlyStopping(deps, request.patience, { name, config, ...rows }, trained, seed),
      },
    );
  const result = await train().catch(async (error: unknown) => {
    const foreign = error instanceof NcfError && error.code === "CHECKPOINT_MISMATCH";
    if (!foreign || request.existing !== "resumeIfSame") throw error;
    deps.log(`${name}: the checkpoint here is of a run with other settings or data; starting anew`);
    await deps.store.delete(keys.checkpoint);
    return train();
  });
  task.end();

  const description: ModelDescription = { ...expected, arithmetic: result.arithmetic, epochs: result.epochs };
  const bytes = encodeModel({
    description,
    tensors: result.tensors,
    userIds: request.sample.userIds,
    itemIds: request.sample.itemIds,
  });
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const record: TrainingRecord = {
    preset: name,
    modelSha256: sha256,
    epochs: result.epochs,
    steps: result.steps,
    samples: result.samples,
    seconds: result.seconds,
    samplesPerSecond: result.samples / Math.max(result.seconds, 1e-9),
    parameters: parameterTable(config, data.userRowCount, data.itemRowCount).reduce(
      (sum, spec) => sum + parameterCount(spec),
      0,
    ),
    backend: deps.backend.name,
    arithmetic: result.arithmetic,
    threads: request.threads,
    patience: request.patience,
    curve: result.curve,
    stepsPerEpoch: result.stepsPerEpoch,
    validation: result.validation,
    ...(initFrom && start && { initFrom: { sha256: initFrom.sha256, items: start.items, users: start.users } }),
  };
  // The model goes last: where it lies, training is over and its record is there.
  await deps.store.put(keys.record, encodeJsonFile(record));
  await deps.store.put(keys.model, bytes);
  await deps.store.delete(keys.checkpoint);
  return {
    model: { name, config, tensors: result.tensors, ...rows },
    record,
    sha256,
    modelBytes: bytes.length,
    reused: false,
  };
}

/** Refuses to replace a finished model of other settings by "resuming" it. */
async function checkResumable(deps: TrainDeps, keys: { checkpoint: string; model: string }): Promise<void> {
  if ((await deps.store.head(keys.checkpoint)) !== null) return;
  if ((await deps.store.head(keys.model)) === null) return deps.log("no checkpoint here: starting from the beginning");
  throw new NcfError(
    "CHECKPOINT_MISMATCH",
    `expected a checkpoint of this run, found ${keys.model}, the finished model of a run with other settings or data. ` +
      "Choose another output folder, or leave --resume out to replace it",
  );
}

async function removeAll(store: ObjectStore, keys: readonly string[]): Promise<void> {
  for (const key of keys) await store.delete(key);
}

/** The model of a finished call with the same settings and data, or null. */
async function finishedModel(
  store: ObjectStore,
  keys: { model: string; record: string },
  expected: Omit<ModelDescription, "arithmetic" | "epochs"> & { patience: number | null },
): Promise<{ tensors: TensorMap; record: TrainingRecord; sha256: string; modelBytes: number } | null> {
  if ((await store.head(keys.model)) === null || (await store.head(keys.record)) === null) return null;
  const bytes = await store.get(keys.model);
  const modelBytes = bytes.length;
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const record = parseTrainingRecord(await store.get(keys.record), keys.record);
  const { description, tensors } = decodeModel(bytes, keys.model);
  const same =
    record.modelSha256 === sha256 &&
    record.patience === expected.patience &&
    description.seed === expected.seed &&
    description.backend === expected.backend &&
    description.sample === expected.sample &&
    description.data === expected.data &&
    description.initFrom === expected.initFrom &&
    JSON.stringify(description.config) === JSON.stringify(expected.config);
  return same ? { tensors, record, sha256, modelBytes } : null;
}

/** A training's checkpoint as an object. */
export function storedCheckpoint(store: ObjectStore, key: string): CheckpointStore {
  return {
    description: `checkpoint ${key}`,
    load: async () => ((await store.head(key)) === null ? null : store.get(key)),
    save: async (bytes) => {
      await store.put(key, bytes);
    },
  };
}

/** HR@10 on each user's latest training interaction, which `holdOutLatest` took out of training. */
function earlyStopping(
  deps: TrainDeps,
  patience: number,
  model: Omit<TrainedModel, "tensors">,
  validation: Sample,
  seed: number,
) {
  const users = testedUsers(validation);
  if (users.length === 0) {
    throw new NcfError("DATA_TOO_SMALL", "early stopping needs users with at least three ratings, found none");
  }
  const sampler = new CandidateSampler(validation, { seed, negatives: 99, withReplacement: false });
  return {
    patience,
    score: async (tensors: TensorMap): Promise<number> => {
      const scorer = deps.createScorer({ ...model, tensors });
      return summarize(rankTestItems(scorer, users, (user) => sampler.of(user))).hrAt10;
    },
  };
}
