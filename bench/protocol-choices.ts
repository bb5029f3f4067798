/**
 * How far HR@10 (1 + 99) moves with each choice that the paper leaves open.
 *
 * usage: npx tsx bench/protocol-choices.ts [DATASET] [--seeds 2] [--threads 2] [--only PATTERN] [--fraction 1]
 *
 * DATASET: a folder, zip or CSV of ratings; without it the generated set of the shape of ml-latest-small. Every figure is
 * the mean over the training seeds 1 … `--seeds`. HR@10 ± is one standard error over users, a difference ± one standard
 * error of the mean over the same users' differences (over both groups where the users differ). `--only` keeps the rows
 * whose choice matches the pattern, such as "default|training mode"; `--fraction` takes a share of a large data set's
 * users in every row.
 */
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { readDataset } from "../src/adapters/local/ratings-reader.ts";
import { SyntheticDataset } from "../src/core/synthetic/dataset.ts";
import { syntheticRatingTable } from "../src/core/synthetic/table.ts";
import type { MlpConfig, NcfConfig } from "../src/ncf/config.ts";
import { grouped, machineLine } from "./measurement.ts";
import { defaults, Laboratory, type ModelName, type Setting, type UserHits } from "./protocol-laboratory.ts";

interface Choice {
  readonly name: string;
  readonly setting: Partial<Setting>;
  /** What the differences are from. */
  readonly base: Partial<Setting>;
  /** The models that the choice can move. */
  readonly models: readonly ModelName[];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "2" },
    threads: { type: "string", default: "2" },
    only: { type: "string", default: "" },
    fraction: { type: "string", default: "1" },
  },
});

const fraction = Number(values.fraction);
const part: Partial<Setting> = { fraction };
const sampled: Partial<Setting> = { fraction: 0.3 * fraction };
const all = ["paper", "neumf", "popularity"] as const;
const trained = ["paper", "neumf"] as const;
const paper = ["paper"] as const;

const mlp = (change: Partial<MlpConfig>) => (config: NcfConfig) => ({
  ...config,
  mlp: config.mlp && { ...config.mlp, ...change },
});

function choice(
  name: string,
  models: readonly ModelName[],
  setting: Partial<Setting>,
  base: Partial<Setting> = part,
): Choice {
  return { name, models, setting: { ...base, ...setting }, base };
}

const choices: readonly Choice[] = [
  choice("**default**", all, {}),
  ...[2, 3, 4, 5].map((seed) => choice(`candidates: drawn with seed ${seed}`, all, { candidateSeed: seed })),
  choice("candidates: with replacement", all, { withReplacement: true }),
  ...(["lastInFile", "smallestItemId", "largestItemId", "random"] as const).map((tieRule) =>
    choice(`tie rule: ${tieRule}`, all, { tieRule }),
  ),
  choice("training negatives: drawn once", trained, { change: (config) => ({ ...config, negativeDraw: "once" }) }),
  choice("dropout 0", paper, { change: mlp({ dropout: 0 }) }),
  choice("dropout 0.5", paper, { change: mlp({ dropout: 0.5 }) }),
  choice("batch norm: before ReLU", paper, { change: mlp({ batchNorm: "beforeRelu" }) }),
  choice("batch norm: none", paper, { change: mlp({ batchNorm: "none" }) }),
  choice("embedding rows: compact", paper, { change: (config) => ({ ...config, ids: "compact" }) }),
  choice("initial embeddings: N(0, 0.01²)", paper, { change: mlp({ embeddingStd: 0.01 }) }),
  choice("training mode: dropout left on", paper, { trainingMode: { dropout: true, batchStatistics: false } }),
  choice("training mode: batch statistics", paper, { trainingMode: { dropout: false, batchStatistics: true } }),
  choice("training mode: both", paper, { trainingMode: { dropout: true, batchStatistics: true } }),
  choice(
    "training mode: both, dropout 0.5",
    paper,
    { change: mlp({ dropout: 0.5 }), trainingMode: { dropout: true, batchStatistics: true } },
    { ...part, change: mlp({ dropout: 0.5 }) },
  ),
  choice("**30 % of the users**: hash, seed 1", all, {}, sampled),
  ...[2, 3, 4, 5].map((seed) => choice(`30 %: hash, seed ${seed}`, all, { sampleSeed: seed }, sampled)),
  choice("30 %: numpy123", all, { sampler: "numpy123" }, sampled),
  choice("30 %: catalogue listed", all, { catalogue: "listed" }, sampled),
];

