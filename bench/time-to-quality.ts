/**
 * Seconds of training until HR@10 reaches 95 % of its final value, for `neumf` and `mf`, beside the seconds that
 * implicit's ALS needs to the same HR@10, on the same data and candidates in one run.
 *
 * usage: PYTHON=python3 npx tsx bench/time-to-quality.ts [DATASET...] [--ratings 1000000] [--rounds 3] [--threads 2]
 *
 * DATASET: folders or zips of ratings, such as ml-latest-small and ml-100k. A generated set of `--ratings` ratings comes
 * last (0: none). Judging after each epoch (or ALS iteration) is outside the clock. Needs a Python with `implicit`.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { readDataset } from "../src/adapters/local/ratings-reader.ts";
import { CandidateSampler } from "../src/core/candidates.ts";
import { drawTestedUsers, rankTestItems, summarize } from "../src/core/evaluation.ts";
import { leaveOneOut } from "../src/core/leave-one-out.ts";
import type { RatingTable } from "../src/core/ratings.ts";
import type { Sample } from "../src/core/sample.ts";
import { SyntheticDataset } from "../src/core/synthetic/dataset.ts";
import { syntheticRatingTable } from "../src/core/synthetic/table.ts";
import { presets } from "../src/ncf/config.ts";
import { trainingData } from "../src/ncf/model.ts";
import { wasmBackend } from "../src/ncf/wasm/backend.ts";
import { createScorer } from "../src/ncf/wasm/scorer.ts";
import { grouped, machineLine, median } from "./measurement.ts";
import { PythonProcess, requirePythonModule } from "./python-process.ts";

/** Quality over training time: one point an epoch or iteration. */
type Curve = readonly { readonly seconds: number; readonly hrAt10: number }[];

interface Contest {
  readonly name: string;
  readonly sample: Sample;
  /** Shape [cases]: tested users judged, at most 2,000. */
  readonly users: Int32Array;
  readonly candidates: ReadonlyMap<number, Int32Array>;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ratings: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "3" },
    threads: { type: "string", default: "2" },
  },
});
const seed = 1;
const threads = Number(values.threads);
const alsIterations = 15;
const ours = ["neumf", "mf"] as const;
const implicitVersion = requirePythonModule("implicit");

console.log(machineLine());
console.log(
  `${values.threads} threads; medians of ${values.rounds} rounds; ALS: implicit ${implicitVersion}, 64 factors`,
);
for (const path of positionals) await compare(contest(basename(path), (await readDataset(path)).ratings));
if (Number(values.ratings) > 0) await compare(contest("generated", generated(Number(values.ratings))));

/** As many ratings a user and a movie as ML-1M: 166 and 270. */
function generated(ratings: number): RatingTable {
  const [users, movies] = [Math.ceil(ratings / 166), Math.ceil(ratings / 270)];
  return syntheticRatingTable(new SyntheticDataset({ shape: "small", seed, users, movies, ratings }));
}

function contest(name: string, ratings: RatingTable): Contest {
  const everyone = new Uint8Array(ratings.userIds.length).fill(1);
  const { sample } = leaveOneOut(ratings, everyone, { tieRule: "firstInFile", seed, listedItemIds: null });
  const users = drawTestedUsers(sample, 2000, seed);
  const sampler = new CandidateSampler(sample, { seed, negatives: 99, withReplacement: false });
  const candidates = new Map(Array.from(users, (user) => [user, sampler.of(user)]));
  return { name, sample, users, candidates };
}

