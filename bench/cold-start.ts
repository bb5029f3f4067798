/**
 * Who recommends well to users that a model has not been trained on: weekly windows of a data set after its first 30 % of
 * ratings, each event ranked among 99 items that its user has not touched, then learnt.
 *
 *   npx tsx bench/cold-start.ts DATASET [--preset mf] [--retrain 26] [--start 0.3] [--end 1] [--threads 2]
 *
 * Popularity, popularity with a half-life of 26 weeks and item-knn learn from each event at once. The NCF model is trained
 * anew every `--retrain` weeks on all events so far and folds users in from their histories; `blended` adds half the
 * logarithm of the decayed popularity of the moment to its logit. Items that the model has not seen get its lowest logit. In
 * the columns with +genres they start from their genres and period of release, and all items are scored by how well these
 * fit the history, too (new-items.ts).
 *
 * HR@10 with all items of the data set as candidates, with only those that somebody has touched so far, and with only those
 * that nobody has, for as long as there are 100 of them: there, whoever knows nothing of a new item hits 1 in 10 times.
 */
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { standingOf } from "../src/core/evaluation.ts";
import { trainingCounts } from "../src/core/leave-one-out.ts";
import { expectedHit } from "../src/core/ranking-metrics.ts";
import { interactionsBefore } from "../src/core/temporal-split.ts";
import { type AttributeProfile, createAttributeProfile } from "../src/ncf/attribute-profile.ts";
import { presetNamed } from "../src/ncf/config.ts";
import { createFoldIn, type FoldIn } from "../src/ncf/fold-in.ts";
import { trainingData } from "../src/ncf/model.ts";
import { withNewItems } from "../src/ncf/new-items.ts";
import { wasmBackend } from "../src/ncf/wasm/backend.ts";
import { createScorer, type RowScorer } from "../src/ncf/wasm/scorer.ts";
import { machineLine } from "./measurement.ts";
import { pools } from "./weekly-events.ts";
import { greatest, type WalkedEvent, WeeklyWalk } from "./weekly-walk.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    preset: { type: "string", default: "mf" },
    retrain: { type: "string", default: "26" },
    start: { type: "string", default: "0.3" },
    end: { type: "string", default: "1" },
    threads: { type: "string", default: "2" },
  },
});
const [path] = positionals;
if (path === undefined) throw new Error("expected the path of a data set, found none");
const contenders = [
  "popularity",
  "decayed",
  "item-knn",
  ...[values.preset, "blended"].flatMap((name) => [name, `${name}+genres`]),
];
const groups = ["new in the week", "older", "no history", "folded in", "in training", "all"] as const;

/** A trained model with its items in the table's numbering. */
interface Version {
  /** Shape [table items]: the model's index; from `trainedItems` on, an item that it has not seen. */
  readonly itemIndex: Int32Array;
  readonly trainedItems: number;
  readonly users: ReadonlySet<number>;
  readonly scorer: RowScorer;
  readonly foldIn: FoldIn;
  readonly profile: AttributeProfile;
  readonly lowest: number;
}

const walk = await WeeklyWalk.open(path);
const { ratings, touched, attributesById } = walk;
const hits = new Map<string, number>();
const cases = new Map<string, number>();
let version: Version | null = null;

console.log(machineLine());
const { start, end, retrain } = values;
await walk.run({ start: Number(start), end: Number(end), retrainWeeks: Number(retrain) }, { train, test });
report();

