/**
 * What each baseline costs: seconds of a fit, bytes of its tensors, milliseconds of a request that scores the whole catalogue.
 * Processor time is what a busy machine tells, too.
 *
 *   npx tsx bench/rivals-cost.ts [DATASET...] [--generated 6040x3706x1000000] [--models ease,ials] [--requests 200]
 *
 * A generated data set has so many users, movies and ratings; it comes last. A request is the mean over tested users, each
 * with the history of their training interactions.
 */
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { readDataset } from "../src/adapters/local/ratings-reader.ts";
import { contentOfAll } from "../src/app/new-items.ts";
import { baselineKindNamed, baselineNames } from "../src/baselines/kinds.ts";
import { byTrainingHistory } from "../src/core/by-history.ts";
import { drawTestedUsers } from "../src/core/evaluation.ts";
import { leaveOneOut } from "../src/core/leave-one-out.ts";
import type { ItemDetails, RatingTable } from "../src/core/ratings.ts";
import { SyntheticDataset } from "../src/core/synthetic/dataset.ts";
import { syntheticRatingTable } from "../src/core/synthetic/table.ts";
import { grouped, machineLine } from "./measurement.ts";

const { values, positionals: paths } = parseArgs({
  allowPositionals: true,
  options: {
    generated: { type: "string" },
    models: { type: "string", default: baselineNames.join(",") },
    requests: { type: "string", default: "200" },
  },
});
const seed = 1;

console.log(machineLine());
for (const path of paths) {
  const { ratings, items } = await readDataset(path);
  await measure(basename(path), ratings, items);
}
if (values.generated !== undefined) {
  const [users, movies, ratings] = values.generated.split("x").map(Number);
  const data = new SyntheticDataset({ shape: "ml-20m", seed, users, movies, ratings });
  await measure("generated", syntheticRatingTable(data), data.movies);
}

async function measure(name: string, ratings: RatingTable, details: readonly ItemDetails[]): Promise<void> {
  const everyone = new Uint8Array(ratings.userIds.length).fill(1);
  const { sample } = leaveOneOut(ratings, everyone, { tieRule: "firstInFile", seed, listedItemIds: null });
  const attributes = contentOfAll(sample.itemIds, details);
  const [users, items, interactions] = [sample.userIds, sample.itemIds, sample.train.items].map(({ length }) =>
    grouped(length),
  );
  console.log(`\n${name}: ${users} users, ${items} items, ${interactions} training interactions`);
  console.log(
    `${"".padEnd(20)}${"fit, s".padStart(10)}${"CPU, s".padStart(10)}${"MB".padStart(10)}${"CPU, ms".padStart(14)}`,
  );
  for (const model of values.models.split(",")) {
    const kind = baselineKindNamed(model);
    if (kind === null) throw new Error(`expected models among ${baselineNames.join(", ")}, found ${model}`);
    const started = performance.now();
    const cpu = process.cpuUsage();
    const baseline = await kind.fit({ sample, attributes }, kind.defaults);
    const seconds = (performance.now() - started) / 1000;
    const cpuSeconds = process.cpuUsage(cpu).user / 1e6;
    const bytes = [...baseline.tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
    const scorer = byTrainingHistory(baseline, sample);
    const catalogue = Int32Array.from(sample.itemIds.keys());
    const scores = new Float64Array(catalogue.length);
    const users = drawTestedUsers(sample, Number(values.requests), seed);
    const before = process.cpuUsage();
    for (const user of users) scorer.score(user, catalogue, scores);
    const milliseconds = process.cpuUsage(before).user / 1000 / users.length;
    const columns = [seconds.toFixed(1), cpuSeconds.toFixed(1), (bytes / 1e6).toFixed(1)].map((text) =>
      text.padStart(10),
    );
    console.log(`${model.padEnd(20)}${columns.join("")}${milliseconds.toFixed(2).padStart(14)}`);
  }
}
