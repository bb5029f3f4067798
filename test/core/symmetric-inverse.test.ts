import { describe, expect, it } from "vitest";
import { Rng, streamKey } from "../../src/core/rng.ts";
import { inverseCost, invertInSteps } from "../../src/core/symmetric-inverse.ts";

/** A · Aᵀ + I for a random A, so positive definite. */
function positiveDefinite(size: number): Float64Array {
  const rng = new Rng(streamKey(1, 1, size));
  const a = Float64Array.from({ length: size * size }, () => rng.unit() - 0.5);
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      let sum = i === j ? 1 : 0;
      for (let k = 0; k < size; k++) sum += a[i * size + k] * a[j * size + k];
      matrix[i * size + j] = sum;
    }
  }
  return matrix;
}

describe("inversion in steps", () => {
  it.each([1, 2, 3, 47, 48, 49, 50, 97, 151])("inverts a matrix of size %i, from its lower triangle", (size) => {
    const matrix = positiveDefinite(size);
    const inverted = matrix.slice();
    for (let i = 0; i < size; i++) for (let j = i + 1; j < size; j++) inverted[i * size + j] = Number.NaN;
    const steps = [...invertInSteps(inverted, size)];
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        let product = 0;
        for (let k = 0; k < size; k++) product += matrix[i * size + k] * inverted[k * size + j];
        expect(Math.abs(product - (i === j ? 1 : 0))).toBeLessThan(1e-9);
        expect(inverted[i * size + j]).toBe(inverted[j * size + i]);
      }
    }
    expect(steps.reduce((sum, step) => sum + step, 0)).toBeLessThanOrEqual(inverseCost(size));
  });

  it("tells beforehand about what it costs", () => {
    const done = [...invertInSteps(positiveDefinite(200), 200)].reduce((sum, step) => sum + step, 0);
    expect(done / inverseCost(200)).toBeGreaterThan(0.9);
  });

  it("refuses a matrix that is not positive definite", () => {
    expect(() => [...invertInSteps(Float64Array.from([1, 0, 2, 1]), 2)]).toThrow(/positive definite/);
  });
});
