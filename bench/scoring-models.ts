/** Models and samples for benchmarks of scoring: the shape counts, the values are random. */
import { userModelOf } from "../src/app/fitted-model.ts";
import { trainedItems } from "../src/app/new-items.ts";
import type { ServedModel } from "../src/app/serving/served-model.ts";
import { sampleHistories } from "../src/app/serving/trained-histories.ts";
import type { ItemDetails } from "../src/core/ratings.ts";
import { Rng, streamKey } from "../src/core/rng.ts";
import type { Sample } from "../src/core/sample.ts";
import { type NcfConfig, type PresetName, presets } from "../src/ncf/config.ts";
import { embeddingRows, type TrainedModel } from "../src/ncf/model.ts";
import { initialTensors, parameterTable, type TensorMap } from "../src/ncf/parameters.ts";
import { createScorer } from "../src/ncf/wasm/scorer.ts";

export const presetNames = Object.keys(presets) as PresetName[];

/** The preset with an embedding row a user and item: in serving, rows that no id has cost nothing but memory. */
export function compactConfig(preset: PresetName): NcfConfig {
  return { ...presets[preset], ids: "compact" };
}

/** As initialized, with running statistics as training would leave them: away from 0 and 1. */
export function randomTensors(config: NcfConfig, users: number, items: number): TensorMap {
  // What histories would give is drawn like rows that were trained.
  const plain = { ...config, history: null };
  const tensors = new Map([plain, config].flatMap((of) => [...initialTensors(parameterTable(of, users, items), 1)]));
  const rng = new Rng(streamKey(1, 0));
  for (const [name, { data }] of tensors) {
    if (name.endsWith("running_mean")) for (let i = 0; i < data.length; i++) data[i] = rng.unit();
    if (name.endsWith("running_var")) for (let i = 0; i < data.length; i++) data[i] = 0.5 + rng.unit();
  }
  return tensors;
}

/** Users with `perUser` interactions each, and one held out; ids are 1, 2, 3, ... */
export function randomSample(users: number, items: number, perUser: number): Sample {
  const count = users * perUser;
  const train = new Int32Array(count);
  const timestampsMs = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    train[i] = (i * 7919) % items;
    timestampsMs[i] = i;
  }
  return {
    userIds: Float64Array.from({ length: users }, (_, user) => user + 1),
    itemIds: Float64Array.from({ length: items }, (_, item) => item + 1),
    userLabels: new Map(),
    itemLabels: new Map(),
    train: {
      offsets: Uint32Array.from({ length: users + 1 }, (_, user) => user * perUser),
      items: train,
      timestampsMs,
    },
    testItems: Int32Array.from({ length: users }, (_, user) => ((user + 1) * perUser * 7919) % items),
    testTimestampsMs: new Float64Array(users).fill(count),
  };
}

/** Two or three of MovieLens's 18. */
function genresOf(id: number): string[] {
  return [`Genre ${id % 18}`, `Genre ${(id * 7) % 11}`, `Genre ${(id * 5) % 7}`];
}

/** Read back from JSON, as a file gives them: strings that were just put together cost more at their first use. */
export function titles(sample: Sample): ItemDetails[] {
  const made = Array.from(sample.itemIds, (id) => ({
    id,
    title: `Film ${id}, The (${1930 + (id % 90)})`,
    genres: genresOf(id),
  }));
  return JSON.parse(JSON.stringify(made));
}

/** What `ncf serve` makes of a model's tensors. */
export function servedModel(
  name: string,
  config: NcfConfig,
  tensors: TensorMap,
  sample: Sample,
  items: readonly ItemDetails[],
): ServedModel {
  const { userRows, itemRows } = embeddingRows(config, sample);
  const model: TrainedModel = { name, config, tensors, userRows, itemRows };
  return {
    version: "1",
    dataset: { name: "random", generated: true },
    sample,
    histories: sampleHistories(sample),
    items,
    userModel: userModelOf(createScorer, model, trainedItems(sample), items),
  };
}
