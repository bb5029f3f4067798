/**
 * Samples a second of the wasm backend on the paper's model: 138,494 × 131,263 embedding rows, batch 512, random
 * positives, everything included (drawing negatives, dropout, batch norm, loss, dense Adam on every row).
 *
 *   npx tsx bench/training-throughput.ts [--threads 1,2] [--seconds 4] [--rounds 3] [--json] [--plain]
 *
 * The thread counts alternate in rounds; each figure is the median round. Beside the samples a second of the clock
 * stands the processor time of a sample, all threads together, which other programs on the machine disturb less.
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { Rng, streamKey } from "../src/core/rng.ts";
import type { TrainingData, TrainingSession } from "../src/ncf/backend.ts";
import { presets } from "../src/ncf/config.ts";
import { wasmBackend } from "../src/ncf/wasm/backend.ts";

const { values } = parseArgs({
  options: {
    threads: { type: "string", default: "1,2" },
    seconds: { type: "string", default: "4" },
    rounds: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
    plain: { type: "boolean", default: false },
  },
});

/** Random positives of the shape of ML-20M's ids: 8 to 9 a user over 131,262 items. */
function randomData(): TrainingData {
  const users = 138_493;
  const items = 131_262;
  const rng = new Rng(streamKey(1, 0));
  const offsets = new Uint32Array(users + 1);
  const positives: number[] = [];
  for (let user = 0; user < users; user++) {
    const own = new Set<number>();
    for (let i = 8 + rng.below(2); i > 0; i--) own.add(rng.below(items));
    positives.push(...[...own].sort((a, b) => a - b));
    offsets[user + 1] = positives.length;
  }
  return {
    users,
    items,
    offsets,
    positives: Int32Array.from(positives),
    userRows: Int32Array.from({ length: users }, (_, i) => i + 1),
    itemRows: Int32Array.from({ length: items }, (_, i) => i + 1),
    userRowCount: users + 1,
    itemRowCount: items + 1,
  };
}

interface Round {
  readonly samplesPerSecond: number;
  readonly cpuMicrosPerSample: number;
}

async function runFor(session: TrainingSession, seconds: number): Promise<Round> {
  const start = performance.now();
  const cpuStart = process.cpuUsage();
  let steps = 0;
  do {
    const left = session.stepsPerEpoch - (session.step % session.stepsPerEpoch);
    const count = Math.min(100, left);
    await session.run(count);
    steps += count;
  } while (performance.now() - start < seconds * 1000);
  const samples = steps * presets.paper.batchSize;
  const { user, system } = process.cpuUsage(cpuStart);
  return {
    samplesPerSecond: (samples * 1000) / (performance.now() - start),
    cpuMicrosPerSample: (user + system) / samples,
  };
}

const backend = wasmBackend(values.plain ? { simd: "plain" } : {});
const data = randomData();
const contenders: { threads: number; session: TrainingSession; rounds: Round[] }[] = [];
for (const threads of values.threads.split(",").map(Number)) {
  const session = await backend.open(presets.paper, data, { seed: 1, threads });
  await runFor(session, 1.5);
  contenders.push({ threads, session, rounds: [] });
}
for (let round = 0; round < Number(values.rounds); round++) {
  for (const { session, rounds } of contenders) rounds.push(await runFor(session, Number(values.seconds)));
}
const median = (numbers: number[]): number => numbers.sort((a, b) => a - b)[numbers.length >> 1];
const results = contenders.map(({ threads, session, rounds }) => {
  const rates = rounds.map((round) => round.samplesPerSecond);
  return {
    threads,
    arithmetic: session.arithmetic,
    medianSamplesPerSecond: Math.round(median(rates)),
    bestSamplesPerSecond: Math.round(Math.max(...rates)),
    cpuMicrosPerSample: Number(median(rounds.map((round) => round.cpuMicrosPerSample)).toFixed(3)),
  };
});
for (const { session } of contenders) await session.close();

const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
if (values.json) process.stdout.write(`${JSON.stringify({ machine, results })}\n`);
else {
  process.stdout.write(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}\n`);
  for (const r of results) {
    const [middle, best] = [r.medianSamplesPerSecond, r.bestSamplesPerSecond].map((n) => n.toLocaleString("en"));
    const cpu = `${r.cpuMicrosPerSample} µs of processor time a sample`;
    process.stdout.write(`${r.threads} thread(s), ${r.arithmetic}: median ${middle}, best ${best} samples/s, ${cpu}\n`);
  }
}
