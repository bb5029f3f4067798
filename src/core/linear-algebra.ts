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
    let i = j + 1;
    for (; i + 3 < size; i += 4) divideFourRows(matrix, size, i, j);
    for (; i < size; i++) {
      const rowI = i * size;
      let sum = matrix[rowI + j];
      for (let k = 0; k < j; k++) sum -= matrix[rowI + k] * matrix[rowJ + k];
      matrix[rowI + j] = sum / diagonal;
    }
  }
}

/** Column j of rows i to i + 3: four sums that need not wait for each other. */
function divideFourRows(matrix: Float64Array, size: number, i: number, j: number): void {
  const rowJ = j * size;
  const row0 = i * size;
  const row1 = row0 + size;
  const row2 = row1 + size;
  const row3 = row2 + size;
  let sum0 = matrix[row0 + j];
  let sum1 = matrix[row1 + j];
  let sum2 = matrix[row2 + j];
  let sum3 = matrix[row3 + j];
  for (let k = 0; k < j; k++) {
    const value = matrix[rowJ + k];
    sum0 -= matrix[row0 + k] * value;
    sum1 -= matrix[row1 + k] * value;
    sum2 -= matrix[row2 + k] * value;
    sum3 -= matrix[row3 + k] * value;
  }
  const diagonal = matrix[rowJ + j];
  matrix[row0 + j] = sum0 / diagonal;
  matrix[row1 + j] = sum1 / diagonal;
  matrix[row2 + j] = sum2 / diagonal;
  matrix[row3 + j] = sum3 / diagonal;
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
