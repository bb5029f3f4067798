/**
 * What pretraining is worth (src/ncf/transferred-start.ts): a model learns from some users, and a training for others, whom
 * it has never met, starts from it.
 *
 *   npx tsx bench/transfer.ts DATASET [--preset mf,neumf] [--shares 0.5,0.2,0.1] [--epochs 1,2,4,8] [--seeds 3] [--threads 2]
 *
 * For each share, so many of the users make the new data set, with a catalogue of its own; the model is pretrained on all
 * ratings of the others. HR@10 under 1 + 99 on the new users' latest items, by epochs of training on their data: from nothing,
 * and from the pretrained model; mean over training seeds. The last column is the start itself, without any training.
 */
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { readDataset } from "../src/adapters/local/ratings-reader.ts";
import { popularityOf } from "../src/baselines/popularity.ts";
import { CandidateSampler } from "../src/core/candidates.ts";
import { rankTestItems, summarize, testedUsers } from "../src/core/evaluation.ts";
import { leaveOneOut, undivided } from "../src/core/leave-one-out.ts";
import type { Recommender } from "../src/core/recommender.ts";
import type { Sample } from "../src/core/sample.ts";
import { selectUsers } from "../src/core/user-sample.ts";
import { type NcfConfig, presetNamed } from "../src/ncf/config.ts";
import { trainingData } from "../src/ncf/model.ts";
import type { TensorMap } from "../src/ncf/parameters.ts";
import { transferredStart } from "../src/ncf/transferred-start.ts";
import { wasmBackend } from "../src/ncf/wasm/backend.ts";
import { createScorer } from "../src/ncf/wasm/scorer.ts";
import { machineLine } from "./measurement.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    preset: { type: "string", default: "mf,neumf" },
    shares: { type: "string", default: "0.5,0.2,0.1" },
    epochs: { type: "string", default: "1,2,4,8" },
    seeds: { type: "string", default: "3" },
    threads: { type: "string", default: "2" },
  },
});
const [path] = positionals;
if (path === undefined) throw new Error("expected the path of a data set, found none");
const { ratings } = await readDataset(path);
const epochs = values.epochs.split(",").map(Number);
const seeds = Array.from({ length: Number(values.seeds) }, (_, n) => n + 1);

console.log(machineLine());
for (const share of values.shares.split(",").map(Number)) {
  const ours = selectUsers(ratings.userIds, { fraction: share, sampler: "hash", seed: 1 });
  const sample = sampleOf(ours);
  const others = undivided(sampleOf(ours.map((chosen) => 1 - chosen)));
  console.log(
    `\n${basename(path)}: ${sample.userIds.length} users, ${sample.train.items.length} training ratings; pretrained on ` +
      `${others.userIds.length} others with ${others.train.items.length}; popularity ${hitRatio(popularityOf(sample), sample).toFixed(3)}`,
  );
  console.log(`${"".padEnd(24)}${epochs.map((n) => `epoch ${n}`.padStart(10)).join("")}${"start".padStart(10)}`);
  for (const preset of values.preset.split(",")) await compare(preset, sample, others);
}

async function compare(preset: string, sample: Sample, others: Sample): Promise<void> {
  const config = presetNamed(preset);
  const anew = epochs.map(() => 0);
  const tuned = epochs.map(() => 0);
  let untrained = 0;
  for (const seed of seeds) {
    const { epochs: longest } = config;
    const [pretrained] = await trained(config, others, seed, [longest]);
    const { userIds, itemIds } = others;
    const description = {
      name: preset,
      config,
      seed,
      backend: "",
      arithmetic: "",
      epochs: longest,
      sample: "",
      data: "",
    };
    const start = transferredStart(
      { description, tensors: pretrained, userIds, itemIds },
      config,
      sample,
      seed,
    ).tensors;
    untrained += scored(config, sample, start) / seeds.length;
    for (const [results, from] of [
      [anew, undefined],
      [tuned, start],
    ] as const) {
      const models = await trained(config, sample, seed, epochs, from);
      for (const [n, tensors] of models.entries()) results[n] += scored(config, sample, tensors) / seeds.length;
    }
  }
  const row = (of: readonly number[]): string => of.map((hr) => hr.toFixed(3).padStart(10)).join("");
  console.log(`${`${preset} from nothing`.padEnd(24)}${row(anew)}`);
  console.log(`${`${preset} pretrained`.padEnd(24)}${row([...tuned, untrained])}`);
}

function sampleOf(chosen: Uint8Array): Sample {
  return leaveOneOut(ratings, chosen, { tieRule: "firstInFile", seed: 1, listedItemIds: null }).sample;
}

/** The model after each of these numbers of epochs. */
async function trained(
  config: NcfConfig,
  sample: Sample,
  seed: number,
  after: readonly number[],
  start?: TensorMap,
): Promise<TensorMap[]> {
  const data = trainingData(config, sample);
  const session = await wasmBackend().open(config, data, { seed, threads: Number(values.threads), start });
  const models: TensorMap[] = [];
  for (let epoch = 1; models.length < after.length; epoch++) {
    await session.run(session.stepsPerEpoch);
    if (after.includes(epoch)) models.push(session.model());
  }
  await session.close();
  return models;
}

function scored(config: NcfConfig, sample: Sample, tensors: TensorMap): number {
  const { userRows, itemRows } = trainingData(config, sample);
  return hitRatio(createScorer({ name: "", config, tensors, userRows, itemRows }), sample);
}

function hitRatio(model: Recommender, sample: Sample): number {
  const sampler = new CandidateSampler(sample, { seed: 1, negatives: 99, withReplacement: false });
  return summarize(rankTestItems(model, testedUsers(sample), (user) => sampler.of(user))).hrAt10;
}
