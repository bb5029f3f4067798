/**
 * Each baseline beside an independent implementation of it, on the same training data, settings and candidates: their scores,
 * or, where the two end in different optima, their HR@10.
 *
 *   PYTHON=python3 npx tsx bench/rivals.ts DATASET... [--checks ease,ials,...]
 *
 * Needs a Python with numpy and implicit. EASE there inverts a matrix of items × items, which for ml-latest-small takes a
 * minute and 2 GB.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { readDataset } from "../src/adapters/local/ratings-reader.ts";
import { contentOfAll } from "../src/app/new-items.ts";
import type { FitInput } from "../src/baselines/baseline.ts";
import { baselineKindNamed } from "../src/baselines/kinds.ts";
import { byTrainingHistory } from "../src/core/by-history.ts";
import { CandidateSampler } from "../src/core/candidates.ts";
import { testedUsers } from "../src/core/evaluation.ts";
import { leaveOneOut } from "../src/core/leave-one-out.ts";
import { grouped, machineLine } from "./measurement.ts";
import { PythonProcess, requirePythonModule } from "./python-process.ts";
import { agreement } from "./rivals-agreement.ts";
import { type Check, checks } from "./rivals-checks.ts";

const { values, positionals: paths } = parseArgs({
  allowPositionals: true,
  options: { checks: { type: "string", default: checks.map(({ name }) => name).join(",") } },
});
if (paths.length === 0) throw new Error("expected the path of a data set, found none");
const names = values.checks.split(",");
const unknown = names.find((name) => !checks.some((check) => check.name === name));
if (unknown !== undefined)
  throw new Error(`expected checks among ${checks.map(({ name }) => name).join(", ")}, found ${unknown}`);

console.log(machineLine());
console.log(`numpy ${requirePythonModule("numpy")}, implicit ${requirePythonModule("implicit")}`);
for (const path of paths) {
  const { ratings, items: details } = await readDataset(path);
  const everyone = new Uint8Array(ratings.userIds.length).fill(1);
  const { sample } = leaveOneOut(ratings, everyone, { tieRule: "firstInFile", seed: 1, listedItemIds: null });
  const [users, items, interactions] = [sample.userIds, sample.itemIds, sample.train.items].map(({ length }) =>
    grouped(length),
  );
  console.log(`\n${basename(path)}: ${users} users, ${items} items, ${interactions} training interactions`);
  const folder = mkdtempSync(join(tmpdir(), "rivals-"));
  try {
    const input = { sample, attributes: contentOfAll(sample.itemIds, details) };
    const cases = casesOf(input, folder);
    for (const check of checks.filter(({ name }) => names.includes(name))) await compare(check, input, cases, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Cases {
  /** Shape [cases]. */
  readonly users: Int32Array;
  /** Shape [cases][candidates], the test item first. */
  readonly candidates: readonly Int32Array[];
}

/** The judged cases; writes them and the training data into the folder, as the Python scripts read them. */
function casesOf({ sample, attributes }: FitInput, folder: string): Cases {
  const users = testedUsers(sample);
  const sampler = new CandidateSampler(sample, { seed: 1, negatives: 99, withReplacement: false });
  const candidates = Array.from(users, (user) => sampler.of(user));
  const width = Math.max(...candidates.map(({ length }) => length));
  const table = new Int32Array(users.length * width).fill(-1);
  candidates.forEach((row, i) => {
    table.set(row, i * width);
  });
  writeFileSync(join(folder, "offsets"), Int32Array.from(sample.train.offsets));
  writeFileSync(join(folder, "items"), sample.train.items);
  writeFileSync(join(folder, "times"), sample.train.timestampsMs);
  writeFileSync(join(folder, "attributes.json"), JSON.stringify(attributes));
  writeFileSync(join(folder, "cases"), users);
  writeFileSync(join(folder, "candidates"), table);
  return { users, candidates };
}

async function compare(check: Check, input: FitInput, cases: Cases, folder: string): Promise<void> {
  const { sample } = input;
  const kind = baselineKindNamed(check.model);
  if (kind === null) throw new Error(`expected a check of a known model, found ${check.model}`);
  const started = performance.now();
  const settings = { ...kind.defaults, ...check.settings };
  const model = byTrainingHistory(await kind.fit(input, settings), sample);
  const seconds = (performance.now() - started) / 1000;
  const ours = cases.candidates.map((candidates, i) => {
    const scores = new Float64Array(candidates.length);
    model.score(cases.users[i], candidates, scores);
    return scores;
  });
  const python = new PythonProcess(check.script, [folder, `${sample.userIds.length}`, `${sample.itemIds.length}`]);
  try {
    check.prepare?.(sample, settings, folder);
    const answer = await python.ask<{ seconds: number }>({ model: check.name, ...settings });
    const found = agreement(check.agree, ours, join(folder, "scores"));
    console.log(`${check.name.padEnd(16)} ${seconds.toFixed(1)} s   Python ${answer.seconds.toFixed(1)} s   ${found}`);
  } finally {
    python.close();
  }
}
