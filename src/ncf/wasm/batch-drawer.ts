/** Draws the batches of `BatchSampler`, several times as fast, for backends that compute elsewhere. */
import type { TrainingData } from "../backend.ts";
import { stepsPerEpoch } from "../batches.ts";
import type { NcfConfig } from "../config.ts";
import { memoryLayout } from "./memory-layout.ts";
import { trainingRuntime } from "./runtime.ts";

export interface DrawnBatch {
  /** Shape [size]: embedding rows. */
  readonly userRows: Int32Array;
  readonly itemRows: Int32Array;
  /** Shape [size]: 1 for a positive, 0 for a negative. */
  readonly labels: Float32Array;
  /** Shape [size]: the positive that a sample belongs to; empty for models without histories. */
  readonly positives: Int32Array;
}

export interface BatchDrawer {
  readonly stepsPerEpoch: number;
  /** The batch of global step `step`: copies, which stay as they are. */
  at(step: number): DrawnBatch;
}

interface DrawingKernels {
  enter(thread: number, threads: number, patience: number): void;
  buildFilter(): void;
  draw(step: number): void;
}

const pageBytes = 65536;

/** @throws NcfError `WASM_UNSUPPORTED` */
export async function openBatchDrawer(config: NcfConfig, data: TrainingData, seed: number): Promise<BatchDrawer> {
  // What is drawn hangs on the batches alone: with the smallest model, little memory goes to tables that nobody reads.
  const smallest: NcfConfig = {
    ...config,
    mlp: null,
    gmf: { embeddingSize: 4, embeddingStd: 0 },
    output: "sum",
    itemBias: false,
  };
  const { module } = await trainingRuntime({ sharedMemory: false });
  const layout = memoryLayout(smallest, data, { seed, threads: 1 }, 1);
  const pages = Math.ceil(layout.bytes / pageBytes);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  layout.fill(memory.buffer);
  const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as DrawingKernels;
  kernels.enter(0, 1, 0);
  kernels.buildFilter();

  const samples = data.positives.length * (1 + config.negatives);
  const perEpoch = stepsPerEpoch(samples, config.batchSize);
  return {
    stepsPerEpoch: perEpoch,
    at(step) {
      kernels.draw(step);
      const size = Math.min(config.batchSize, samples - (step % perEpoch) * config.batchSize);
      // There are two buffers, which the steps take in turns.
      const read = (place: number): Int32Array =>
        new Int32Array(memory.buffer, place + (step % 2) * config.batchSize * 4, size).slice();
      return {
        userRows: read(layout.batchUsers),
        itemRows: read(layout.batchItems),
        labels: Float32Array.from(read(layout.batchLabels)),
        positives: config.history ? read(layout.batchPositives) : new Int32Array(0),
      };
    },
  };
}
