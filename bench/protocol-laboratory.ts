/** Trains and judges under one setting of the choices that the paper leaves open; keeps what it trained. */
import { popularityOf } from "../src/baselines/popularity.ts";
import { CandidateSampler } from "../src/core/candidates.ts";
import { perCase, rankTestItems, testedUsers } from "../src/core/evaluation.ts";
import { leaveOneOut, type TieRule } from "../src/core/leave-one-out.ts";
import { expectedHit } from "../src/core/ranking-metrics.ts";
import type { ItemDetails, RatingTable } from "../src/core/ratings.ts";
import type { Recommender } from "../src/core/recommender.ts";
import type { Sample } from "../src/core/sample.ts";
import { selectUsers, type UserSampler } from "../src/core/user-sample.ts";
import { dataFingerprint } from "../src/ncf/checkpoint.ts";
import { type NcfConfig, presets } from "../src/ncf/config.ts";
import { type TrainedModel, trainingData } from "../src/ncf/model.ts";
import { trainModel } from "../src/ncf/trainer.ts";
import { wasmBackend } from "../src/ncf/wasm/backend.ts";
import { createScorer } from "../src/ncf/wasm/scorer.ts";
import { ForgottenEval, type TrainingMode } from "./forgotten-eval.ts";

export type ModelName = "paper" | "neumf" | "popularity";

export interface Setting {
  readonly sampler: UserSampler;
  readonly fraction: number;
  readonly sampleSeed: number;
  readonly tieRule: TieRule;
  readonly catalogue: "sample" | "listed";
  readonly candidateSeed: number;
  readonly withReplacement: boolean;
  /** Applied to the presets `paper` and `neumf`. */
  readonly change: (config: NcfConfig) => NcfConfig;
  /** Null scores as it should be. */
  readonly trainingMode: TrainingMode | null;
}

export const defaults: Setting = {
  sampler: "hash",
  fraction: 1,
  sampleSeed: 1,
  tieRule: "firstInFile",
  catalogue: "sample",
  candidateSeed: 1,
  withReplacement: false,
  change: (config) => config,
  trainingMode: null,
};

/** Each tested user's chance of a hit, the mean over the training seeds. */
export interface UserHits {
  /** Shape [cases]: user ids. */
  readonly users: readonly number[];
  readonly hits: Float64Array;
}

export class Laboratory {
  readonly #table: RatingTable;
  readonly #items: readonly ItemDetails[];
  readonly #threads: number;
  readonly #samples = new Map<string, Sample>();
  readonly #models = new Map<string, TrainedModel>();

  constructor(table: RatingTable, items: readonly ItemDetails[], threads: number) {
    this.#table = table;
    this.#items = items;
    this.#threads = threads;
  }

  async hits(name: ModelName, setting: Setting, seeds: readonly number[]): Promise<UserHits> {
    const sample = this.#sample(setting);
    const users = testedUsers(sample);
    const hits = new Float64Array(users.length);
    const runs = name === "popularity" ? seeds.slice(0, 1) : seeds;
    for (const seed of runs) {
      const model = name === "popularity" ? popularityOf(sample) : await this.#scorer(name, setting, sample, seed);
      const sampler = new CandidateSampler(sample, {
        seed: setting.candidateSeed,
        negatives: 99,
        withReplacement: setting.withReplacement,
      });
      const found = perCase(
        rankTestItems(model, users, (user) => sampler.of(user)),
        expectedHit,
      );
      found.forEach((hit, i) => {
        hits[i] += hit / runs.length;
      });
    }
    return { users: Array.from(users, (user) => sample.userIds[user]), hits };
  }

  #sample(setting: Setting): Sample {
    const { sampler, fraction, sampleSeed, tieRule, catalogue } = setting;
    const key = JSON.stringify([sampler, fraction, sampleSeed, tieRule, catalogue]);
    let sample = this.#samples.get(key);
    if (sample === undefined) {
      const chosen = selectUsers(this.#table.userIds, { sampler, fraction, seed: sampleSeed });
      const listedItemIds = catalogue === "listed" ? this.#items.map(({ id }) => id) : null;
      sample = leaveOneOut(this.#table, chosen, { tieRule, seed: sampleSeed, listedItemIds }).sample;
      this.#samples.set(key, sample);
    }
    return sample;
  }

  async #scorer(name: "paper" | "neumf", setting: Setting, sample: Sample, seed: number): Promise<Recommender> {
    const config = setting.change(presets[name]);
    const data = trainingData(config, sample);
    const key = JSON.stringify([config, seed, dataFingerprint(data)]);
    let model = this.#models.get(key);
    if (model === undefined) {
      const { tensors } = await trainModel(
        { backend: wasmBackend(), monotonicMs: () => performance.now(), checkpoints: null },
        {
          config,
          data,
          sample: "",
          seed,
          threads: this.#threads,
          earlyStopping: null,
          checkpointEveryMs: Number.POSITIVE_INFINITY,
        },
      );
      model = { name, config, tensors, userRows: data.userRows, itemRows: data.itemRows };
      this.#models.set(key, model);
    }
    const { trainingMode } = setting;
    return trainingMode === null ? createScorer(model) : new ForgottenEval(model, trainingMode, seed);
  }
}