const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => i + 1);
const { name, table, items } = await load(positionals[0]);
const laboratory = new Laboratory(table, items, Number(values.threads));
const startMs = performance.now();

console.log(machineLine());
console.log(
  `${name}: ${grouped(table.length)} ratings, ${grouped(table.userIds.length)} users; ${seeds.length} seeds\n`,
);
console.log(`| choice | ${all.map((model) => `${model} | Δ points`).join(" | ")} |`);
console.log(`|---|${"---|---|".repeat(all.length)}`);
for (const { name, setting, base, models } of choices.filter(({ name }) => new RegExp(values.only).test(name))) {
  const cells: string[] = [];
  for (const model of all) cells.push(models.includes(model) ? await cell(model, setting, base) : "| ");
  console.log(`| ${name} | ${cells.join(" | ")} |`);
}
if (values.only === "") await printNoiseFloor();
console.log(`\n${((performance.now() - startMs) / 1000).toFixed(0)} s in all`);

async function load(path: string | undefined) {
  if (path === undefined) {
    const data = new SyntheticDataset({ shape: "small", seed: 1 });
    return { name: "generated", table: syntheticRatingTable(data), items: data.movies };
  }
  const { ratings, items } = await readDataset(path);
  return { name: basename(path), table: ratings, items };
}

/** "HR@10 ± | difference ±", the difference in points (hundredths). */
async function cell(model: ModelName, setting: Partial<Setting>, base: Partial<Setting>): Promise<string> {
  const found = await laboratory.hits(model, { ...defaults, ...setting }, seeds);
  const [mean, error] = meanAndError(found.hits);
  const own = `${mean.toFixed(3)} ± ${error.toFixed(3)}`;
  if (setting.change === base.change && JSON.stringify(setting) === JSON.stringify(base)) return `${own} | `;
  const [difference, differenceError] = compare(found, await laboratory.hits(model, { ...defaults, ...base }, seeds));
  const sign = difference < 0 ? "−" : "+";
  return `${own} | ${sign}${Math.abs(100 * difference).toFixed(1)} ± ${(100 * differenceError).toFixed(1)}`;
}

/** How far HR@10 moves when nothing but the training seed changes. */
async function printNoiseFloor(): Promise<void> {
  const five = [1, 2, 3, 4, 5];
  for (const model of trained) {
    const ratios: number[] = [];
    for (const seed of five) {
      ratios.push(meanAndError((await laboratory.hits(model, { ...defaults, ...part }, [seed])).hits)[0]);
    }
    const spread = meanAndError(Float64Array.from(ratios))[1] * Math.sqrt(five.length);
    const list = ratios.map((ratio) => ratio.toFixed(3)).join(" ");
    console.log(`\nnoise floor, ${model}: training seeds 1 to 5 give ${list}, standard deviation ${spread.toFixed(4)}`);
  }
}

/** The difference of the means and its standard error, paired where the users are the same. */
function compare(found: UserHits, base: UserHits): [number, number] {
  const same = found.users.length === base.users.length && found.users.every((user, i) => user === base.users[i]);
  if (same) return meanAndError(found.hits.map((hit, i) => hit - base.hits[i]));
  const [a, aError] = meanAndError(found.hits);
  const [b, bError] = meanAndError(base.hits);
  return [a - b, Math.hypot(aError, bError)];
}

function meanAndError(sampleValues: Float64Array): [mean: number, error: number] {
  const count = sampleValues.length;
  const mean = sampleValues.reduce((sum, value) => sum + value, 0) / count;
  const squares = sampleValues.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return [mean, Math.sqrt(squares / (count - 1) / count)];
}
