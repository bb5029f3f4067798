import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { factorize, inverse, solveFactorized } from "../../src/core/linear-algebra.ts";

/** A · Aᵀ + I for any A: positive definite. */
function positiveDefinite(size: number, values: readonly number[]): Float64Array {
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      let sum = i === j ? 1 : 0;
      for (let k = 0; k < size; k++) sum += values[i * size + k] * values[j * size + k];
      matrix[i * size + j] = sum;
    }
  }
  return matrix;
}

const systems = fc.integer({ min: 1, max: 8 }).chain((size) => {
  const entries = (length: number) =>
    fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: length, maxLength: length });
  return fc.record({ size: fc.constant(size), values: entries(size * size), right: entries(size) });
});

describe("linear algebra", () => {
  it("solves positive definite systems, reading the lower triangle only", () => {
    fc.assert(
      fc.property(systems, ({ size, values, right }) => {
        const matrix = positiveDefinite(size, values);
        const factor = matrix.slice();
        for (let i = 0; i < size; i++) for (let j = i + 1; j < size; j++) factor[i * size + j] = Number.NaN;
        const x = Float64Array.from(right);
        factorize(factor, size);
        solveFactorized(factor, x, size);
        for (let i = 0; i < size; i++) {
          const product = x.reduce((sum, value, k) => sum + matrix[i * size + k] * value, 0);
          expect(product).toBeCloseTo(right[i], 6);
        }
      }),
      { seed: 1 },
    );
  });

  it("inverts", () => {
    const matrix = Float64Array.from([4, 2, 2, 3]);
    [...inverse(matrix, 2)].forEach((value, i) => {
      expect(value).toBeCloseTo([0.375, -0.25, -0.25, 0.5][i], 12);
    });
    expect([...matrix]).toEqual([4, 2, 2, 3]);
  });

  it("refuses a matrix that is not positive definite, and NaN", () => {
    expect(() => factorize(Float64Array.from([1, 2, 2, 1]), 2)).toThrow(/positive definite.*row 1/);
    expect(() => factorize(Float64Array.from([Number.NaN]), 1)).toThrow(/positive definite/);
  });
});
