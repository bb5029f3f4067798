/**
 * What users' histories cost in training: samples a second of one thread, for `neumf` and for the same with a history.
 *
 *   npx tsx bench/history-throughput.ts DATASET [--windows 10,50,200] [--rounds 9] [--steps 100]
 *
 * The contenders alternate in rounds, after a thousand steps each, from which on idle rows are brought up to date in one go. A
 * figure is the best round by processor time, which other programs on the machine disturb less than the clock.
 */
import { parseArgs } from "node:util";
import { readDataset } from "../src/adapters/local/ratings-reader.ts";
import { leaveOneOut } from "../src/core/leave-one-out.ts";
import type { TrainingSession } from "../src/ncf/backend.ts";
import { type HistoryConfig, type NcfConfig, presets } from "../src/ncf/config.ts";
import { trainingData } from "../src/ncf/model.ts";
import { wasmBackend } from "../src/ncf/wasm/backend.ts";
import { machineLine } from "./measurement.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    windows: { type: "string", default: "10,50,200" },
    rounds: { type: "string", default: "9" },
    steps: { type: "string", default: "100" },
  },
});
const [path] = positionals;
if (path === undefined) throw new Error("expected the path of a data set, found none");
const { ratings } = await readDataset(path);
const everyone = new Uint8Array(ratings.userIds.length).fill(1);
const { sample } = leaveOneOut(ratings, everyone, { tieRule: "firstInFile", seed: 1, listedItemIds: null });

const contenders = new Map<string, NcfConfig>([["neumf", presets.neumf]]);
for (const window of values.windows.split(",").map(Number)) {
  for (const weights of ["mean", "recency"] as const) {
    const history: HistoryConfig = { weights, window, alpha: 1, ownRow: false };
    contenders.set(`${weights} of ${window}`, { ...presets.neumf, history });
  }
}

/** Steps over epochs' ends. */
async function run(session: TrainingSession, steps: number): Promise<void> {
  for (let done = 0; done < steps; ) {
    const count = Math.min(steps - done, session.stepsPerEpoch - (session.step % session.stepsPerEpoch));
    await session.run(count);
    done += count;
  }
}

const best = new Map<string, number>();
const sessions = new Map<string, TrainingSession>();
for (const [name, config] of contenders) {
  // In the calling thread, whose processor time is then the training's.
  const backend = wasmBackend({ sharedMemory: false });
  const session = await backend.open(config, trainingData(config, sample), { seed: 1, threads: 1 });
  await run(session, 1000);
  sessions.set(name, session);
}
const steps = Number(values.steps);
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [name, session] of sessions) {
    const start = process.cpuUsage();
    await run(session, steps);
    const { user, system } = process.cpuUsage(start);
    const rate = (steps * presets.neumf.batchSize * 1e6) / (user + system);
    best.set(name, Math.max(rate, best.get(name) ?? 0));
  }
}
console.log(machineLine());
for (const [name, rate] of best) console.log(`${name.padEnd(16)}${Math.round(rate / 1000)} thousand samples/s`);
