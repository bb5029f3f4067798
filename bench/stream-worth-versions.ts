/** Versions of a network over time, each with a row for every item of the data set, as bench/stream-worth.ts ranks with them. */
import { indexOfId } from "../src/core/ids.ts";
import { trainingCounts } from "../src/core/leave-one-out.ts";
import type { RatingTable } from "../src/core/ratings.ts";
import type { Sample } from "../src/core/sample.ts";
import { type AttributeProfile, createAttributeProfile } from "../src/ncf/attribute-profile.ts";
import { presetNamed } from "../src/ncf/config.ts";
import { fineTune } from "../src/ncf/fine-tune.ts";
import { createFoldIn, type FoldIn } from "../src/ncf/fold-in.ts";
import { type TrainedModel, trainingData } from "../src/ncf/model.ts";
import { withNewItems } from "../src/ncf/new-items.ts";
import { trainModel } from "../src/ncf/trainer.ts";
import { wasmBackend } from "../src/ncf/wasm/backend.ts";
import { createScorer, type RowScorer } from "../src/ncf/wasm/scorer.ts";

const seed = 1;

/** A trained model; items that it has not seen start from their genres and period of release. Arguments are the data set's indices. */
export class Version {
  readonly sample: Sample;
  readonly #model: TrainedModel;
  readonly #scorer: RowScorer;
  readonly #foldIn: FoldIn;
  readonly #profile: AttributeProfile;
  /** Shape [items]: the model's index; from the sample's number of items on, one that it has not seen. */
  readonly #itemIndex: Int32Array;
  /** Shape [users]: the model's index, below zero for those whom it has not seen. */
  readonly #userIndex: Int32Array;

  constructor(model: TrainedModel, sample: Sample, table: RatingTable, attributesById: AttributesById) {
    const isNew = (id: number): boolean => indexOfId(sample.itemIds, id) < 0;
    const catalogue = [...sample.itemIds, ...table.itemIds.filter(isNew)];
    const index = new Map(catalogue.map((id, i) => [id, i]));
    const attributes = catalogue.map((id) => attributesById.get(id) ?? []);
    this.sample = sample;
    this.#model = model;
    this.#scorer = createScorer(withNewItems(model, { attributes, interactions: trainingCounts(sample) }));
    this.#foldIn = createFoldIn(model);
    this.#profile = createAttributeProfile(attributes, sample.itemIds.length);
    this.#itemIndex = Int32Array.from(table.itemIds, (id) => index.get(id) as number);
    this.#userIndex = Int32Array.from(table.userIds, (id) => indexOfId(sample.userIds, id));
  }

  get model(): TrainedModel {
    return this.#model;
  }

  knows(user: number): boolean {
    return this.#userIndex[user] >= 0;
  }

  /** By trained rows alone: whoever has none gets the mean of them. */
  byTrainedRow(user: number, items: Int32Array): Float64Array {
    const scores = new Float64Array(items.length);
    const indices = items.map((item) => this.#itemIndex[item]);
    if (this.knows(user)) this.#scorer.score(this.#userIndex[user], indices, scores);
    else this.#scorer.scoreRow(this.#foldIn.row(new Int32Array(0)), indices, scores);
    return scores;
  }

  /** As served and streamed: a row folded in where the history is not what training saw, and the profile of attributes. */
  asServed(user: number, history: readonly number[], items: Int32Array): Float64Array {
    const scores = new Float64Array(items.length);
    const indices = items.map((item) => this.#itemIndex[item]);
    const seen = Int32Array.from(history, (item) => this.#itemIndex[item]);
    const { offsets } = this.sample.train;
    const known = this.#userIndex[user];
    if (known >= 0 && offsets[known + 1] - offsets[known] === seen.length) this.#scorer.score(known, indices, scores);
    else {
      const trained = seen.filter((index) => index < this.sample.itemIds.length);
      this.#scorer.scoreRow(this.#foldIn.row(trained), indices, scores);
    }
    this.#profile.addTo(scores, seen, indices);
    return scores;
  }
}

type AttributesById = ReadonlyMap<number, readonly string[]>;

/** See fine-tune.ts. */
export interface Tuning {
  readonly epochs: number;
  readonly olderPerNew: number;
}

export interface TrainingCost {
  trainings: number;
  seconds: number;
}

/** Makes versions of one preset, and adds up what that costs. */
export class VersionMaker {
  readonly anewCost: TrainingCost = { trainings: 0, seconds: 0 };
  readonly fineTuningCost: TrainingCost = { trainings: 0, seconds: 0 };
  readonly #preset: string;
  readonly #threads: number;
  readonly #tuning: Tuning;
  readonly #table: RatingTable;
  readonly #attributesById: AttributesById;
  readonly #deps = { backend: wasmBackend(), monotonicMs: () => performance.now() };

  constructor(preset: string, threads: number, tuning: Tuning, table: RatingTable, attributesById: AttributesById) {
    this.#preset = preset;
    this.#threads = threads;
    this.#tuning = tuning;
    this.#table = table;
    this.#attributesById = attributesById;
  }

  async anew(sample: Sample): Promise<Version> {
    const startMs = performance.now();
    const config = presetNamed(this.#preset);
    const data = trainingData(config, sample);
    const { tensors } = await trainModel(
      { ...this.#deps, checkpoints: null },
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
    addTo(this.anewCost, startMs);
    const model = { name: this.#preset, config, tensors, userRows: data.userRows, itemRows: data.itemRows };
    return new Version(model, sample, this.#table, this.#attributesById);
  }

  /** The older version where nothing came since. */
  async fineTuned(older: Version, sample: Sample): Promise<Version> {
    if (sample.train.items.length === older.sample.train.items.length) return older;
    const startMs = performance.now();
    const { model } = await fineTune(this.#deps, {
      base: older.model,
      before: older.sample,
      sample,
      attributes: Array.from(sample.itemIds, (id) => this.#attributesById.get(id) ?? []),
      ...this.#tuning,
      seed,
      threads: this.#threads,
    });
    addTo(this.fineTuningCost, startMs);
    return new Version(model, sample, this.#table, this.#attributesById);
  }
}

function addTo(cost: TrainingCost, startMs: number): void {
  cost.trainings += 1;
  cost.seconds += (performance.now() - startMs) / 1000;
}
