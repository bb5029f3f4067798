/**
 * How far sampled metrics and their correction (src/core/sampled-metric-correction.ts) lie from the full catalogue's.
 *
 *   npx ncf run --dataset DATASET --out OUT --models neumf,mf,ease,item-knn,popularity
 *   npx tsx bench/sampled-metrics.ts OUT [--draws 20]
 *
 * For each model that the run left: HR@10 among 1 + 99 and over the full catalogue, and, for several γ, the correction's mean and
 * standard deviation over draws of candidates of the same users; last the root of the mean squared error of one draw over all
 * models, by which `defaultJudgeOptions.correctionGamma` was chosen.
 */
import { readdirSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { FileObjectStore } from "../src/adapters/local/file-object-store.ts";
import { ParquetSampleStore } from "../src/adapters/parquet/parquet-sample-store.ts";
import { recommenderOf } from "../src/app/fitted-model.ts";
import { defaultJudgeOptions } from "../src/app/judge.ts";
import { Corrections } from "../src/app/judging/model-series.ts";
import { poolCases, poolStandings } from "../src/app/judging/pooled-cases.ts";
import { rankModels } from "../src/app/judging/rank-models.ts";
import { readModel } from "../src/app/stored-model.ts";
import { summarize } from "../src/core/evaluation.ts";
import type { Recommender } from "../src/core/recommender.ts";
import { createScorer } from "../src/ncf/wasm/scorer.ts";
import { machineLine } from "./measurement.ts";

const gammas = [0.001, 0.01, 0.03, 0.1, 1];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { draws: { type: "string", default: "20" } },
});
const [out] = positionals;
if (out === undefined) throw new Error("expected the folder of a run, found none");
const files = await new ParquetSampleStore(new FileObjectStore(out), "sample").read();
const models: Recommender[] = [];
for (const name of readdirSync(path.join(out, "models"))) {
  const { model } = await readModel(new FileObjectStore(path.join(out, "models", name)), files);
  models.push(recommenderOf(createScorer, model, files.sample));
}

const options = { ...defaultJudgeOptions, seed: 1, fullCatalogueUsers: Number.MAX_SAFE_INTEGER };
const ranked = await rankModels(models, files.sample, options, {}, {});
const pooled = poolCases([ranked]);
/** Shape [gammas][models][draws]. */
const estimates = gammas.map(() => models.map((): number[] => []));
for (let seed = 1; seed <= Number(values.draws); seed++) {
  const drawn = await rankModels(models, files.sample, { ...options, seed, fullCatalogueUsers: 1 }, {}, {});
  for (const [g, correctionGamma] of gammas.entries()) {
    const corrections = new Corrections({ ...options, correctionGamma });
    for (const [m, { name }] of models.entries()) {
      const { hits } = corrections.of(
        poolStandings([drawn], name, ({ sampled }) => sampled),
        pooled,
      );
      estimates[g][m].push(mean(hits));
    }
  }
}

console.log(machineLine());
console.log(`${files.manifest.dataset}: HR@10 of ${pooled.cases} users, ${values.draws} draws of 99 candidates\n`);
console.log(`${"model".padEnd(20)}sampled   full  ${gammas.map((gamma) => `γ = ${gamma}`.padEnd(16)).join("")}`);
const errors = gammas.map((): number[] => []);
for (const [m, { name, sampled, full }] of ranked.models.entries()) {
  const truth = summarize(full).hrAt10;
  const cells = gammas.map((_, g) => {
    const drawn = estimates[g][m];
    errors[g].push(...drawn.map((estimate) => (estimate - truth) * (estimate - truth)));
    return `${mean(drawn).toFixed(4)} ± ${standardDeviation(drawn).toFixed(4)}`.padEnd(16);
  });
  console.log(`${name.padEnd(20)}${summarize(sampled).hrAt10.toFixed(3)}   ${truth.toFixed(4)}  ${cells.join("")}`);
}
const roots = errors.map((squares) => Math.sqrt(mean(squares)).toFixed(4).padEnd(16));
console.log(`${"root mean sq. error".padEnd(36)}${roots.join("")}`);

function mean(of: ArrayLike<number>): number {
  return Array.from(of).reduce((sum, value) => sum + value, 0) / of.length;
}

function standardDeviation(of: readonly number[]): number {
  const middle = mean(of);
  return Math.sqrt(of.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (of.length - 1));
}
