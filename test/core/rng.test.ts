import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exp, log, normalQuantile, pow } from "../../src/core/math.ts";
import { mulHigh, Permutation, Rng, streamKey } from "../../src/core/rng.ts";

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe("counter-based randomness", () => {
  it("multiplies to the exact high word", () => {
    fc.assert(
      fc.property(uint32, uint32, (a, b) => {
        expect(BigInt(mulHigh(a, b))).toBe((BigInt(a) * BigInt(b)) >> 32n);
      }),
    );
  });

  it("permutes every size onto itself", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), fc.nat(), (size, seed) => {
        const permutation = new Permutation(size, streamKey(seed, 2));
        const images = new Set(Array.from({ length: size }, (_, position) => permutation.at(position)));
        expect(images.size).toBe(size);
        expect(Math.max(...images)).toBe(size - 1);
      }),
      { numRuns: 30 },
    );
  });

  it("gives other streams for another seed, purpose or stream number, and the same for the same", () => {
    const first = (seed: number, purpose: number, stream: number) => {
      const rng = new Rng(streamKey(seed, purpose, stream));
      return Array.from({ length: 4 }, () => rng.bits());
    };
    expect(first(1, 2, 3)).toEqual(first(1, 2, 3));
    const keys = [
      streamKey(1, 2, 3),
      streamKey(2, 2, 3),
      streamKey(1, 3, 3),
      streamKey(1, 2, 4),
      streamKey(2 ** 40, 2, 3),
    ];
    expect(new Set(keys.map((key) => new Rng(key).bits())).size).toBe(keys.length);
  });

  it("draws evenly", () => {
    const rng = new Rng(streamKey(7, 1));
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i++) counts[rng.below(10)] += 1;
    // Five standard deviations of a binomial count.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(5 * Math.sqrt(100_000 * 0.1 * 0.9));
  });
});

describe("engine-independent functions", () => {
  const relative = (a: number, b: number) => Math.abs(a - b) / Math.max(Math.abs(b), 1e-300);

  it("agree with Math within two units in the last place", () => {
    fc.assert(
      fc.property(fc.double({ min: -700, max: 700, noNaN: true }), (x) => {
        expect(relative(exp(x), Math.exp(x))).toBeLessThan(5e-16);
      }),
    );
    fc.assert(
      fc.property(fc.double({ min: 1e-300, max: 1e300, noNaN: true }), (x) => {
        expect(Math.abs(log(x) - Math.log(x))).toBeLessThan(5e-16 * Math.max(1, Math.abs(Math.log(x))));
      }),
    );
    expect(relative(pow(2.5, 3.5), 2.5 ** 3.5)).toBeLessThan(1e-14);
  });

  it("know the edges", () => {
    expect([log(0), log(-1), log(Number.POSITIVE_INFINITY), exp(1000), exp(-1000)]).toEqual([
      Number.NEGATIVE_INFINITY,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      0,
    ]);
  });

  it("give the textbook's normal quantiles", () => {
    expect(normalQuantile(0.5)).toBe(0);
    expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 14);
    expect(normalQuantile(1e-9)).toBeCloseTo(-5.997807015007687, 12);
  });
});
