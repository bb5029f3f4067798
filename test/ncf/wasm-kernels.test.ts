import { describe, expect, it } from "vitest";
import { purposes, Rng, streamKey } from "../../src/core/rng.ts";
import type { TrainingData } from "../../src/ncf/backend.ts";
import { BatchSampler, keepsActivation } from "../../src/ncf/batches.ts";
import { type NcfConfig, presets } from "../../src/ncf/config.ts";
import * as slot from "../../src/ncf/kernels/layout.ts";
import { memoryLayout } from "../../src/ncf/wasm/memory-layout.ts";
import { trainingRuntime } from "../../src/ncf/wasm/runtime.ts";

interface Kernels {
  enter(thread: number, threads: number, patience: number): void;
  buildFilter(): void;
  draw(step: number): void;
  run(first: number, count: number): void;
  catchUp(record: number, width: number, touched: number, now: number): void;
}

/** The training kernels in this thread, with the memory that they work on. */
async function openKernels(config: NcfConfig, data: TrainingData, seed: number) {
  const runtime = await trainingRuntime({ sharedMemory: false });
  const layout = memoryLayout(config, data, { seed, threads: 1 }, 1);
  const pages = Math.ceil(layout.bytes / 65536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  layout.fill(memory.buffer);
  const kernels = new WebAssembly.Instance(runtime.module, { env: { memory } }).exports as unknown as Kernels;
  kernels.enter(0, 1, 0);
  kernels.buildFilter();
  return { kernels, layout, buffer: memory.buffer };
}

/** Users with few, many and all of the items as positives. */
function variedData(users: number, items: number): TrainingData {
  const rng = new Rng(streamKey(8, 1));
  const offsets = new Uint32Array(users + 1);
  const positives: number[] = [];
  const places: number[] = [];
  for (let user = 0; user < users; user++) {
    const share = user === 0 ? 1 : user === 1 ? 0.99 : rng.unit() ** 2;
    for (let item = 0; item < items; item++) if (share === 1 || rng.unit() < share) positives.push(item);
    offsets[user + 1] = positives.length;
    for (let place = positives.length - offsets[user] - 1; place >= 0; place--) places.push(place);
  }
  return {
    users,
    items,
    offsets,
    positives: Int32Array.from(positives),
    places: Int32Array.from(places),
    userRows: Int32Array.from({ length: users }, (_, user) => 2 * user + 1),
    itemRows: Int32Array.from({ length: items }, (_, item) => 3 * item),
    userRowCount: 2 * users,
    itemRowCount: 3 * items,
  };
}

describe("batch drawing in wasm", () => {
  const { paper } = presets;
  const history = { weights: "mean", window: 9, alpha: 1, ownRow: false } as const;
  const variants: Record<string, NcfConfig> = {
    "negatives drawn eachEpoch": { ...paper, negativeDraw: "eachEpoch" },
    "negatives drawn once": { ...paper, negativeDraw: "once" },
    "the samples of a positive together": { ...paper, history },
    "negatives drawn by popularity": { ...paper, negativePower: 0.75 },
    "positives alone, with histories": { ...paper, history, negatives: 0 },
  };
  for (const [title, variant] of Object.entries(variants)) {
    it(`draws the very batches of the readable sampler: ${title}`, async () => {
      const config: NcfConfig = { ...variant, batchSize: 128 };
      const data = variedData(37, 61);
      const seed = 2 ** 40 + 12345;
      const { kernels, layout, buffer } = await openKernels(config, data, seed);
      const sampler = new BatchSampler(config, data, seed);
      for (let step = 0; step < 2 * sampler.stepsPerEpoch + 2; step++) {
        kernels.draw(step);
        const { users, items, labels, positives } = sampler.at(step);
        const drawn = (at: number): Uint32Array =>
          new Uint32Array(buffer, at + (step % 2) * config.batchSize * 4, users.length);
        expect([...drawn(layout.batchUsers)]).toEqual([...users].map((user) => data.userRows[user]));
        expect([...drawn(layout.batchItems)]).toEqual([...items].map((item) => data.itemRows[item]));
        expect([...drawn(layout.batchLabels)]).toEqual([...labels]);
        if (config.history) expect([...drawn(layout.batchPositives)]).toEqual([...positives]);
      }
    });
  }
});

describe("dropout in wasm", () => {
  it("drops what keepsActivation drops, in every layer and in a short batch too", async () => {
    const config: NcfConfig = {
      ...presets.paper,
      batchSize: 64,
      mlp: { ...presets.paper.mlp, hidden: [40, 16, 8], regularizedLayers: 2, dropout: 0.35 },
    };
    const data = variedData(9, 23);
    const { kernels, buffer } = await openKernels(config, data, 77);
    const sampler = new BatchSampler(config, data, 77);
    for (const step of [0, sampler.stepsPerEpoch - 1]) {
      kernels.run(step, 1);
      const rows = sampler.at(step).users.length;
      for (const [layer, width] of [40, 16].entries()) {
        const record = slot.descriptor + slot.layersAt + layer * slot.layerBytes;
        const at = new DataView(buffer).getUint32(record + 8 * slot.activation, true);
        const stride = new DataView(buffer).getUint32(record + 8 * slot.stride, true);
        const key = streamKey(77, purposes.dropout + layer, step);
        for (let row = 0; row < rows; row++) {
          const values = [...new Float32Array(buffer, at + row * stride, width)];
          const expected = values.map((_, unit) => keepsActivation(key, 0.35, width, row, unit));
          expect(values.map((value) => !Object.is(value, -0))).toEqual(expected);
        }
      }
    }
  });
});

describe("deferred dense Adam in wasm", () => {
  const rate = 1e-3;
  const [beta1, beta2] = [0.9, 0.999];
  const epsilon = 1e-8;

  /** Where dense Adam in float64 moves a value with moments m and v, last touched at step s, in `idle` steps. */
  function denseDrift(m: number, v: number, s: number, idle: number): number {
    let drift = 0;
    for (let k = 1; k <= idle; k++) {
      const first = (m * beta1 ** k) / (1 - beta1 ** (s + k));
      const second = (v * beta2 ** k) / (1 - beta2 ** (s + k));
      drift += (rate * first) / (Math.sqrt(second) + epsilon);
    }
    return drift;
  }

  it("moves idle rows as dense Adam does, for 1 to 500 idle steps and gradients from 1e-2 to 1e-9", async () => {
    const { kernels, layout, buffer } = await openKernels(presets.paper, variedData(5, 9), 1);
    const record = layout.users.at;
    const width = layout.users.width;
    const floats = new Float32Array(buffer, record, 3 * width);
    for (const touched of [1, 2, 10, 60, 127, 191, 192, 193, 300, 500, 999, 1000, 1001, 3000, 20_000, 80_000]) {
      for (const idle of [1, 2, 3, 7, 8, 9, 16, 17, 40, 65, 128, 129, 500]) {
        // Gradients 1e-2 … 1e-9; the first moment of a row that saw one gradient, the second of one that saw several.
        for (let k = 0; k < width; k++) {
          const gradient = 10 ** -(2 + k) * (k % 2 === 0 ? 1 : -1);
          floats[k] = 0;
          floats[width + k] = 0.1 * gradient;
          floats[2 * width + k] = 0.002 * gradient * gradient;
        }
        const before = floats.slice();
        kernels.catchUp(record, width, touched, touched + idle);
        for (let k = 0; k < width; k++) {
          const expected = -denseDrift(before[width + k], before[2 * width + k], touched, idle);
          const error = Math.abs(floats[k] / expected - 1);
          expect(error, `touched ${touched}, idle ${idle}, gradient 1e-${k + 2}`).toBeLessThan(1e-4);
          expect(Math.abs(floats[width + k] - before[width + k] * beta1 ** idle)).toBeLessThan(
            1e-6 * Math.abs(before[width + k] * beta1 ** idle) + 1e-30,
          );
          expect(floats[2 * width + k] / (before[2 * width + k] * beta2 ** idle)).toBeCloseTo(1, 5);
        }
      }
    }
  });

  it("leaves a row without moments where it is", async () => {
    const { kernels, layout, buffer } = await openKernels(presets.paper, variedData(5, 9), 1);
    const floats = new Float32Array(buffer, layout.users.at, 3 * layout.users.width).fill(0);
    floats[0] = 0.5;
    for (const touched of [5, 500, 5000]) kernels.catchUp(layout.users.at, layout.users.width, touched, touched + 30);
    expect([...floats]).toEqual([0.5, ...new Array(floats.length - 1).fill(0)]);
  });
});
