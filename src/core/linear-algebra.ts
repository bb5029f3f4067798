/** Dense symmetric positive definite systems in float64; matrices are row-major, shape [size, size]. */
import { NcfError } from "./errors.ts";

/**
 * The Cholesky factor L of `matrix` = L · Lᵀ, in place: the lower triangle is replaced, the upper one is not read.
 *
 * @throws NcfError `MATRIX_INVALID` where the matrix is not positive definite
 */
export function factorize(matrix: Float64Array, size: number): void {
  for (let j = 0; j < size; j++) {
    const rowJ = j * size;
    let pivot = matrix[rowJ + j];
    for (let k = 0; k < j; k++) pivot -= matrix[rowJ + k] * matrix[rowJ + k];
    if (!(pivot > 0)) {
      throw new NcfError("MATRIX_INVALID", `expected a positive definite matrix, found pivot ${pivot} in row ${j}`);
    }
    const diagonal = Math.sqrt(pivot);
    matrix[rowJ + j] = diagonal;
    for (let i = j + 1; i < size; i++) {
      const rowI = i * size;
      let sum = matrix[rowI + j];
      for (let k = 0; k < j; k++) sum -= matrix[rowI + k] * matrix[rowJ + k];
      matrix[rowI + j] = sum / diagonal;
    }
  }
}

/** Solves L · Lᵀ · x = `right` in place, given the factor of `factorize`. */
export function solveFactorized(factor: Float64Array, right: Float64Array, size: number): void {
  for (let i = 0; i < size; i++) {
    let sum = right[i];
    for (let k = 0; k < i; k++) sum -= factor[i * size + k] * right[k];
    right[i] = sum / factor[i * size + i];
  }
  for (let i = size - 1; i >= 0; i--) {
    let sum = right[i];
    for (let k = i + 1; k < size; k++) sum -= factor[k * size + i] * right[k];
    right[i] = sum / factor[i * size + i];
  }
}

/** The inverse, whole. @throws NcfError `MATRIX_INVALID` where the matrix is not positive definite */
export function inverse(matrix: Float64Array, size: number): Float64Array {
  const factor = matrix.slice();
  factorize(factor, size);
  const inverted = new Float64Array(size * size);
  const column = new Float64Array(size);
  for (let j = 0; j < size; j++) {
    column.fill(0);
    column[j] = 1;
    solveFactorized(factor, column, size);
    for (let i = 0; i < size; i++) inverted[i * size + j] = column[i];
  }
  return inverted;
}
