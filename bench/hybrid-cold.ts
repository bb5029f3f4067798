/**
 * What a hybrid is worth where little is known: HR@10 under 1 + 99 on the test split, with histories cut to their newest items,
 * and by how many training interactions the test item has, beside the hybrid's parts and popularity.
 *
 *   npx tsx bench/hybrid-cold.ts DATASET... [--draws 5]
 *
 * Each figure is the mean over some draws of the 99 candidates.
 */
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { readDataset } from "../src/adapters/local/ratings-reader.ts";
import { contentOfAll } from "../src/app/new-items.ts";
import type { Baseline } from "../src/baselines/baseline.ts";
import { baselineKindNamed } from "../src/baselines/kinds.ts";
import { CandidateSampler } from "../src/core/candidates.ts";
import { perCase, rankTestItems, testedUsers } from "../src/core/evaluation.ts";
import { leaveOneOut, trainingCounts } from "../src/core/leave-one-out.ts";
import { expectedHit } from "../src/core/ranking-metrics.ts";
import type { Sample } from "../src/core/sample.ts";
import { machineLine } from "./measurement.ts";

const { values, positionals: paths } = parseArgs({
  allowPositionals: true,
  options: { draws: { type: "string", default: "5" } },
});
if (paths.length === 0) throw new Error("expected the path of a data set, found none");
const names = ["popularity", "content-based", "item-knn-recency", "hybrid"];
const lengths = [0, 1, 2, 4, 8, 16, Number.POSITIVE_INFINITY];
const rarities: readonly (readonly [text: string, from: number, to: number])[] = [
  ["never", 0, 0],
  ["1 or 2 times", 1, 2],
  ["3 to 9 times", 3, 9],
  ["10 times or more", 10, Number.POSITIVE_INFINITY],
];

console.log(machineLine());
for (const path of paths) {
  const { ratings, items } = await readDataset(path);
  const everyone = new Uint8Array(ratings.userIds.length).fill(1);
  const { sample } = leaveOneOut(ratings, everyone, { tieRule: "firstInFile", seed: 1, listedItemIds: null });
  const models: Baseline[] = [];
  for (const name of names) {
    const kind = baselineKindNamed(name);
    if (kind === null) throw new Error(`expected the kind ${name}, found none`);
    models.push(await kind.fit({ sample, attributes: contentOfAll(sample.itemIds, items) }, kind.defaults));
  }
  const users = testedUsers(sample);
  console.log(`\n${basename(path)}: HR@10 of ${users.length} users`);
  line("", names);
  for (const length of lengths) {
    const what = Number.isFinite(length) ? `newest ${length} items` : "whole history";
    line(
      what,
      models.map((model) => mean(hits(model, sample, users, length))),
    );
  }
  const counts = trainingCounts(sample);
  for (const [text, from, to] of rarities) {
    const rare = users.filter((user) => {
      const count = counts[sample.testItems[user]];
      return count >= from && count <= to;
    });
    const figures = models.map((model) => mean(hits(model, sample, rare, Number.POSITIVE_INFINITY)));
    line(`test item taken ${text} (${rare.length})`, figures);
  }
}

/** Each user's chance of a hit, with a history of no more than so many items. */
function hits(model: Baseline, sample: Sample, users: Int32Array, newest: number): Float64Array {
  const { offsets, items: trained } = sample.train;
  const draws = Number(values.draws);
  const sums = new Float64Array(users.length);
  const cut = {
    name: model.name,
    score(user: number, items: Int32Array, scores: Float64Array) {
      const from = Math.max(offsets[user], offsets[user + 1] - newest);
      model.scoreHistory(trained.subarray(from, offsets[user + 1]), items, scores);
    },
  };
  for (let seed = 1; seed <= draws; seed++) {
    const sampler = new CandidateSampler(sample, { seed, negatives: 99, withReplacement: false });
    const found = perCase(
      rankTestItems(cut, users, (user) => sampler.of(user)),
      expectedHit,
    );
    found.forEach((hit, i) => {
      sums[i] += hit / draws;
    });
  }
  return sums;
}

function mean(figures: Float64Array): string {
  return (figures.reduce((sum, hit) => sum + hit, 0) / figures.length).toFixed(3);
}

function line(what: string, cells: readonly string[]): void {
  console.log(`${what.padEnd(40)}${cells.map((cell) => cell.padStart(18)).join("")}`);
}
