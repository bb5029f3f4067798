import { describe, expect, it } from "vitest";
import { popularityOf } from "../../src/baselines/popularity.ts";
import { CandidateSampler } from "../../src/core/candidates.ts";
import { NcfError } from "../../src/core/errors.ts";
import { rankTestItems, summarize, testedUsers } from "../../src/core/evaluation.ts";
import { leaveOneOut } from "../../src/core/leave-one-out.ts";
import type { Recommender } from "../../src/core/recommender.ts";
import type { Sample } from "../../src/core/sample.ts";
import { SyntheticDataset } from "../../src/core/synthetic/dataset.ts";
import { syntheticRatingTable } from "../../src/core/synthetic/table.ts";
import { type NcfConfig, presets } from "../../src/ncf/config.ts";
import { trainingData } from "../../src/ncf/model.ts";
import { parameterCount, parameterTable } from "../../src/ncf/parameters.ts";
import { type TrainerInput, type TrainerResult, trainModel } from "../../src/ncf/trainer.ts";
import { wasmBackend } from "../../src/ncf/wasm/backend.ts";
import { createScorer } from "../../src/ncf/wasm/scorer.ts";
import { checkerboard } from "../core/checkerboard.ts";

function train(config: NcfConfig, sample: Sample, options: Partial<TrainerInput> = {}): Promise<TrainerResult> {
  return trainModel(
    { backend: wasmBackend(), monotonicMs: () => performance.now(), checkpoints: null },
    {
      config,
      data: trainingData(config, sample),
      sample: "",
      seed: 1,
      threads: 2,
      earlyStopping: null,
      checkpointEveryMs: Number.POSITIVE_INFINITY,
      ...options,
    },
  );
}

async function trained(config: NcfConfig, sample: Sample): Promise<Recommender> {
  const { userRows, itemRows } = trainingData(config, sample);
  const { tensors } = await train(config, sample);
  return createScorer({ name: "trained", config, tensors, userRows, itemRows });
}

/** HR@10 against 99 unseen items. */
function hitRatio(model: Recommender, sample: Sample): number {
  const sampler = new CandidateSampler(sample, { seed: 1, negatives: 99, withReplacement: false });
  return summarize(rankTestItems(model, testedUsers(sample), (user) => sampler.of(user))).hrAt10;
}

describe("learning", () => {
  const board = checkerboard(25, 48, 12);

  it("leaves popularity with nothing to go by on a checkerboard", () => {
    expect(hitRatio(popularityOf(board), board)).toBeCloseTo(0.1, 10);
  });

  it.each(["mf", "neumf"] as const)("learns a checkerboard with %s", async (name) => {
    expect(hitRatio(await trained(presets[name], board), board)).toBeGreaterThanOrEqual(0.95);
  });

  it("closes at least 60 % of the distance from popularity to the oracle of generated data", async () => {
    const data = new SyntheticDataset({ shape: "small", seed: 1, users: 1500, movies: 2000, ratings: 150_000 });
    const everyone = new Uint8Array(data.users).fill(1);
    const { sample } = leaveOneOut(syntheticRatingTable(data), everyone, {
      tieRule: "firstInFile",
      seed: 1,
      listedItemIds: null,
    });
    const floor = hitRatio(popularityOf(sample), sample);
    const ceiling = hitRatio(data.oracle(sample), sample);
    const found = hitRatio(await trained(presets.neumf, sample), sample);
    expect((found - floor) / (ceiling - floor)).toBeGreaterThanOrEqual(0.6);
  });
});

describe("the paper's network", () => {
  /** One rating of the greatest user id and movie id of ML-20M. */
  const greatest: Sample = {
    userIds: Float64Array.of(138_493),
    itemIds: Float64Array.of(131_262),
    userLabels: new Map(),
    itemLabels: new Map(),
    train: { offsets: Uint32Array.of(0, 1), items: Int32Array.of(0), timestampsMs: Float64Array.of(0) },
    testItems: Int32Array.of(-1),
    testTimestampsMs: Float64Array.of(Number.NaN),
  };

  it("has exactly the published parameters on ML-20M's ids", () => {
    const { userRowCount, itemRowCount } = trainingData(presets.paper, greatest);
    const layers: Record<string, number> = {};
    for (const spec of parameterTable(presets.paper, userRowCount, itemRowCount)) {
      const [layer] = spec.name.split(".");
      layers[layer] = (layers[layer] ?? 0) + parameterCount(spec);
    }
    expect(layers).toEqual({
      user_embedding: 1_107_952,
      item_embedding: 1_050_104,
      fc1: 2176,
      batch_norm1: 256,
      fc2: 8256,
      batch_norm2: 128,
      fc3: 2080,
      batch_norm3: 64,
      fc4: 528,
      output: 17,
    });
  });
});

describe("training", () => {
  const small = checkerboard(4, 8, 8);
  const config: NcfConfig = { ...presets.neumf, batchSize: 64, epochs: 6 };

  it.each([presets.paper, presets.neumf, presets.mf])(
    "reports the step at which the loss is no longer finite (preset %#)",
    async (preset) => {
      const exploding: NcfConfig = { ...preset, batchSize: 64, learningRate: 1e30 };
      const data = trainingData(exploding, small);
      const session = await wasmBackend().open(exploding, data, { seed: 1, threads: 1 });
      let step = 0;
      let loss = 0;
      while (Number.isFinite(loss) && ++step <= session.stepsPerEpoch) [loss] = await session.run(1);
      await session.close();
      expect(step).toBeLessThanOrEqual(session.stepsPerEpoch);

      const error = await train(exploding, small).catch((found: unknown) => found);
      expect(error).toBeInstanceOf(NcfError);
      expect(error).toMatchObject({ code: "LOSS_NOT_FINITE", data: { step } });
      expect((error as NcfError).message).toContain(`at step ${step} `);
    },
  );

  /** An early-stopping rule that is told its scores, epoch by epoch. */
  function scripted(patience: number, scores: readonly number[]) {
    let epoch = 0;
    return { patience, score: async () => scores[epoch++] };
  }

  it("stops after the epochs of patience and keeps the best epoch", async () => {
    const stopped = await train(config, small, { earlyStopping: scripted(2, [0.2, 0.5, 0.4, 0.5, 0.9, 0.9]) });
    expect(stopped.validation).toEqual([0.2, 0.5, 0.4, 0.5]);
    expect(stopped.steps).toBe(4 * stopped.stepsPerEpoch);
    expect(stopped.epochs).toBe(2);
    const twoEpochs = await train({ ...config, epochs: 2 }, small);
    expect(stopped.tensors).toEqual(twoEpochs.tensors);
  });

  it("goes on while validation gets better, to the last epoch", async () => {
    const full = await train(config, small, { earlyStopping: scripted(1, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]) });
    expect(full.epochs).toBe(6);
    expect(full.validation).toHaveLength(6);
    expect(full.tensors).toEqual((await train(config, small)).tensors);
  });
});
