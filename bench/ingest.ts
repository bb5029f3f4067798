/**
 * ratings.csv → 30 % of the users, leave-one-out, as Parquet on disk: ncf against DuckDB on two threads.
 *
 *   npx tsx bench/ingest.ts [ratings.csv] [--runs 3] [--threads 2]
 *
 * Without a path, a file of ML-20M's size is written first (20,000,263 rows, 138,493 users). The contenders take turns,
 * each in a process of its own, so that the peak of resident memory is theirs alone. After ncf's first turn DuckDB
 * recomputes its split of the same users and compares every row.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeRatings } from "./ingest-data.ts";
import { verifySplit } from "./ingest-duckdb.ts";
import { grouped, machineLine, median } from "./measurement.ts";

interface Outcome {
  readonly seconds: number;
  /** Of all threads, user and system. */
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
  readonly rows: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: "string", default: "3" }, threads: { type: "string", default: "2" } },
});
const folder = mkdtempSync(join(tmpdir(), "ncf-bench-ingest-"));
try {
  const csv = positionals[0] ?? join(folder, "ratings.csv");
  if (positionals[0] === undefined) writeRatings(csv);
  console.log(machineLine());
  console.log(`${csv}: ${grouped(statSync(csv).size / 1e6)} MB; 30 % of the users, ${values.threads} threads`);
  const outcomes: Record<string, Outcome[]> = { ncf: [], duckdb: [] };
  for (let run = 0; run < Number(values.runs); run++) {
    for (const name of Object.keys(outcomes)) {
      const outcome = await contend(name, csv, join(folder, name));
      outcomes[name].push(outcome);
      console.log(`run ${run + 1} ${name}: ${outcome.seconds.toFixed(2)} s, ${grouped(outcome.rows)} training rows`);
      if (run === 0 && name === "ncf") await verifySplit(csv, join(folder, "ncf/sample"));
    }
  }
  for (const [name, runs] of Object.entries(outcomes)) {
    const seconds = runs.map((outcome) => outcome.seconds);
    const peak = Math.max(...runs.map((outcome) => outcome.peakRssBytes));
    const [best, middle] = [Math.min(...seconds).toFixed(2), median(seconds).toFixed(2)];
    const cpu = median(runs.map((outcome) => outcome.cpuSeconds)).toFixed(2);
    console.log(
      `${name.padEnd(7)} min ${best} s, median ${middle} s (CPU ${cpu} s), peak resident memory ${grouped(peak / 1e6)} MB`,
    );
  }
  const ratios = outcomes.duckdb.map((outcome, run) => outcome.seconds / outcomes.ncf[run].seconds);
  console.log(`ncf is ${median(ratios).toFixed(2)} times as fast (median of the paired ratios)`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Runs one contender in its own process. */
async function contend(name: string, csv: string, out: string): Promise<Outcome> {
  rmSync(out, { recursive: true, force: true });
  const script = fileURLToPath(new URL(`./ingest-${name}.ts`, import.meta.url));
  const loader = "typescript" in process.features ? [] : ["--import", "tsx"];
  const child = spawn(process.execPath, [...loader, script, csv, out, values.threads], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: fileURLToPath(new URL("..", import.meta.url)),
  });
  let answer = "";
  for await (const chunk of child.stdout) answer += chunk;
  if (answer === "") throw new Error(`expected ${name} to print its figures, found nothing`);
  return JSON.parse(answer);
}