async function compare(contest: Contest): Promise<void> {
  const { name, sample, users } = contest;
  console.log(
    `\n${name}: ${grouped(sample.train.items.length)} training ratings, ${grouped(sample.userIds.length)} users, ` +
      `${grouped(sample.itemIds.length)} items; HR@10 on ${grouped(users.length)} users`,
  );
  const als = startAls(contest);
  const runs = { neumf: [] as Curve[], mf: [] as Curve[], als: [] as Curve[] };
  try {
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const preset of ours) runs[preset].push(await train(contest, preset));
      runs.als.push(await als.fit());
    }
  } finally {
    als.close();
  }
  console.log("model   final HR@10   seconds in all   95 % of it   seconds to it   ALS's seconds to it");
  for (const preset of ours) {
    const final = finalOf(runs[preset]);
    const goal = 0.95 * final;
    const columns = [
      final.toFixed(4).padStart(11),
      seconds(runs[preset], Number.POSITIVE_INFINITY).padStart(16),
      goal.toFixed(4).padStart(12),
      seconds(runs[preset], goal).padStart(15),
      seconds(runs.als, goal).padStart(21),
    ];
    console.log(`${preset.padEnd(7)} ${columns.join(" ")}`);
  }
  const alsTotal = seconds(runs.als, Number.POSITIVE_INFINITY);
  console.log(`${"als".padEnd(7)} ${finalOf(runs.als).toFixed(4).padStart(11)} ${alsTotal.padStart(16)}`);
}

function finalOf(runs: readonly Curve[]): number {
  return median(runs.map((curve) => curve.at(-1)?.hrAt10 ?? Number.NaN));
}

/** The median time to the first point that reaches `goal`, "never" if most runs do not; infinity asks for the whole run. */
function seconds(runs: readonly Curve[], goal: number): string {
  const times = runs.map((curve) => {
    if (goal === Number.POSITIVE_INFINITY) return curve.at(-1)?.seconds ?? Number.NaN;
    return curve.find(({ hrAt10 }) => hrAt10 >= goal)?.seconds ?? Number.POSITIVE_INFINITY;
  });
  const time = median(times);
  return Number.isFinite(time) ? time.toFixed(2) : "never";
}

/** Opening the session (initial values, memory) counts; judging does not. */
async function train(contest: Contest, preset: (typeof ours)[number]): Promise<Curve> {
  const config = presets[preset];
  const { sample, users, candidates } = contest;
  let clock = performance.now();
  const data = trainingData(config, sample);
  const session = await wasmBackend().open(config, data, { seed, threads });
  let elapsed = performance.now() - clock;
  const curve: Curve[number][] = [];
  for (let epoch = 0; epoch < config.epochs; epoch++) {
    clock = performance.now();
    await session.run(session.stepsPerEpoch);
    elapsed += performance.now() - clock;
    const { userRows, itemRows } = data;
    const scorer = createScorer({ name: preset, config, tensors: session.model(), userRows, itemRows });
    const standings = rankTestItems(scorer, users, (user) => candidates.get(user) ?? new Int32Array(0));
    curve.push({ seconds: elapsed / 1000, hrAt10: summarize(standings).hrAt10 });
  }
  await session.close();
  return curve;
}

interface Als {
  fit(): Promise<Curve>;
  close(): void;
}

function startAls({ sample, users, candidates }: Contest): Als {
  const folder = mkdtempSync(join(tmpdir(), "bench-quality-"));
  const width = Math.max(...Array.from(candidates.values(), (list) => list.length));
  const rows = new Int32Array(users.length * width).fill(-1);
  users.forEach((user, i) => {
    rows.set(candidates.get(user) ?? [], i * width);
  });
  const files = {
    offsets: Int32Array.from(sample.train.offsets),
    items: sample.train.items,
    cases: users,
    candidates: rows,
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const sizes = [sample.userIds.length, sample.itemIds.length, threads].map(String);
  // Its own threads only: with BLAS's beside them ALS runs several times slower.
  const child = new PythonProcess("time_to_quality_als.py", [folder, ...sizes], { OPENBLAS_NUM_THREADS: "1" });
  return {
    async fit() {
      await child.ask({ restart: true });
      const curve: Curve[number][] = [];
      let elapsed = 0;
      for (let iteration = 0; iteration < alsIterations; iteration++) {
        const answer = await child.ask<{ seconds: number; hrAt10: number }>({ iterations: 1 });
        elapsed += answer.seconds;
        curve.push({ seconds: elapsed, hrAt10: answer.hrAt10 });
      }
      return curve;
    },
    close() {
      child.close();
      rmSync(folder, { recursive: true });
    },
  };
}
