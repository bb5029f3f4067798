/**
 * How the default settings of the baselines were chosen: HR@10 and NDCG@10 under 1 + 99 on the validation split (each user's
 * latest training interaction held out; the test items are not looked at), over a grid of settings.
 *
 *   npx tsx bench/rivals-tuning.ts DATASET... [--models ease,ease-recency,ials-recency] [--draws 5]
 *
 * Each figure is the mean over some draws of the 99 candidates. The best settings over several data sets are those whose
 * mean is best.
 */
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { readDataset } from "../src/adapters/local/ratings-reader.ts";
import { contentOfAll } from "../src/app/new-items.ts";
import type { Baseline, BaselineSettings, FitInput } from "../src/baselines/baseline.ts";
import { baselineKindNamed } from "../src/baselines/kinds.ts";
import { byTrainingHistory } from "../src/core/by-history.ts";
import { CandidateSampler } from "../src/core/candidates.ts";
import { standingOf, testedUsers } from "../src/core/evaluation.ts";
import { holdOutLatest, leaveOneOut } from "../src/core/leave-one-out.ts";
import { expectedHit, expectedNdcg, type Standing } from "../src/core/ranking-metrics.ts";
import type { HistoryRecommender } from "../src/core/recommender.ts";
import type { Sample } from "../src/core/sample.ts";
import { grids, type Tuned } from "./rivals-grids.ts";

const { values, positionals: paths } = parseArgs({
  allowPositionals: true,
  options: {
    models: { type: "string", default: Object.keys(grids).join(",") },
    draws: { type: "string", default: "5" },
  },
});
if (paths.length === 0) throw new Error("expected the path of a data set, found none");

const splits: (FitInput & { readonly name: string })[] = [];
for (const path of paths) {
  const { ratings, items } = await readDataset(path);
  const everyone = new Uint8Array(ratings.userIds.length).fill(1);
  const { sample } = leaveOneOut(ratings, everyone, { tieRule: "firstInFile", seed: 1, listedItemIds: null });
  splits.push({
    name: basename(path),
    sample: holdOutLatest(sample),
    attributes: contentOfAll(sample.itemIds, items),
  });
}
console.log(`validation splits: HR@10 NDCG@10 on ${splits.map(({ name }) => name).join(", ")}, and their means`);
for (const model of values.models.split(",")) {
  const grid = grids[model];
  if (grid === undefined) throw new Error(`expected models among ${Object.keys(grids).join(", ")}, found ${model}`);
  for (const settings of grid.fitted) await tryOut(model, settings, grid);
}

/** Fits once, and scores with each of the settings that scoring alone reads. */
async function tryOut(model: string, changes: BaselineSettings, { scored }: Tuned): Promise<void> {
  const kind = baselineKindNamed(model);
  if (kind === null) throw new Error(`expected a grid of a known model, found ${model}`);
  const settings = { ...kind.defaults, ...changes };
  const models: Baseline[] = [];
  for (const split of splits) models.push(await kind.fit(split, settings));
  for (const change of scored) {
    const found = splits.map(({ sample }, i) =>
      judged(kind.load({ ...models[i].settings, ...change }, models[i].tensors), sample),
    );
    const mean = (of: "hrAt10" | "ndcgAt10"): number => found.reduce((sum, f) => sum + f[of] / found.length, 0);
    const figures = [...found, { hrAt10: mean("hrAt10"), ndcgAt10: mean("ndcgAt10") }];
    const text = figures.map(({ hrAt10, ndcgAt10 }) => `${hrAt10.toFixed(4)} ${ndcgAt10.toFixed(4)}`).join("   ");
    console.log(`${model.padEnd(14)}${text}   ${JSON.stringify({ ...changes, ...change })}`);
  }
}

/** The means over users and draws; a user's history is gone through once for all draws. */
function judged(model: HistoryRecommender, sample: Sample): { hrAt10: number; ndcgAt10: number } {
  const samplers = Array.from(
    { length: Number(values.draws) },
    (_, draw) => new CandidateSampler(sample, { seed: draw + 1, negatives: 99, withReplacement: false }),
  );
  const user = byTrainingHistory(model, sample);
  const standings = Array.from(testedUsers(sample)).flatMap((tested) => {
    const draws = samplers.map((sampler) => sampler.of(tested));
    const scores = new Float64Array(draws.reduce((sum, { length }) => sum + length, 0));
    user.score(tested, Int32Array.from(draws.flatMap((draw) => [...draw])), scores);
    let end = 0;
    return draws.map(({ length }) => {
      end += length;
      return standingOf(model.name, scores.subarray(end - length, end));
    });
  });
  const mean = (of: (standing: Standing) => number): number =>
    standings.reduce((sum, standing) => sum + of(standing), 0) / standings.length;
  return { hrAt10: mean(expectedHit), ndcgAt10: mean(expectedNdcg) };
}