async function train(nowMs: number): Promise<void> {
  const sample = interactionsBefore(ratings, nowMs);
  const config = presetNamed(values.preset);
  const data = trainingData(config, sample);
  const session = await wasmBackend().open(config, data, { seed: 1, threads: Number(values.threads) });
  for (let epoch = 0; epoch < config.epochs; epoch++) await session.run(session.stepsPerEpoch);
  const tensors = session.model();
  await session.close();
  const model = { name: values.preset, config, tensors, userRows: data.userRows, itemRows: data.itemRows };
  const trainedItems = sample.itemIds.length;
  const known = new Set(sample.itemIds);
  const catalogue = [...sample.itemIds, ...ratings.itemIds.filter((id) => !known.has(id))];
  const index = new Map(catalogue.map((id, i) => [id, i]));
  const attributes = catalogue.map((id) => attributesById.get(id) ?? []);
  const extended = withNewItems(model, { attributes, interactions: trainingCounts(sample) });
  const [scorer, foldIn] = [createScorer(extended), createFoldIn(model)];
  const everything = new Float64Array(trainedItems);
  scorer.scoreRow(
    foldIn.row(new Int32Array(0)),
    Int32Array.from(everything, (_, i) => i),
    everything,
  );
  version = {
    itemIndex: Int32Array.from(ratings.itemIds, (id) => index.get(id) as number),
    trainedItems,
    users: new Set(sample.userIds),
    scorer,
    foldIn,
    profile: createAttributeProfile(attributes, trainedItems),
    lowest: everything.reduce((least, logit) => Math.min(least, logit), Number.POSITIVE_INFINITY),
  };
}

function test({ user, item, position, history, isNewInWeek }: WalkedEvent): void {
  const model = version as Version;
  const seen = model.users.has(ratings.userIds[user]);
  const kinds = [
    isNewInWeek ? "new in the week" : "older",
    history.length === 0 ? "no history" : seen ? "in training" : "folded in",
    "all",
  ];
  for (const pool of pools) {
    if (!touched.offers(pool, item)) continue;
    const candidates = touched.draw(user, item, position, pool);
    const scores = scoresOf(model, user, candidates);
    for (const kind of kinds) {
      const key = `${pool} ${kind}`;
      cases.set(key, (cases.get(key) ?? 0) + 1);
      scores.forEach((list, contender) => {
        hits.set(
          `${key} ${contender}`,
          (hits.get(`${key} ${contender}`) ?? 0) + expectedHit(standingOf("model", list)),
        );
      });
    }
  }
}

function scoresOf(model: Version, user: number, candidates: Int32Array): Float64Array[] {
  const [popular, recent, neighbours] = walk.baselineScores(user, candidates);
  const history = Int32Array.from(touched.histories[user], (item) => model.itemIndex[item]);
  const indices = Int32Array.from(candidates, (item) => model.itemIndex[item]);
  const started = new Float64Array(candidates.length);
  // Trained items alone make the better user row.
  const row = model.foldIn.row(history.filter((index) => index < model.trainedItems));
  model.scorer.scoreRow(row, indices, started);
  const logits = started.map((logit, i) => (indices[i] < model.trainedItems ? logit : model.lowest));
  const fromGenres = started.slice();
  model.profile.addTo(fromGenres, history, indices);
  const scale = greatest(recent);
  const blend = (logit: number, i: number): number => logit + 0.5 * Math.log(recent[i] / scale + 0.001);
  return [popular, recent, neighbours, logits, fromGenres, logits.map(blend), fromGenres.map(blend)];
}

function report(): void {
  console.log(
    `${basename(path)}: HR@10 in weekly windows, ${values.preset} trained anew every ${values.retrain} weeks`,
  );
  for (const pool of pools) {
    const line = (name: string, count: string, cells: readonly number[]): void => {
      const texts = cells.map((value) => value.toFixed(3).padStart(16));
      console.log(`${name.padEnd(18)}${count.padStart(8)}${texts.join("")}`);
    };
    console.log(`\ncandidates: ${pool}`);
    console.log(
      `${"events of users".padEnd(18)}${"events".padStart(8)}${contenders.map((name) => name.padStart(16)).join("")}`,
    );
    for (const group of groups) {
      const key = `${pool} ${group}`;
      const count = cases.get(key) ?? 0;
      const shares = contenders.map((_, c) => (hits.get(`${key} ${c}`) ?? 0) / count);
      line(group, String(count), shares);
      if (group === "new in the week") {
        line(
          "  times decayed",
          "",
          shares.map((share) => share / shares[contenders.indexOf("decayed")]),
        );
      }
    }
  }
}
