import { describe, expect, it } from "vitest";
import { DecayedPopularity } from "../../src/baselines/decayed-popularity.ts";
import { learnSample } from "../../src/baselines/learn-sample.ts";

const halfLifeMs = 1000;

function scores(model: DecayedPopularity, items: number): number[] {
  const found = new Float64Array(items);
  model.score(
    0,
    Int32Array.from({ length: items }, (_, item) => item),
    found,
  );
  return [...found];
}

describe("decayed popularity", () => {
  it("counts an interaction half as much after a half-life", () => {
    const model = new DecayedPopularity(3, halfLifeMs);
    model.learn(0, 0, 5000);
    model.learn(0, 1, 6000);
    model.learn(1, 2, 4000);
    const [old, recent, oldest] = scores(model, 3);
    expect(recent / old).toBeCloseTo(2, 12);
    expect(old / oldest).toBeCloseTo(2, 12);
  });

  it("keeps the ratios over times that would overflow a sum of powers", () => {
    const model = new DecayedPopularity(4, halfLifeMs);
    for (let step = 0; step <= 3000; step++) model.learn(0, step % 2, step * halfLifeMs);
    model.learn(0, 2, 2999 * halfLifeMs);
    const [even, odd, once, never] = scores(model, 4);
    // Every second half-life: 1 + 1/4 + 1/16 + … = 4/3, and a half of that one half-life earlier.
    expect(even / odd).toBeCloseTo(2, 9);
    expect(even / once).toBeCloseTo(8 / 3, 9);
    expect(never).toBe(0);
  });

  it("ranks a fixed set alike in any order of learning", () => {
    const train = {
      offsets: Uint32Array.from([0, 2, 5]),
      items: Int32Array.from([0, 1, 1, 2, 0]),
      timestampsMs: Float64Array.from([9000, 100, 4000, 2500, 8000]),
    };
    const forwards = learnSample(new DecayedPopularity(3, halfLifeMs), { train });
    const byTime = new DecayedPopularity(3, halfLifeMs);
    for (const i of [1, 3, 2, 4, 0]) byTime.learn(0, train.items[i], train.timestampsMs[i]);
    const [a, b] = [scores(forwards, 3), scores(byTime, 3)];
    a.forEach((score, item) => {
      expect(score / a[0]).toBeCloseTo(b[item] / b[0], 12);
    });
  });
});
