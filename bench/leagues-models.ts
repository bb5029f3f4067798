/** Models of any kind for bench/leagues.ts, each as a scorer of a sample's users. */
import type { FitInput } from "../src/baselines/baseline.ts";
import { baselineKindNamed } from "../src/baselines/kinds.ts";
import { byTrainingHistory } from "../src/core/by-history.ts";
import type { Recommender } from "../src/core/recommender.ts";
import type { Sample } from "../src/core/sample.ts";
import { type NcfConfig, presetNamed } from "../src/ncf/config.ts";
import { trainingData } from "../src/ncf/model.ts";
import { trainModel } from "../src/ncf/trainer.ts";
import { wasmBackend } from "../src/ncf/wasm/backend.ts";
import { createScorer } from "../src/ncf/wasm/scorer.ts";

/**
 * The model of that name fitted to the sample once a seed; a baseline without randomness once.
 *
 * @param changed configurations that are no presets, by name
 */
export async function fitted(
  name: string,
  changed: ReadonlyMap<string, NcfConfig>,
  input: FitInput,
  seeds: readonly number[],
  threads: number,
): Promise<Recommender[]> {
  const kind = changed.has(name) ? null : baselineKindNamed(name);
  const models: Recommender[] = [];
  if (kind === null) {
    const config = changed.get(name) ?? presetNamed(name);
    for (const seed of seeds) models.push(await trained(name, config, input.sample, seed, threads));
    return models;
  }
  const settings = "seed" in kind.defaults ? seeds.map((seed) => ({ ...kind.defaults, seed })) : [kind.defaults];
  for (const each of settings) models.push(byTrainingHistory(await kind.fit(input, each), input.sample));
  return models;
}

async function trained(
  name: string,
  config: NcfConfig,
  sample: Sample,
  seed: number,
  threads: number,
): Promise<Recommender> {
  const data = trainingData(config, sample);
  const { tensors } = await trainModel(
    { backend: wasmBackend(), monotonicMs: () => performance.now(), checkpoints: null },
    {
      config,
      data,
      sample: "",
      seed,
      threads,
      earlyStopping: null,
      checkpointEveryMs: Number.POSITIVE_INFINITY,
    },
  );
  return createScorer({ name, config, tensors, userRows: data.userRows, itemRows: data.itemRows });
}
