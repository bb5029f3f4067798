import { describe, expect, it } from "vitest";
import { Rng, streamKey } from "../../src/core/rng.ts";
import type { TrainingData } from "../../src/ncf/backend.ts";
import { type NcfConfig, presets } from "../../src/ncf/config.ts";
import { attributeFeatureNames, attributeFeatures } from "../../src/ncf/item-features.ts";
import { referenceBackend } from "../../src/ncf/reference/backend.ts";
import { wasmBackend } from "../../src/ncf/wasm/backend.ts";
import { runSteps, sameBytes, testNumericBackend } from "../conformance/numeric-backend.ts";

testNumericBackend("wasm", wasmBackend(), { lossTolerance: 1e-4, valueTolerance: 1e-4, threads: 2 });
testNumericBackend("wasm plain SIMD", wasmBackend({ simd: "plain" }), { lossTolerance: 1e-4, valueTolerance: 1e-4 });
testNumericBackend("wasm in the calling thread", wasmBackend({ sharedMemory: false }), {
  lossTolerance: 1e-4,
  valueTolerance: 1e-4,
});

const colours = attributeFeatureNames([["red", "green"], ["blue"], ["yellow", "white"]]);

/** Random positives, `perUser` a user on average; the last batch of an epoch is short. */
function randomData(users: number, items: number, perUser: number): TrainingData {
  const rng = new Rng(streamKey(5, 99));
  const offsets = new Uint32Array(users + 1);
  const positives: number[] = [];
  const places: number[] = [];
  for (let user = 0; user < users; user++) {
    const own = new Set<number>();
    for (let i = rng.below(2 * perUser); i >= 0; i--) own.add(rng.below(items));
    const ascending = [...own].sort((a, b) => a - b);
    positives.push(...ascending);
    places.push(...ascending.map((item) => [...own].indexOf(item)));
    offsets[user + 1] = positives.length;
  }
  const identity = (count: number): Int32Array => Int32Array.from({ length: count }, (_, i) => i);
  return {
    users,
    items,
    offsets,
    positives: Int32Array.from(positives),
    itemFeatures: attributeFeatures(
      colours,
      Array.from({ length: items }, (_, item) => colours.names.filter((_, c) => item % (c + 2) === 0)),
    ),
    places: Int32Array.from(places),
    userRows: identity(users),
    itemRows: identity(items),
    userRowCount: users,
    itemRowCount: items,
  };
}

const data = randomData(120, 100, 5);
const { paper } = presets;
const variants: Record<string, NcfConfig> = {
  paper,
  neumf: presets.neumf,
  mf: presets.mf,
  "batch norm before ReLU": { ...paper, mlp: { ...paper.mlp, batchNorm: "beforeRelu" }, batchSize: 256 },
  "dropout without batch norm, all branches": {
    ...paper,
    mlp: { ...paper.mlp, batchNorm: "none", embeddingSize: 12, hidden: [40, 24, 8] },
    gmf: { embeddingSize: 4, embeddingStd: 0.1 },
    itemBias: true,
  },
  "batch norm on every layer, one draw of negatives": {
    ...paper,
    mlp: { ...paper.mlp, hidden: [24, 16], regularizedLayers: 2 },
    negativeDraw: "once",
    batchSize: 64,
  },
  "the mean of the whole history beside own rows": {
    ...presets.neumf,
    history: { weights: "mean", window: 1000, alpha: 0.5, ownRow: true },
  },
  "the mean of the newest two": {
    ...presets.mf,
    history: { weights: "mean", window: 2, alpha: 1, ownRow: false },
    batchSize: 64,
  },
  "history by recency alone, in both branches": {
    ...paper,
    gmf: { embeddingSize: 20, embeddingStd: 0.1 },
    history: { weights: "recency", window: 5, alpha: 1, ownRow: false },
    negatives: 2,
    batchSize: 128,
  },
  "items by their features, too, in all branches": {
    ...presets.neumf,
    itemBias: true,
    itemFeatures: colours,
    history: { weights: "recency", window: 50, alpha: 0.5, ownRow: true },
    batchSize: 192,
  },
};

