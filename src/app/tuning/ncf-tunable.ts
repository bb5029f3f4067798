/** A preset of the NCF family as what a search tunes. */
import { NcfError } from "../../core/errors.ts";
import { checkConfig, type NcfConfig } from "../../ncf/config.ts";
import { type TrainedModel, trainingData } from "../../ncf/model.ts";
import { parameterCount, parameterTable } from "../../ncf/parameters.ts";
import { trainModel } from "../../ncf/trainer.ts";
import { recommenderOf } from "../fitted-model.ts";
import { storedCheckpoint, type TrainDeps } from "../train-model.ts";
import type { Settings } from "./search-space.ts";
import { trialKey } from "./trial.ts";
import type { Tunable } from "./tune.ts";
import type { ValidationScore, ValidationSplit } from "./validation-score.ts";

export interface NcfTunableRequest {
  readonly name: string;
  readonly config: NcfConfig;
  /** The most epochs of a trial; the configuration's own do not count. */
  readonly epochs: number;
  readonly split: ValidationSplit;
  readonly sampleSha256: string;
  readonly seed: number;
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
}

type NcfTunableDeps = Pick<TrainDeps, "backend" | "createScorer" | "store" | "monotonicMs">;

/** Settings of a search are a configuration, as JSON has it. */
export function asSettings(config: NcfConfig): Settings {
  return JSON.parse(JSON.stringify(config));
}

export function ncfTunable(deps: NcfTunableDeps, request: NcfTunableRequest): Tunable {
  const { name, epochs, split } = request;
  const withEpochs = (settings: Settings, count: number): Settings => ({ ...settings, epochs: count });
  return {
    name,
    epochs,
    base: withEpochs(asSettings(request.config), epochs),
    check: (settings) => {
      checkConfig(configOf(settings));
      if (settings.epochs !== epochs) throw epochsSearched();
    },
    withEpochs,
    async train(trial, settings, pauseAfterEpochs) {
      const config = configOf(settings);
      const data = trainingData(config, split.sample);
      const rows = { userRows: data.userRows, itemRows: data.itemRows };
      const scored = (tensors: TrainedModel["tensors"]): ValidationScore =>
        split.score(recommenderOf(deps.createScorer, { name, config, tensors, ...rows }, split.sample));
      const result = await trainModel(
        {
          backend: deps.backend,
          monotonicMs: deps.monotonicMs,
          checkpoints: storedCheckpoint(deps.store, checkpointKey(trial)),
        },
        {
          config,
          data,
          sample: request.sampleSha256,
          seed: request.seed,
          threads: request.threads,
          // Never out of patience: the best epoch is found by looking at all.
          earlyStopping: { patience: epochs, score: async (tensors) => scored(tensors).value },
          pauseAfterEpochs,
          checkpointEveryMs: 10_000,
          signal: request.signal,
        },
      );
      const table = parameterTable(config, data.userRowCount, data.itemRowCount);
      return {
        validation: result.validation,
        standardError: scored(result.tensors).standardError,
        seconds: result.seconds,
        parameters: table.reduce((sum, spec) => sum + parameterCount(spec), 0),
      };
    },
    discard: (trial) => deps.store.delete(checkpointKey(trial)),
  };
}

function epochsSearched(): NcfError {
  const message =
    "epochs are no part of a space, as each trial has those of its best validation. Say the most: --epochs";
  return new NcfError("CONFIG_INVALID", message);
}

function configOf(settings: Settings): NcfConfig {
  return settings as unknown as NcfConfig;
}

function checkpointKey(trial: number): string {
  return trialKey(trial, "checkpoint.safetensors");
}
