/**
 * Milliseconds a training step: TensorFlow.js beside wasm, on what the machine has.
 *
 *   NCF_TFJS_NODE=$(scripts/install-tfjs-node.sh) npx tsx bench/gpu-worker.ts [--presets neumf,neumf-large] [--rounds 5] [--threads 2]
 *
 * The data have the users, items and ratings of MovieLens 1M, drawn at random: what a step costs hangs on sizes alone.
 * Beside both stands the drawing of the batch, which the tfjs backend does while a GPU computes: a step cannot be faster than
 * that. The contenders take turns.
 */
import { parseArgs } from "node:util";
import { loadTensorFlow } from "../gpu-worker/tfjs/load-tensorflow.ts";
import { tfjsBackend } from "../gpu-worker/tfjs/tfjs-backend.ts";
import { Rng, streamKey } from "../src/core/rng.ts";
import type { TrainingData } from "../src/ncf/backend.ts";
import { type NcfConfig, presetNamed } from "../src/ncf/config.ts";
import { wasmBackend } from "../src/ncf/wasm/backend.ts";
import { openBatchDrawer } from "../src/ncf/wasm/batch-drawer.ts";
import { grouped, machineLine, median } from "./measurement.ts";

const { values } = parseArgs({
  options: {
    presets: { type: "string", default: "neumf,neumf-large" },
    rounds: { type: "string", default: "5" },
    threads: { type: "string", default: "2" },
  },
});
const folder = process.env.NCF_TFJS_NODE;
if (folder === undefined)
  throw new Error("expected NCF_TFJS_NODE; scripts/install-tfjs-node.sh prints what to set it to");
const tf = loadTensorFlow(folder);
const threads = Number(values.threads);
const rounds = Number(values.rounds);
const seed = 1;
/** Of one turn, at least one step. */
const turnMs = 500;
const data = movieLensSizedData();

const { binding, isUsingGpuDevice } = tf.backend();
console.log(machineLine());
console.log(
  `TensorFlow.js ${tf.version["tfjs-core"]}, libtensorflow ${binding?.TF_Version}, on the ${isUsingGpuDevice ? "GPU" : "CPU"}; ` +
    `wasm with ${threads} threads; ${rounds} rounds`,
);
console.log("preset        batch  contender          ms/step median   best    samples/s");
for (const name of values.presets.split(",")) await measure(name, presetNamed(name));

async function measure(name: string, config: NcfConfig): Promise<void> {
  const batches = await openBatchDrawer(config, data, seed);
  const tfjs = await tfjsBackend(tf).open(config, data, { seed, threads });
  const wasm = await wasmBackend().open(config, data, { seed, threads });
  let drawn = 0;
  const contenders = [
    { name: "tfjs", step: () => tfjs.run(1), ms: [] as number[] },
    { name: "wasm", step: () => wasm.run(1), ms: [] as number[] },
    { name: "drawing the batch", step: async () => batches.at(drawn++), ms: [] as number[] },
  ];
  for (const { step } of contenders) await step();
  const { kernels } = await tf.profile(async () => {
    await tfjs.run(1);
  });
  for (let round = 0; round < rounds; round++) {
    for (const { step, ms } of contenders) {
      const startedMs = performance.now();
      let steps = 0;
      do {
        await step();
        steps += 1;
      } while (performance.now() - startedMs < turnMs);
      ms.push((performance.now() - startedMs) / steps);
    }
  }
  await tfjs.close();
  await wasm.close();
  console.log(`${name}: a step of tfjs is ${kernels.length} operations`);
  for (const contender of contenders) {
    const middle = median(contender.ms);
    const figures = [
      middle.toFixed(2).padStart(14),
      Math.min(...contender.ms)
        .toFixed(2)
        .padStart(8),
      grouped((1000 * config.batchSize) / middle).padStart(12),
    ];
    console.log(
      `${name.padEnd(13)}${String(config.batchSize).padStart(6)}  ${contender.name.padEnd(19)}${figures.join("")}`,
    );
  }
}

function movieLensSizedData(): TrainingData {
  const [users, items, perUser] = [6_040, 3_706, 165];
  const rng = new Rng(streamKey(seed, 0));
  const offsets = Uint32Array.from({ length: users + 1 }, (_, user) => user * perUser);
  const positives = new Int32Array(users * perUser);
  for (let user = 0; user < users; user++) {
    const own = new Set<number>();
    while (own.size < perUser) own.add(Math.floor(items * rng.unit() ** 2));
    positives.set(
      [...own].sort((a, b) => a - b),
      offsets[user],
    );
  }
  const identity = (count: number): Int32Array => Int32Array.from({ length: count }, (_, i) => i);
  return {
    users,
    items,
    offsets,
    positives,
    userRows: identity(users),
    itemRows: identity(items),
    userRowCount: users,
    itemRowCount: items,
  };
}