describe("wasm backend", () => {
  for (const [name, config] of Object.entries(variants)) {
    it(`follows the reference backend over an epoch and a bit: ${name}`, async () => {
      const reference = await referenceBackend.open(config, data, { seed: 3, threads: 1 });
      const wasm = await wasmBackend().open(config, data, { seed: 3, threads: 2 });
      expect(wasm.stepsPerEpoch).toBe(reference.stepsPerEpoch);
      const steps = Math.min(30, reference.stepsPerEpoch + 3);
      const expected = await runSteps(reference, steps);
      const found = await runSteps(wasm, steps);
      found.forEach((loss, step) => {
        expect(Math.abs(loss / expected[step] - 1), `step ${step + 1}`).toBeLessThan(1e-5);
      });
      await wasm.close();
    });

    it(`gives the same bytes for 1, 2 and 4 threads: ${name}`, async () => {
      const states = [];
      for (const threads of [1, 2, 4]) {
        const session = await wasmBackend().open(config, data, { seed: 4, threads });
        await runSteps(session, session.stepsPerEpoch + 2);
        states.push(session.state());
        await session.close();
      }
      expect(sameBytes(states[0].tensors, states[1].tensors)).toBe(true);
      expect(sameBytes(states[0].tensors, states[2].tensors)).toBe(true);
    });
  }

  it("gives the same bytes however the steps are divided into calls", async () => {
    const whole = await wasmBackend().open(paper, data, { seed: 4, threads: 2 });
    await whole.run(4);
    const parts = await wasmBackend().open(paper, data, { seed: 4, threads: 1 });
    for (const count of [1, 2, 1]) await parts.run(count);
    expect(sameBytes(whole.state().tensors, parts.state().tensors)).toBe(true);
    await whole.close();
    await parts.close();
  });

  it("refuses to run past the end of an epoch", async () => {
    const session = await wasmBackend().open(paper, data, { seed: 1, threads: 1 });
    await expect(session.run(session.stepsPerEpoch + 1)).rejects.toMatchObject({ code: "STEPS_INVALID" });
    await session.close();
  });

  it("shows the step whose loss is not a number", async () => {
    const session = await wasmBackend().open(paper, data, { seed: 1, threads: 2 });
    await session.run(2);
    const state = session.state();
    state.tensors.get("output.bias")?.data.fill(Number.NaN);
    session.restore(state);
    const [loss] = await session.run(1);
    expect(loss).toBeNaN();
    await session.close();
  });

  it("lets the event loop run while it computes", async () => {
    const session = await wasmBackend().open(paper, data, { seed: 1, threads: 1 });
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    for (let epoch = 0; epoch < 20; epoch++) await session.run(session.stepsPerEpoch);
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(0);
    await session.close();
  });

  it("goes on bit for bit from a state in the middle of an epoch, with histories too", async () => {
    const config = variants["history by recency alone, in both branches"];
    const whole = await wasmBackend().open(config, data, { seed: 4, threads: 2 });
    await whole.run(3);
    const state = whole.state();
    await runSteps(whole, whole.stepsPerEpoch);
    const parts = await wasmBackend().open(config, data, { seed: 4, threads: 1 });
    await parts.run(1);
    parts.restore(state);
    await runSteps(parts, parts.stepsPerEpoch);
    expect(sameBytes(whole.state().tensors, parts.state().tensors)).toBe(true);
    await whole.close();
    await parts.close();
  });

  it("refuses data without the features that its configuration has, and with ones that it lacks", async () => {
    const config = { ...variants["items by their features, too, in all branches"], history: null };
    const { itemFeatures, ...featureless } = data;
    expect(itemFeatures).toBeDefined();
    const open = (of: NcfConfig, from: TrainingData) => wasmBackend().open(of, from, { seed: 1, threads: 1 });
    await expect(open(config, featureless)).rejects.toMatchObject({ code: "DATA_INVALID" });
    const fewer: NcfConfig = { ...config, itemFeatures: { from: "attributes", names: ["red"] } };
    await expect(open(fewer, data)).rejects.toMatchObject({ code: "DATA_INVALID" });
  });

  it("refuses data that do not say what came before what, for a model of histories", async () => {
    const { places, ...unordered } = data;
    expect(places).toBeDefined();
    const config = variants["the mean of the newest two"];
    await expect(wasmBackend().open(config, unordered, { seed: 1, threads: 1 })).rejects.toMatchObject({
      code: "DATA_INVALID",
    });
  });

  it("refuses moments that would not come to rest, and models beyond 4 GiB", async () => {
    const restless: NcfConfig = { ...paper, adamBetas: [0.99, 0.9] };
    await expect(wasmBackend().open(restless, data, { seed: 1, threads: 1 })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
    const huge = { ...data, userRowCount: 2 ** 24, itemRowCount: 2 ** 24 };
    await expect(wasmBackend().open(paper, huge, { seed: 1, threads: 1 })).rejects.toMatchObject({
      code: "MODEL_TOO_LARGE",
    });
  });

  it("names the arithmetic of each build", async () => {
    const plain = await wasmBackend({ simd: "plain" }).open(paper, data, { seed: 1, threads: 1 });
    const best = await wasmBackend().open(paper, data, { seed: 1, threads: 1 });
    expect(plain.arithmetic).toBe("wasm simd");
    expect(["wasm simd", "wasm relaxed fma"]).toContain(best.arithmetic);
    await plain.close();
    await best.close();
  });
});
