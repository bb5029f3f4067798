import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { BatchSampler } from "../../src/ncf/batches.ts";
import { checkConfig } from "../../src/ncf/config.ts";
import { initialTensors, parameterTable } from "../../src/ncf/parameters.ts";
import { packedDropoutMasks } from "./dropout-masks.ts";
import { type GoldenCase, goldenCase, goldenCases } from "./golden-fixture.ts";

/** Users touched by a batch and then left alone for more than `limit` steps. */
function usersIdleFor(limit: number, { batches }: GoldenCase): number {
  const lastTouched = new Map<number, number>();
  const idle = new Set<number>();
  const close = (user: number, step: number): void => {
    if (step - (lastTouched.get(user) ?? step) > limit) idle.add(user);
  };
  batches.forEach(({ users }, step) => {
    for (const user of users) {
      close(user, step);
      lastTouched.set(user, step);
    }
  });
  for (const user of lastTouched.keys()) close(user, batches.length - 1);
  return idle.size;
}

describe("golden PyTorch fixture", () => {
  it("has the paper's net, both other presets' nets, the case of idle rows, histories of both kinds and item features", () => {
    const lengths = goldenCases().map(({ name, losses }) => [name, losses.length]);
    expect(Object.fromEntries(lengths)).toEqual({
      paper: 20,
      neumf: 20,
      mf: 20,
      "norm-before-relu": 20,
      "idle-rows": 150,
      "history-mean": 20,
      "history-recency": 20,
      "item-features": 20,
    });
  });

  it.each(goldenCases())("$name: holds the batches that the sampler draws, ending with an epoch", (golden) => {
    checkConfig(golden.config);
    const sampler = new BatchSampler(golden.config, golden.data, golden.seed);
    expect(golden.batches.length % sampler.stepsPerEpoch).toBe(0);
    expect(golden.batches.length).toBe(golden.losses.length);
    golden.batches.forEach((batch, step) => {
      const { positives, ...drawn } = sampler.at(step);
      expect(batch).toEqual(golden.config.history ? { ...drawn, positives } : drawn);
    });
  });

  it.each(goldenCases())("$name: starts from the initial values of its seed", ({ config, data, seed, initial }) => {
    const drawn = initialTensors(parameterTable(config, data.userRowCount, data.itemRowCount), seed);
    expect([...initial.keys()].sort()).toEqual([...drawn.keys()].sort());
    for (const [name, tensor] of drawn) expect(initial.get(name), name).toEqual(tensor);
  });

  it.each(goldenCases())("$name: was trained with the dropout masks of its seed", (golden) => {
    const hash = createHash("sha256");
    golden.batches.forEach(({ users }, step) => {
      for (const mask of packedDropoutMasks(golden.config, golden.seed, step, users.length)) hash.update(mask);
    });
    expect(hash.digest("hex")).toBe(golden.dropoutMasksSha256);
  });

  it.each(goldenCases())("$name: has losses that float32 confirms, and tensors that moved", (golden) => {
    golden.losses.forEach((loss, step) => {
      expect(Math.abs(golden.lossesFloat32[step] - loss) / loss).toBeLessThan(2e-6);
    });
    for (const [name, { shape, data }] of golden.final) {
      expect(shape, name).toEqual(golden.initial.get(name)?.shape);
      expect(data, name).not.toEqual(golden.initial.get(name)?.data);
    }
  });

  it("has rows idle for over 100 steps and gradients below 1e-6", () => {
    const golden = goldenCase("idle-rows");
    expect(usersIdleFor(100, golden)).toBeGreaterThanOrEqual(50);
    expect(golden.facts["rowGradientsBelow1e-6"]).toBeGreaterThan(1000);
  });
});
