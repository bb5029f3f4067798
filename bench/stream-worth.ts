/**
 * What each part of the loop is worth: weekly windows of a data set after its first 30 % of ratings, each event ranked among
 * 99 items that its user has not touched, then learnt.
 *
 *   npx tsx bench/stream-worth.ts DATASET [--preset mf] [--retrain 26] [--epochs 2] [--older-per-new 4]
 *     [--start 0.3] [--end 1] [--threads 2] [--chart FILE.svg]
 *
 * All contenders rank the same candidates. Popularity, popularity with a half-life of 26 weeks and item-knn learn from each
 * event at once; where item-knn knows no neighbours, popularity of late decides. The network is trained on the first 30 % and
 * then stays (`frozen`), or is trained further (`tuned`, as `ncf worker` does) or anew every `--retrain` weeks, in
 * the first window with events after them. Without fold-in, users are scored by trained rows alone, and whoever has none
 * gets their mean; with it, as served and streamed, profile of genres and periods included. Items that a version has not
 * seen start from their genres and period under every version.
 *
 * A user is cold at their first event, warm if the latest training had an event of theirs, and folded in between. Intervals
 * and p compare tuned + fold-in with item-knn: a paired bootstrap that resamples users.
 */
import { writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { standingOf } from "../src/core/evaluation.ts";
import { expectedHit } from "../src/core/ranking-metrics.ts";
import { interactionsBefore } from "../src/core/temporal-split.ts";
import { machineLine } from "./measurement.ts";
import { worthChart } from "./stream-worth-chart.ts";
import { HitTable } from "./stream-worth-hits.ts";
import { type Version, VersionMaker } from "./stream-worth-versions.ts";
import { negatives, pools } from "./weekly-events.ts";
import { type WalkedEvent, WeeklyWalk } from "./weekly-walk.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    preset: { type: "string", default: "mf" },
    retrain: { type: "string", default: "26" },
    epochs: { type: "string", default: "2" },
    "older-per-new": { type: "string", default: "4" },
    start: { type: "string", default: "0.3" },
    end: { type: "string", default: "1" },
    threads: { type: "string", default: "2" },
    chart: { type: "string" },
  },
});
const [path] = positionals;
if (path === undefined) throw new Error("expected the path of a data set, found none");
const contenders = [
  "popularity",
  "popularity of late",
  "item-knn, updated as it goes",
  "frozen",
  "frozen + fold-in",
  "tuned",
  "tuned + fold-in",
  "anew + fold-in",
] as const;
const usedPools = pools.slice(0, 2);

const walk = await WeeklyWalk.open(path);
const { ratings, touched } = walk;
const tuning = { epochs: Number(values.epochs), olderPerNew: Number(values["older-per-new"]) };
const maker = new VersionMaker(values.preset, Number(values.threads), tuning, ratings, walk.attributesById);
const hits = new HitTable(contenders, ratings.userIds.length);
let versions: { readonly frozen: Version; readonly tuned: Version; readonly anew: Version } | null = null;

console.log(machineLine());
const { start, end, retrain } = values;
await walk.run({ start: Number(start), end: Number(end), retrainWeeks: Number(retrain) }, { train, test });
report();
if (values.chart !== undefined) await writeFile(values.chart, worthChart(hits.years(), contenders));

async function train(nowMs: number): Promise<void> {
  const sample = interactionsBefore(ratings, nowMs);
  const anew = await maker.anew(sample);
  if (versions === null) versions = { frozen: anew, tuned: anew, anew };
  else versions = { ...versions, tuned: await maker.fineTuned(versions.tuned, sample), anew };
}

function test({ user, item, position, week, history, isNewInWeek }: WalkedEvent): void {
  const known = versions?.anew.knows(user) === true;
  const kinds = [
    history.length === 0 ? "cold" : known ? "warm" : "folded in",
    isNewInWeek ? "new in the week" : "older",
    "all",
  ];
  const offered = usedPools.filter((pool) => touched.offers(pool, item));
  const candidates = Int32Array.from(offered.flatMap((pool) => [...touched.draw(user, item, position, pool)]));
  const scores = scoresOf(user, history, candidates);
  offered.forEach((pool, n) => {
    const hit = scores.map((list) => {
      const own = list.subarray(n * (negatives + 1), (n + 1) * (negatives + 1));
      return expectedHit(standingOf("contender", own));
    });
    hits.add(pool, kinds, user, hit, pool === pools[0] ? Math.floor(week / 52) : null);
  });
}

function scoresOf(user: number, history: readonly number[], candidates: Int32Array): Float64Array[] {
  const { frozen, tuned, anew } = versions as NonNullable<typeof versions>;
  return [
    ...walk.baselineScores(user, candidates),
    frozen.byTrainedRow(user, candidates),
    frozen.asServed(user, history, candidates),
    tuned.byTrainedRow(user, candidates),
    tuned.asServed(user, history, candidates),
    anew.asServed(user, history, candidates),
  ];
}

function report(): void {
  const { anewCost, fineTuningCost } = maker;
  console.log(
    `${basename(path)}: HR@10 in weekly windows, ${values.preset}, trained every ${values.retrain} weeks\n\n` +
      `${hits.markdown("tuned + fold-in", "item-knn, updated as it goes")}\n\n` +
      `training: ${fineTuningCost.trainings} times further ${fineTuningCost.seconds.toFixed(1)} s, ` +
      `${anewCost.trainings} times anew ${anewCost.seconds.toFixed(1)} s`,
  );
}
