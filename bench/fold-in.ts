/**
 * How good users' rows from their histories alone are (src/ncf/fold-in.ts).
 *
 *   npx tsx bench/fold-in.ts DATASET [--presets mf,neumf] [--threads 2]
 *
 * First the settings on the validation split (each user's latest training interaction held out): HR@10 of rows folded in
 * from the newest items, by prior weight and by the number of items after which an interaction counts half, beside the rows
 * that training gave the same users. Then the default settings on the test split, without and with the profile of the user's
 * attributes (src/ncf/attribute-profile.ts) added, and the time of a fold-in.
 */
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { readDataset } from "../src/adapters/local/ratings-reader.ts";
import { profileOf } from "../src/app/new-items.ts";
import { popularityOf } from "../src/baselines/popularity.ts";
import { CandidateSampler } from "../src/core/candidates.ts";
import { rankTestItems, summarize, testedUsers } from "../src/core/evaluation.ts";
import { holdOutLatest, leaveOneOut } from "../src/core/leave-one-out.ts";
import type { Recommender } from "../src/core/recommender.ts";
import type { Sample } from "../src/core/sample.ts";
import { presetNamed } from "../src/ncf/config.ts";
import { createFoldIn, defaultFoldInOptions } from "../src/ncf/fold-in.ts";
import { type TrainedModel, trainingData } from "../src/ncf/model.ts";
import { wasmBackend } from "../src/ncf/wasm/backend.ts";
import { createScorer } from "../src/ncf/wasm/scorer.ts";
import { machineLine, median } from "./measurement.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { presets: { type: "string", default: "mf,neumf" }, threads: { type: "string", default: "2" } },
});
const halfLives = [2, 4, 8, 16, 32];
const priorWeights = [0.5, 1, 2, 5];
const seed = 1;
const { window, halfLife, priorWeight } = defaultFoldInOptions;
const [path] = positionals;
if (path === undefined) throw new Error("expected the path of a data set, found none");
const { ratings, items: details } = await readDataset(path);
const everyone = new Uint8Array(ratings.userIds.length).fill(1);
const { sample } = leaveOneOut(ratings, everyone, { tieRule: "firstInFile", seed, listedItemIds: null });
const validation = holdOutLatest(sample);

console.log(machineLine());
console.log(`${basename(path)}: HR@10 under 1 + 99\n`);
for (const preset of values.presets.split(",")) {
  const model = await train(preset, validation);
  console.log(`${preset}, validation split: trained rows ${hitRatio(createScorer(model), validation)}, folded in:`);
  console.log(
    `  ${"prior weight".padEnd(14)}${halfLives.map((halfLife) => `half-life ${halfLife}`.padStart(16)).join("")}`,
  );
  for (const weight of priorWeights) {
    const row = halfLives.map((life) =>
      hitRatio(foldedIn(model, validation, { window, halfLife: life, priorWeight: weight }), validation),
    );
    console.log(`  ${String(weight).padEnd(14)}${row.map((hr) => hr.padStart(16)).join("")}`);
  }
  const final = await train(preset, sample);
  const [trained, folded] = [createScorer(final), foldedIn(final, sample, defaultFoldInOptions)];
  console.log(
    `${preset}, test split: popularity ${hitRatio(popularityOf(sample), sample)}\n` +
      `  ${"".padEnd(48)}alone   with profile\n` +
      [trained, folded].map((scorer) => line(scorer, profiled(scorer, sample))).join("\n"),
  );
  timeOf(final);
}

async function train(preset: string, trained: Sample): Promise<TrainedModel> {
  const config = presetNamed(preset);
  const data = trainingData(config, trained);
  const session = await wasmBackend().open(config, data, { seed, threads: Number(values.threads) });
  for (let epoch = 0; epoch < config.epochs; epoch++) await session.run(session.stepsPerEpoch);
  const tensors = session.model();
  await session.close();
  return { name: preset, config, tensors, userRows: data.userRows, itemRows: data.itemRows };
}

function foldedIn(
  model: TrainedModel,
  { train: { offsets, items } }: Sample,
  options: typeof defaultFoldInOptions,
): Recommender {
  const scorer = createScorer(model);
  const foldIn = createFoldIn(model, options);
  return {
    name: `${model.name}, folded in`,
    score: (user, candidates, scores) =>
      scorer.scoreRow(foldIn.row(items.subarray(offsets[user], offsets[user + 1])), candidates, scores),
  };
}

function profiled(scorer: Recommender, { train: { offsets, items } }: Sample): Recommender {
  const profile = profileOf(sample, details);
  return {
    name: scorer.name,
    score: (user, candidates, scores) => {
      scorer.score(user, candidates, scores);
      profile.addTo(scores, items.subarray(offsets[user], offsets[user + 1]), candidates);
    },
  };
}

function line(alone: Recommender, both: Recommender): string {
  const what = alone.name.endsWith("folded in")
    ? `rows folded in (half-life ${halfLife}, prior weight ${priorWeight})`
    : "trained rows";
  return `  ${what.padEnd(46)}${hitRatio(alone, sample).padStart(7)}${hitRatio(both, sample).padStart(15)}`;
}

function hitRatio(model: Recommender, judged: Sample): string {
  const sampler = new CandidateSampler(judged, { seed, negatives: 99, withReplacement: false });
  return summarize(rankTestItems(model, testedUsers(judged), (user) => sampler.of(user))).hrAt10.toFixed(3);
}

function timeOf(model: TrainedModel): void {
  const started = performance.now();
  const foldIn = createFoldIn(model);
  foldIn.prepare();
  const opened = performance.now() - started;
  const micros = Array.from({ length: 2000 }, (_, turn) => {
    const history = Int32Array.from({ length: window }, (_, i) => (turn * 31 + i * 17) % model.itemRows.length);
    const start = performance.now();
    foldIn.row(history);
    return (performance.now() - start) * 1000;
  });
  console.log(
    `  a fold-in of ${window} items: median ${median(micros.slice(500)).toFixed(0)} µs; once a model: ${opened.toFixed(0)} ms\n`,
  );
}
