/**
 * Training speed of the paper's model: ours against PyTorch on the CPU.
 *
 * usage: PYTHON=python3 npx tsx bench/training.ts [--rounds 7]      (a Python with torch)
 *
 * Ours includes everything: negatives drawn on the fly, shuffling, embeddings with dense Adam, dropout, batch norm, BCE.
 * PyTorch gets its batches before the clock starts. Contenders take turns within each round; each is then judged at
 * its better thread count.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Rng, streamKey } from "../src/core/rng.ts";
import type { TrainingData } from "../src/ncf/backend.ts";
import { BatchSampler } from "../src/ncf/batches.ts";
import { presets } from "../src/ncf/config.ts";
import { wasmBackend } from "../src/ncf/wasm/backend.ts";
import { grouped, machineLine, median } from "./measurement.ts";
import { PythonProcess, requirePythonModule } from "./python-process.ts";

interface Contender {
  readonly name: string;
  readonly threads: number;
  /** Trains for about that long and gives samples/s. */
  train(seconds: number): Promise<number>;
  close(): Promise<void> | void;
  readonly samplesPerSecond: number[];
}

const { values } = parseArgs({ options: { rounds: { type: "string", default: "7" } } });
const torchVersion = requirePythonModule("torch");
const turnSeconds = 1;
/** Between looks at the clock, as in training; an epoch has over 58,000 steps, so none is crossed. */
const stepsPerCall = 50;
const config = presets.paper;
const seed = 1;
const data = paperSizedData();
const folder = mkdtempSync(join(tmpdir(), "bench-training-"));
const contenders: Contender[] = [];
try {
  const batches = join(folder, "batches.bin");
  writeBatches(batches, 400);
  for (const threads of [1, 2]) contenders.push(await ours(threads));
  for (const mode of ["fused", "eager"] as const) {
    for (const threads of [1, 2]) contenders.push(pytorch(batches, mode, threads));
  }
  for (const contender of contenders) await contender.train(turnSeconds / 2);
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const contender of contenders) {
      contender.samplesPerSecond.push(await contender.train(turnSeconds));
    }
  }
  report();
} finally {
  for (const contender of contenders) await contender.close();
  rmSync(folder, { recursive: true });
}

/** The paper's sample in size: 41,547 users with 6,027,314 ratings, raw ids up to ML-20M's greatest. */
function paperSizedData(): TrainingData {
  const [users, items, positives, userRowCount, itemRowCount] = [41_547, 26_000, 5_985_767, 138_494, 131_263];
  const rng = new Rng(streamKey(seed, 0));
  const offsets = new Uint32Array(users + 1);
  const drawn = new Int32Array(positives);
  const marked = new Int32Array(items).fill(-1);
  for (let user = 0; user < users; user++) {
    const from = offsets[user];
    const to = Math.floor((positives * (user + 1)) / users);
    for (let i = from; i < to; ) {
      const item = Math.floor(items * rng.unit() ** 3);
      if (marked[item] === user) continue;
      marked[item] = user;
      drawn[i++] = item;
    }
    drawn.subarray(from, to).sort();
    offsets[user + 1] = to;
  }
  const spread = (count: number, rows: number): Int32Array =>
    Int32Array.from({ length: count }, (_, i) => Math.floor(((i + 1) * (rows - 1)) / count));
  return {
    users,
    items,
    offsets,
    positives: drawn,
    userRows: spread(users, userRowCount),
    itemRows: spread(items, itemRowCount),
    userRowCount,
    itemRowCount,
  };
}

/** The first batches of the run that we train ourselves. */
function writeBatches(path: string, steps: number): void {
  const sampler = new BatchSampler(config, data, seed);
  const size = config.batchSize;
  const out = new Int32Array(2 + steps * 3 * size);
  out.set([steps, size]);
  for (let step = 0; step < steps; step++) {
    const batch = sampler.at(step);
    const from = 2 + step * 3 * size;
    for (let i = 0; i < size; i++) {
      out[from + i] = data.userRows[batch.users[i]];
      out[from + size + i] = data.itemRows[batch.items[i]];
      out[from + 2 * size + i] = batch.labels[i];
    }
  }
  writeFileSync(path, out);
}

async function ours(threads: number): Promise<Contender> {
  const session = await wasmBackend().open(config, data, { seed, threads });
  return {
    name: `ours (${session.arithmetic})`,
    threads,
    samplesPerSecond: [],
    async train(seconds) {
      const started = performance.now();
      let steps = 0;
      let elapsed = 0;
      while (elapsed < seconds) {
        await session.run(stepsPerCall);
        steps += stepsPerCall;
        elapsed = (performance.now() - started) / 1000;
      }
      return (steps * config.batchSize) / elapsed;
    },
    close: () => session.close(),
  };
}

function pytorch(batches: string, mode: "eager" | "fused", threads: number): Contender {
  const args = [batches, String(data.userRowCount), String(data.itemRowCount), String(threads), mode];
  const child = new PythonProcess("training_pytorch.py", args);
  return {
    name: `PyTorch ${torchVersion}, ${mode === "fused" ? "Adam(fused=True)" : "Adam(foreach=False)"}`,
    threads,
    samplesPerSecond: [],
    async train(seconds) {
      return (await child.ask<{ samplesPerSecond: number }>({ seconds })).samplesPerSecond;
    },
    close: () => child.close(),
  };
}

function report(): void {
  console.log(`paper model, batch ${config.batchSize}, ${values.rounds} rounds; samples/s`);
  console.log(machineLine());
  console.log(`${"contender".padEnd(40)} threads     median       best`);
  for (const { name, threads, samplesPerSecond } of contenders) {
    const columns = [median(samplesPerSecond), Math.max(...samplesPerSecond)].map((n) => grouped(n).padStart(10));
    console.log(`${name.padEnd(40)} ${String(threads).padStart(7)} ${columns.join(" ")}`);
  }
  const best = new Map<string, Contender>();
  for (const contender of contenders) {
    const rival = best.get(contender.name);
    if (rival === undefined || median(contender.samplesPerSecond) > median(rival.samplesPerSecond)) {
      best.set(contender.name, contender);
    }
  }
  const [first, ...others] = best.values();
  for (const other of others) {
    const ratios = first.samplesPerSecond.map((speed, round) => speed / other.samplesPerSecond[round]);
    console.log(
      `ours (${first.threads} threads) is ${median(ratios).toFixed(1)} times as fast as ${other.name} ` +
        `(${other.threads} threads); lowest round ${Math.min(...ratios).toFixed(1)}`,
    );
  }
}
