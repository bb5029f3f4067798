import { describe, expect, it } from "vitest";
import { expectedHit, expectedNdcg } from "../../src/core/ranking-metrics.ts";
import { Rng, streamKey } from "../../src/core/rng.ts";
import { correctSampledMetrics } from "../../src/core/sampled-metric-correction.ts";

const catalogue = 3000;
const candidates = 100;
const table = correctSampledMetrics({ catalogue, candidates, withReplacement: false, gamma: 0.01 });

/** The sampled standing of an item of some rank: how many of 99 distinct others stand above it. */
function sampledAbove(rank: number, rng: Rng): number {
  let [above, left, found] = [rank - 1, catalogue - 1, 0];
  for (let draw = 1; draw < candidates; draw++, left--) {
    if (rng.below(left) >= above) continue;
    above -= 1;
    found += 1;
  }
  return found;
}

/** Ranks of a model's test items: the higher the power, the more of them stand near the top. */
function ranks(power: number, cases: number, rng: Rng): number[] {
  return Array.from({ length: cases }, () => 1 + Math.floor((catalogue - 1) * rng.unit() ** power));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe("the corrected metric", () => {
  it.each([1, 2, 3, 5])("comes nearer to the full catalogue's than the sampled one: ranks to the power %d", (power) => {
    const rng = new Rng(streamKey(5, 1, power));
    const cases = ranks(power, 20_000, rng).map((rank) => ({ above: rank - 1, tied: 0 }));
    const sampled = cases.map(({ above }) => ({ above: sampledAbove(above + 1, rng), tied: 0 }));
    for (const [exact, corrected] of [
      [expectedHit, table.hit],
      [expectedNdcg, table.ndcg],
    ] as const) {
      const truth = mean(cases.map(exact));
      const raw = Math.abs(mean(sampled.map(exact)) - truth);
      const error = Math.abs(mean(sampled.map(corrected)) - truth);
      // Ranks crowd at the top under a high power, which no table that is made for equally likely ranks can foresee.
      expect(error).toBeLessThan(power < 3 ? raw / 10 : raw / 2);
    }
  });

  it("puts models in the order of the full catalogue where sampling turns it round", () => {
    // One is often near the top and else far away, the other always in the middle of the upper tenth.
    const rng = new Rng(streamKey(6, 1));
    const sharp = Array.from({ length: 20_000 }, () => (rng.unit() < 0.2 ? 1 + rng.below(10) : 1500 + rng.below(1500)));
    const blunt = Array.from({ length: 20_000 }, () => 50 + rng.below(150));
    const at = (of: number[], metric: typeof expectedHit) =>
      mean(of.map((rank) => metric({ above: sampledAbove(rank, rng), tied: 0 })));
    expect(at(blunt, expectedHit)).toBeGreaterThan(at(sharp, expectedHit));
    expect(at(sharp, table.hit)).toBeGreaterThan(at(blunt, table.hit) + 0.1);
  });

  it("is the metric itself where all items are candidates", () => {
    const all = correctSampledMetrics({ catalogue: 60, candidates: 60, withReplacement: false, gamma: 0.01 });
    for (let above = 0; above < 60; above++) {
      expect(all.hit({ above, tied: 0 })).toBeCloseTo(above < 10 ? 1 : 0, 9);
      expect(all.ndcg({ above, tied: 0 })).toBeCloseTo(expectedNdcg({ above, tied: 0 }), 9);
    }
  });

  it("takes the mean over the ranks that ties leave open", () => {
    const three = mean([4, 5, 6].map((above) => table.hit({ above, tied: 0 })));
    expect(table.hit({ above: 4, tied: 2 })).toBeCloseTo(three, 12);
  });

  it("hardly depends on taking ranks of a large catalogue by cells", () => {
    const large = { catalogue: 30_000, candidates: 20, withReplacement: false, gamma: 0.01 };
    const chance = 10 / 30_000;
    const uniform = mean(
      Array.from({ length: 20 }, (_, above) => correctSampledMetrics(large).hit({ above, tied: 0 })),
    );
    // Guessing puts the test item at each sampled rank equally often, and among all items at each rank.
    expect(uniform).toBeCloseTo(chance, 5);
  });

  it("knows candidates drawn with replacement", () => {
    const repeated = correctSampledMetrics({ catalogue: 120, candidates: 100, withReplacement: true, gamma: 0.01 });
    const rng = new Rng(streamKey(7, 1));
    const truth = ranks(2, 20_000, rng).map((rank) => 1 + (rank % 120));
    const sampled = truth.map((rank) => {
      let above = 0;
      for (let draw = 1; draw < 100; draw++) if (rng.below(119) < rank - 1) above += 1;
      return { above, tied: 0 };
    });
    expect(mean(sampled.map(repeated.hit))).toBeCloseTo(mean(truth.map((rank) => (rank <= 10 ? 1 : 0))), 2);
  });
});
