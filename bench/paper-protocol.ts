/**
 * The paper's experiment end to end: ratings.csv of ML-20M's shape → 30 % of the users → the paper's model, 5 epochs → HR@10
 * and report, as a user runs it; then one epoch at 10, 30 and 100 % of the users, to see how cost grows.
 *
 *   npx tsx bench/paper-protocol.ts [--runs 1] [--threads N] [--data DIR] [--no-scaling] [--shrink 1]
 *
 * The data set is generated once (not timed) and kept in DIR, by default a folder of the system's temporary folder.
 * `--shrink 100` takes a hundredth of users and ratings, to try the script itself.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Report } from "../src/app/report/report.ts";
import { highWaterMarkBytes } from "../src/cli/machine.ts";
import { grouped, machineLine, median } from "./measurement.ts";

interface Outcome {
  /** From starting the process to its end. */
  readonly seconds: number;
  readonly peakRssBytes: number;
  readonly report: Report;
}

const root = fileURLToPath(new URL("..", import.meta.url));
const program = join(root, "bin", "ncf.mjs");
const size = { users: 138_493, movies: 27_278, ratings: 20_000_263 };

const { values } = parseArgs({
  allowNegative: true,
  options: {
    runs: { type: "string", default: "1" },
    threads: { type: "string" },
    data: { type: "string" },
    scaling: { type: "boolean", default: true },
    shrink: { type: "string", default: "1" },
  },
});
const shrink = Number(values.shrink);
const users = Math.round(size.users / shrink);
const ratings = Math.round(size.ratings / shrink);
const data = values.data ?? join(tmpdir(), `ncf-bench-ml-20m-${users}`);
await generateOnce();

console.log(machineLine());
console.log(
  `${data}: ${grouped(ratings)} generated ratings of ${grouped(size.movies)} movies by ${grouped(users)} users, ` +
    `ratings.csv ${grouped(statSync(join(data, "ratings.csv")).size / 1e6)} MB\n`,
);

console.log("The paper's protocol: 30 % of the users, 5 epochs");
const outcomes: Outcome[] = [];
for (let run = 0; run < Number(values.runs); run++) {
  const outcome = await timedRun("0.3", "5");
  outcomes.push(outcome);
  printOutcome(`run ${run + 1}`, outcome);
}
const seconds = outcomes.map((outcome) => outcome.seconds);
const peak = Math.max(...outcomes.map(({ peakRssBytes }) => peakRssBytes));
console.log(
  `ratings.csv to report: min ${Math.min(...seconds).toFixed(1)} s, median ${median(seconds).toFixed(1)} s; ` +
    `peak resident memory ${grouped(peak / 1e6)} MB`,
);
for (const { name, hrAt10, hrAt10Interval } of outcomes[0].report.models) {
  console.log(
    `HR@10 ${name.padEnd(10)} ${hrAt10.toFixed(4)} (95 % interval ${hrAt10Interval.map((x) => x.toFixed(4)).join(" to ")})`,
  );
}

if (values.scaling) {
  console.log("\nHow cost grows: one epoch");
  const scaled = ["0.1", "0.3", "1"].map((fraction) => ({ fraction, runs: [] as Outcome[] }));
  for (let run = 0; run < Number(values.runs); run++) {
    for (const { fraction, runs } of scaled) {
      const outcome = await timedRun(fraction, "1");
      runs.push(outcome);
      printOutcome(`${Number(fraction) * 100} % run ${run + 1}`, outcome);
    }
  }
  for (const { fraction, runs } of scaled) {
    const totals = runs.map((outcome) => outcome.seconds);
    const training = median(runs.map(({ report }) => stageSeconds(report, "train paper")));
    const count = Number(fraction) * ratings;
    console.log(
      `${(Number(fraction) * 100).toFixed(0).padStart(3)} %: min ${Math.min(...totals).toFixed(1)} s, median ${median(totals).toFixed(1)} s in all; training ${training.toFixed(1)} s = ` +
        `${((training / count) * 1e6).toFixed(2)} s a million ratings; peak ${grouped(Math.max(...runs.map(({ peakRssBytes }) => peakRssBytes)) / 1e6)} MB`,
    );
  }
}

/** Writes the data set unless an earlier run left it: ratings.csv comes last and whole. */
async function generateOnce(): Promise<void> {
  if (existsSync(join(data, "ratings.csv"))) return;
  const started = performance.now();
  const flags = ["--shape", "ml-20m", "--seed", "1", "--users", `${users}`, "--movies", `${size.movies}`];
  await ncf(["generate", ...flags, "--ratings", `${ratings}`, "--out", data]);
  console.log(`generated ${grouped(ratings)} ratings in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

async function timedRun(fraction: string, epochs: string): Promise<Outcome> {
  const out = mkdtempSync(join(tmpdir(), "ncf-bench-paper-"));
  try {
    const threads = values.threads === undefined ? [] : ["--threads", values.threads];
    const models = ["--models", "paper,popularity", "--epochs", epochs];
    const started = performance.now();
    const seen = await ncf(["run", "--dataset", data, "--fraction", fraction, ...models, ...threads, "--out", out]);
    const elapsed = (performance.now() - started) / 1000;
    const report: Report = JSON.parse(readFileSync(join(out, "report.json"), "utf8"));
    return { seconds: elapsed, peakRssBytes: Math.max(seen.peakRssBytes, report.peakRssBytes), report };
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** Runs the command line to its end. The peak is what Linux says of the process, 0 elsewhere. */
async function ncf(args: readonly string[]): Promise<{ readonly peakRssBytes: number }> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.on("data", (chunk) => {
    log = `${log}${chunk}`.slice(-4000);
  });
  let peakRssBytes = 0;
  const watch = setInterval(() => {
    peakRssBytes = Math.max(peakRssBytes, highWaterMarkBytes(child.pid ?? 0) ?? 0);
  }, 200);
  const [code] = await once(child, "close");
  clearInterval(watch);
  if (code !== 0) throw new Error(`expected ncf ${args[0]} to succeed, found exit code ${code}:\n${log}`);
  return { peakRssBytes };
}

function stageSeconds(report: Report, stage: string): number {
  return report.timings.find((timing) => timing.stage === stage)?.seconds ?? Number.NaN;
}

function printOutcome(label: string, { seconds: total, peakRssBytes, report }: Outcome): void {
  const stages = report.timings.map((timing) => `${timing.stage} ${timing.seconds.toFixed(1)}`).join(", ");
  console.log(`${label}: ${total.toFixed(1)} s (${stages}), peak ${grouped(peakRssBytes / 1e6)} MB`);
}
