import { describe, expect, it } from "vitest";
import { type IalsSettings, ials } from "../../src/baselines/ials.ts";
import { undivided } from "../../src/core/leave-one-out.ts";
import { factorize, solveFactorized } from "../../src/core/linear-algebra.ts";
import { Rng, streamKey } from "../../src/core/rng.ts";
import type { Sample } from "../../src/core/sample.ts";
import { checkerboard } from "../core/checkerboard.ts";
import { sampleOfHistories } from "../core/sample-of-histories.ts";

const settings: IalsSettings = {
  ...ials.defaults,
  factors: 5,
  iterations: 4,
  unobservedWeight: 0.3,
  regularization: 0.05,
};

function randomSample(users: number, items: number): Sample {
  const rng = new Rng(streamKey(1, 1));
  const histories = Array.from({ length: users }, () =>
    Array.from({ length: items }, (_, item) => item).filter(() => rng.unit() < 0.3),
  );
  return sampleOfHistories(histories, items);
}

async function fitted(sample: Sample, s: IalsSettings) {
  const model = await ials.fit({ sample, attributes: [] }, s);
  const factors = model.tensors.get("item_factors")?.data as Float32Array;
  const items = Int32Array.from(sample.itemIds.keys());
  return {
    factors: Array.from(items, (item) => [...factors.subarray(item * s.factors, (item + 1) * s.factors)]),
    scores: (history: Int32Array): number[] => {
      const scores = new Float64Array(items.length);
      model.scoreHistory(history, items, scores);
      return [...scores];
    },
  };
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, k) => sum + value * b[k], 0);

/** The factors of a row with these `liked`, among all of the other side, from the loss's normal equations over every pair; oldest first. */
function solvedDensely(others: readonly (readonly number[])[], liked: readonly number[], s: IalsSettings): number[] {
  const width = s.factors;
  const matrix = new Float64Array(width * width);
  const right = new Float64Array(width);
  others.forEach((h, at) => {
    const place = liked.indexOf(at);
    const observed = place < 0 ? 0 : (liked.length - place) ** -s.recency;
    for (let i = 0; i < width; i++) {
      right[i] += observed * h[i];
      for (let j = 0; j < width; j++) matrix[i * width + j] += (observed + s.unobservedWeight) * h[i] * h[j];
    }
  });
  const ridge = s.regularization * (liked.length + s.unobservedWeight * others.length) ** s.frequencyExponent;
  for (let i = 0; i < width; i++) matrix[i * width + i] += ridge;
  factorize(matrix, width);
  solveFactorized(matrix, right, width);
  return [...right];
}

/** The loss of the docstring, with each user's factors solved for. */
function loss(sample: Sample, factors: readonly (readonly number[])[], s: IalsSettings): number {
  const { offsets, items } = sample.train;
  const users = sample.userIds.length;
  const counts = factors.map((_, item) => items.filter((other) => other === item).length);
  let sum = 0;
  for (let user = 0; user < users; user++) {
    const liked = [...items.subarray(offsets[user], offsets[user + 1])];
    const w = solvedDensely(factors, liked, s);
    for (const item of liked) sum += (1 - dot(w, factors[item])) ** 2;
    for (const h of factors) sum += s.unobservedWeight * dot(w, h) ** 2;
    sum += s.regularization * (liked.length + s.unobservedWeight * factors.length) ** s.frequencyExponent * dot(w, w);
  }
  factors.forEach((h, item) => {
    sum += s.regularization * (counts[item] + s.unobservedWeight * users) ** s.frequencyExponent * dot(h, h);
  });
  return sum;
}

describe("ials", () => {
  it.each([
    { frequencyExponent: 0, recency: 0 },
    { frequencyExponent: 0.5, recency: 0 },
    { frequencyExponent: 1, recency: 0 },
    { frequencyExponent: 1, recency: 0.5 },
  ])("scores with the user's factors that the loss over every pair asks for, with %j", async (changes) => {
    const s = { ...settings, ...changes };
    const { factors, scores } = await fitted(randomSample(60, 30), s);
    for (const history of [[], [3], [7, 1, 29], factors.map((_, item) => item)]) {
      const user = solvedDensely(factors, history, s);
      scores(Int32Array.from(history)).forEach((score, item) => {
        expect(score).toBeCloseTo(dot(user, factors[item]), 10);
      });
    }
  });

  it("lowers the loss in every iteration, down to where it stays", async () => {
    const sample = randomSample(60, 30);
    const losses: number[] = [];
    for (const iterations of [1, 2, 4, 8, 200, 201]) {
      losses.push(loss(sample, (await fitted(sample, { ...settings, iterations })).factors, settings));
    }
    expect(losses).toEqual([...losses].sort((a, b) => b - a));
    expect(losses[4] - losses[5]).toBeLessThan(1e-4 * losses[5]);
  });

  it("recommends a checkerboard's own colour, to new users too", async () => {
    const sample = undivided(checkerboard(2, 20, 10));
    const { scores } = await fitted(sample, { ...settings, regularization: 0.002 });
    const found = scores(Int32Array.from([0, 2, 4]));
    expect(found[6]).toBeGreaterThan(0.4);
    expect(Math.abs(found[7])).toBeLessThan(0.05);
  });

  it("scores an item without interactions 0", async () => {
    const { scores } = await fitted(sampleOfHistories([[0, 1], [1]], 3), settings);
    expect(scores(Int32Array.from([0]))[2]).toBe(0);
  });

  it("depends on its seed alone", async () => {
    const sample = randomSample(20, 10);
    const [first, again, other] = [
      await fitted(sample, settings),
      await fitted(sample, settings),
      await fitted(sample, { ...settings, seed: 2 }),
    ];
    expect(again.factors).toEqual(first.factors);
    expect(other.factors).not.toEqual(first.factors);
  });

  it("reports progress, and ends with the signal's reason", async () => {
    const sample = randomSample(400, 200);
    const wide = { ...settings, factors: 40 };
    const shares: number[] = [];
    await ials.fit({ sample, attributes: [] }, wide, { onProgress: (share) => shares.push(share) });
    expect(shares.length).toBeGreaterThan(2);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBeGreaterThan(0.8);
    const reason = new Error("enough");
    const stopped = ials.fit({ sample, attributes: [] }, wide, { signal: AbortSignal.abort(reason) });
    await expect(stopped).rejects.toBe(reason);
  });
});
