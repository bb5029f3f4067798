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
import { readDataset } from "../src/adapters/local/ratings-reader.ts";
import { DecayedPopularity } from "../src/baselines/decayed-popularity.ts";
import { ItemKnn } from "../src/baselines/item-knn.ts";
import { standingOf } from "../src/core/evaluation.ts";
import { expectedHit } from "../src/core/ranking-metrics.ts";
import { interactionsBefore } from "../src/core/temporal-split.ts";
import { stableOrderByTime } from "../src/core/time-order.ts";
import { attributesOf } from "../src/ncf/attribute-profile.ts";
import { machineLine } from "./measurement.ts";
import { worthChart } from "./stream-worth-chart.ts";
import { HitTable } from "./stream-worth-hits.ts";
import { type Version, VersionMaker } from "./stream-worth-versions.ts";
import { negatives, pools, TouchedItems, weekMs } from "./weekly-events.ts";

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

const { ratings, items: details } = await readDataset(path);
const order = Int32Array.from({ length: ratings.length }, (_, row) => row);
stableOrderByTime(order, 0, order.length, ratings.timestampMs);
const [users, items] = [ratings.userIds.length, ratings.itemIds.length];
const startMs = ratings.timestampMs[order[Math.floor(Number(values.start) * order.length)]];
const attributesById = new Map(details.map((item) => [item.id, attributesOf(item)]));
const tuning = { epochs: Number(values.epochs), olderPerNew: Number(values["older-per-new"]) };
const maker = new VersionMaker(values.preset, Number(values.threads), tuning, ratings, attributesById);

const touched = new TouchedItems(users, items);
const decayed = new DecayedPopularity(items, 26 * weekMs);
const knn = new ItemKnn();
const hits = new HitTable(contenders, users);
let versions: { readonly frozen: Version; readonly tuned: Version; readonly anew: Version } | null = null;
let week = -1;
let trainedWeek = -1;
let knownAtWeekStart = new Set<number>();

console.log(machineLine());
for (let at = 0; at < Math.floor(Number(values.end) * order.length); at++) {
  const row = order[at];
  const [user, item, timeMs] = [ratings.user[row], ratings.item[row], ratings.timestampMs[row]];
  if (touched.has(user, item)) continue;
  if (timeMs >= startMs) {
    const now = Math.floor((timeMs - startMs) / weekMs);
    if (now !== week) {
      week = now;
      knownAtWeekStart = new Set(touched.histories.flatMap((history, other) => (history.length > 0 ? [other] : [])));
      if (versions === null || week - trainedWeek >= Number(values.retrain)) {
        trainedWeek = week;
        await train(timeMs);
      }
    }
    test(user, item, at);
  }
  touched.learn(user, item);
  decayed.learn(user, item, timeMs);
  knn.learn(user, item, timeMs);
}
report();
if (values.chart !== undefined) await writeFile(values.chart, worthChart(hits.years(), contenders));

async function train(nowMs: number): Promise<void> {
  const sample = interactionsBefore(ratings, nowMs);
  const anew = await maker.anew(sample);
  if (versions === null) versions = { frozen: anew, tuned: anew, anew };
  else versions = { ...versions, tuned: await maker.fineTuned(versions.tuned, sample), anew };
}

function test(user: number, item: number, event: number): void {
  const history = touched.histories[user];
  const known = versions?.anew.knows(user) === true;
  const kinds = [
    history.length === 0 ? "cold" : known ? "warm" : "folded in",
    knownAtWeekStart.has(user) ? "older" : "new in the week",
    "all",
  ];
  const offered = usedPools.filter((pool) => touched.offers(pool, item));
  const candidates = Int32Array.from(offered.flatMap((pool) => [...touched.draw(user, item, event, pool)]));
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
  const recent = new Float64Array(candidates.length);
  decayed.score(user, candidates, recent);
  const neighbours = new Float64Array(candidates.length);
  knn.score(user, candidates, neighbours);
  const scale = recent.reduce((most, value) => Math.max(most, value), Number.MIN_VALUE);
  return [
    Float64Array.from(candidates, (item) => touched.counts[item]),
    recent,
    neighbours.map((score, i) => score + (1e-9 * recent[i]) / scale),
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
