/**
 * The networks and their rivals in two leagues: models that do not know the order of a history, and models that do. HR@10 and
 * NDCG@10 under 1 + 99, each the mean over training seeds and draws of the candidates; nothing is chosen here.
 *
 *   npx tsx bench/leagues.ts DATASET... [--split test] [--seeds 5] [--draws 5] [--threads 1] [--without-order A,B,...] [--with-order C,D,...]
 *       [--against NAME] [--settings FILE.json]
 *
 * `--split validation` holds out each user's latest *training* interaction instead and does not look at the test items: the
 * presets' settings were chosen on it. `--settings` names further configurations: {"name": {"preset": "mf", "epochs": 12}};
 * bench/leagues-ablations.json changes one setting of mf-recency at a time.
 * Intervals (95 %) resample users; Δ is the distance of the best network of a league, or of `--against`, to each other model,
 * p that of the paired permutation test.
 */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { readDataset } from "../src/adapters/local/ratings-reader.ts";
import { contentOfAll } from "../src/app/new-items.ts";
import { CandidateSampler } from "../src/core/candidates.ts";
import { perCase, rankTestItems, testedUsers } from "../src/core/evaluation.ts";
import { holdOutLatest, leaveOneOut } from "../src/core/leave-one-out.ts";
import { expectedHit, expectedNdcg } from "../src/core/ranking-metrics.ts";
import type { Recommender } from "../src/core/recommender.ts";
import type { Sample } from "../src/core/sample.ts";
import { bootstrapIntervals, drain, pairedPermutationTest } from "../src/core/significance.ts";
import { checkConfig, type NcfConfig, presetNamed, presets } from "../src/ncf/config.ts";
import { fitted } from "./leagues-models.ts";
import { machineLine } from "./measurement.ts";

const { values, positionals: paths } = parseArgs({
  allowPositionals: true,
  options: {
    split: { type: "string", default: "test" },
    seeds: { type: "string", default: "5" },
    draws: { type: "string", default: "5" },
    threads: { type: "string", default: "1" },
    "without-order": { type: "string", default: "popularity,item-knn,user-knn,ease,ials,mf,neumf,fism" },
    "with-order": {
      type: "string",
      default:
        "decayed-popularity,item-knn-recency,user-knn-recency,ease-recency,ials-recency,hybrid,mf-recency,neumf-recency",
    },
    against: { type: "string" },
    settings: { type: "string" },
  },
});
if (paths.length === 0) throw new Error("expected the path of a data set, found none");
if (values.split !== "test" && values.split !== "validation")
  throw new Error(`expected --split test or validation, found ${values.split}`);
const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => i + 1);
const changed = new Map<string, NcfConfig>();
if (values.settings !== undefined) {
  const found: Record<string, { preset: string }> = JSON.parse(readFileSync(values.settings, "utf8"));
  for (const [name, { preset, ...changes }] of Object.entries(found)) {
    const config = { ...presetNamed(preset), ...changes };
    checkConfig(config);
    changed.set(name, config);
  }
}

/** What a model does on each user, the mean over seeds and draws. */
interface Row {
  readonly name: string;
  readonly isNetwork: boolean;
  /** Shape [cases]. */
  readonly hits: Float64Array;
  readonly gains: Float64Array;
  /** HR@10 of each seed. */
  readonly hitRates: readonly number[];
}

console.log(machineLine());
for (const path of paths) {
  const { ratings, items } = await readDataset(path);
  const everyone = new Uint8Array(ratings.userIds.length).fill(1);
  const whole = leaveOneOut(ratings, everyone, { tieRule: "firstInFile", seed: 1, listedItemIds: null }).sample;
  const sample = values.split === "test" ? whole : holdOutLatest(whole);
  const attributes = contentOfAll(sample.itemIds, items);
  for (const league of ["without-order", "with-order"] as const) {
    const rows: Row[] = [];
    for (const name of values[league].split(",").filter((each) => each !== "")) {
      const row = judged(
        name,
        await fitted(name, changed, { sample, attributes }, seeds, Number(values.threads)),
        sample,
      );
      rows.push(row);
      console.error(`${name} ${mean(row.hits).toFixed(4)} ${mean(row.gains).toFixed(4)}`);
    }
    if (rows.length === 0) continue;
    console.log(`\n${basename(path)}, ${league.replace("-", " ")}, ${values.split}: ${rows[0].hits.length} users\n`);
    printLeague(rows);
  }
}

function judged(name: string, models: readonly Recommender[], sample: Sample): Row {
  const users = testedUsers(sample);
  const draws = Number(values.draws);
  const hits = new Float64Array(users.length);
  const gains = new Float64Array(users.length);
  const hitRates = models.map((model) => {
    let rate = 0;
    for (let seed = 1; seed <= draws; seed++) {
      const sampler = new CandidateSampler(sample, { seed, negatives: 99, withReplacement: false });
      const standings = rankTestItems(model, users, (user) => sampler.of(user));
      const share = 1 / (draws * models.length);
      perCase(standings, expectedHit).forEach((hit, i) => {
        hits[i] += hit * share;
        rate += hit / (draws * users.length);
      });
      perCase(standings, expectedNdcg).forEach((gain, i) => {
        gains[i] += gain * share;
      });
    }
    return rate;
  });
  const isNetwork = changed.has(name) || Object.hasOwn(presets, name);
  return { name, isNetwork, hits, gains, hitRates };
}

/** The rows by HR@10, each with the distance of the best network, or of `--against`, to it. */
function printLeague(rows: readonly Row[]): void {
  const sorted = [...rows].sort((a, b) => mean(b.hits) - mean(a.hits));
  const best = sorted.find(({ name, isNetwork }) =>
    values.against === undefined ? isNetwork : name === values.against,
  );
  const intervals = drain(
    bootstrapIntervals(
      sorted.flatMap(({ hits, gains }) => [hits, gains]),
      { seed: 1, resamples: 2000 },
    ),
  );
  console.log("| model | HR@10 | 95 % interval | seeds ± | NDCG@10 | 95 % interval | Δ HR@10, p | Δ NDCG@10, p |");
  console.log("|---|---|---|---|---|---|---|---|");
  sorted.forEach((row, i) => {
    const cells = [
      row.isNetwork ? `**${row.name}**` : row.name,
      mean(row.hits).toFixed(4),
      intervals[2 * i].map((bound) => bound.toFixed(3)).join(" to "),
      row.hitRates.length > 1 ? deviation(row.hitRates).toFixed(4) : "",
      mean(row.gains).toFixed(4),
      intervals[2 * i + 1].map((bound) => bound.toFixed(3)).join(" to "),
      best === undefined || row === best ? "" : difference(best.hits, row.hits),
      best === undefined || row === best ? "" : difference(best.gains, row.gains),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  });
}

/** The best less the other in points, with the p of a paired permutation test. */
function difference(best: Float64Array, other: Float64Array): string {
  const differences = best.map((value, i) => value - other[i]);
  const p = drain(pairedPermutationTest(differences, { seed: 1, permutations: 5000 }));
  const points = 100 * mean(differences);
  return `${points < 0 ? "−" : "+"}${Math.abs(points).toFixed(1)}, ${p < 0.001 ? "< 0.001" : p.toFixed(3)}`;
}

function mean(numbers: ArrayLike<number>): number {
  return Array.from(numbers).reduce((sum, value) => sum + value, 0) / numbers.length;
}

/** The standard deviation of a sample. */
function deviation(numbers: readonly number[]): number {
  const center = mean(numbers);
  return Math.sqrt(numbers.reduce((sum, value) => sum + (value - center) ** 2, 0) / (numbers.length - 1));
}
