import { describe, expect, it } from "vitest";
import { DecayedCounts, decayedCounts } from "../../src/baselines/decayed-counts.ts";

const halfLifeMs = 1000;

describe("decayed counts", () => {
  it("count an interaction half as much after a half-life", () => {
    const counts = new DecayedCounts(3, halfLifeMs);
    counts.add(0, 5000);
    counts.add(1, 6000);
    counts.add(2, 4000);
    const [old, recent, oldest] = counts.values;
    expect(recent / old).toBeCloseTo(2, 12);
    expect(old / oldest).toBeCloseTo(2, 12);
  });

  it("keep the ratios over times that would overflow a sum of powers", () => {
    const counts = new DecayedCounts(4, halfLifeMs);
    for (let step = 0; step <= 3000; step++) counts.add(step % 2, step * halfLifeMs);
    counts.add(2, 2999 * halfLifeMs);
    const [even, odd, once, never] = counts.values;
    // Every second half-life: 1 + 1/4 + 1/16 + … = 4/3, and a half of that one half-life earlier.
    expect(even / odd).toBeCloseTo(2, 9);
    expect(even / once).toBeCloseTo(8 / 3, 9);
    expect(never).toBe(0);
  });

  it("rank a fixed set alike in any order of adding", () => {
    const items = Int32Array.from([0, 1, 1, 2, 0]);
    const timestampsMs = Float64Array.from([9000, 100, 4000, 2500, 8000]);
    const asTheyLie = decayedCounts({ items, timestampsMs }, 3, halfLifeMs);
    const byTime = new DecayedCounts(3, halfLifeMs);
    for (const i of [1, 3, 2, 4, 0]) byTime.add(items[i], timestampsMs[i]);
    asTheyLie.forEach((count, item) => {
      expect(count / asTheyLie[0]).toBeCloseTo(byTime.values[item] / byTime.values[0], 12);
    });
  });
});
