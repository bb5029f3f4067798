import { describe, expect, it } from "vitest";
import type { TrainingData } from "../../src/ncf/backend.ts";
import { checkConfig, type NcfConfig, presets } from "../../src/ncf/config.ts";
import { withDerivedRows } from "../../src/ncf/derived-rows.ts";
import { trainingData } from "../../src/ncf/model.ts";
import type { Tensor, TensorMap } from "../../src/ncf/parameters.ts";
import { referenceBackend } from "../../src/ncf/reference/backend.ts";
import { type CheckpointStore, type TrainerInput, trainModel } from "../../src/ncf/trainer.ts";
import { checkerboard } from "../core/checkerboard.ts";

const config: NcfConfig = {
  ...presets.mf,
  gmf: { embeddingSize: 4, embeddingStd: 0.1 },
  history: { weights: "recency", window: 8, alpha: 0.5, ownRow: true },
  batchSize: 64,
  epochs: 3,
  averagedEpochs: 2,
};
const data: TrainingData = trainingData(config, checkerboard(4, 8, 8));

async function trained(changes: Partial<NcfConfig>, options: Partial<TrainerInput> = {}, store?: CheckpointStore) {
  const { tensors } = await trainModel(
    { backend: referenceBackend, monotonicMs: () => 0, checkpoints: store ?? null },
    {
      config: { ...config, ...changes },
      data,
      sample: "",
      seed: 1,
      threads: 1,
      earlyStopping: null,
      checkpointEveryMs: Number.POSITIVE_INFINITY,
      ...options,
    },
  );
  return tensors;
}

/** `before` with the given share of the way to `after` gone, in single precision. */
function towards(before: TensorMap, after: TensorMap, share: number): Map<string, Tensor> {
  return new Map(
    [...before].map(([name, { shape, data: from }]) => {
      const to = after.get(name)?.data ?? from;
      return [name, { shape, data: from.map((value, i) => value + (to[i] - value) * share) }];
    }),
  );
}

describe("averaged epochs", () => {
  it("give the mean that forgets, of the parameters at each epoch's end, and the users' vectors that it makes", async () => {
    const ends = [1, 2, 3].map((epochs) => trained({ averagedEpochs: 1, epochs }));
    const [first, second, third] = await Promise.all(ends);
    const expected = withDerivedRows(config, data, towards(towards(first, second, 1 / 2), third, 1 / 2));
    const found = await trained({});
    expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [name, tensor] of expected) expect(found.get(name)).toEqual(tensor);
  });

  it("are the same after a pause", async () => {
    let kept: Uint8Array | null = null;
    const store: CheckpointStore = {
      description: "checkpoint",
      load: async () => kept,
      save: async (bytes) => {
        kept = bytes;
      },
    };
    await trained({}, { pauseAfterEpochs: 2 }, store);
    expect(await trained({}, {}, store)).toEqual(await trained({}));
  });

  it("are what early stopping scores and keeps", async () => {
    const scored: TensorMap[] = [];
    const score = async (tensors: TensorMap): Promise<number> => scored.push(tensors);
    const found = await trained({}, { earlyStopping: { patience: 3, score } });
    expect(scored).toHaveLength(3);
    expect(found).toEqual(scored[2]);
    expect(found).toEqual(await trained({}));
  });

  it("are at least one", () => {
    expect(() => checkConfig({ ...config, averagedEpochs: 0 })).toThrow("averagedEpochs: a positive integer");
  });
});
