import { factorize, solveFactorized } from "../core/linear-algebra.ts";

/** Rows and columns of a tile: its 9 sums and 6 values fit the registers of any 64-bit machine. */
const tile = 3;
/** Rows that are added up together: 48 of 64 values lie in the fastest cache. */
const rowsAtOnce = 48;

/**
 * Regularized least squares over some rows h of a table of factors: finds the x that minimizes
 *
 *     Σ c (1 − x · h)² + xᵀ A x + r ‖x‖²:      (Σ c h hᵀ + A + r I) x = Σ c h
 *
 * Cost: rows · width² / 2 + width³ / 6 multiplications.
 */
export class LeastSquares {
  readonly #width: number;
  /** The width, rounded up to whole tiles: what is beyond the width is 0, and 1 on the diagonal. */
  readonly #size: number;
  readonly #matrix: Float64Array;
  readonly #right: Float64Array;
  readonly #gathered: Float64Array;

  constructor(width: number) {
    this.#width = width;
    this.#size = tile * Math.ceil(width / tile);
    this.#matrix = new Float64Array(this.#size * this.#size);
    this.#right = new Float64Array(this.#size);
    this.#gathered = new Float64Array(rowsAtOnce * this.#size);
  }

  cost(rows: number): number {
    return (rows * this.#width ** 2) / 2 + this.#width ** 3 / 6;
  }

  /**
   * @param factors shape [count, width]
   * @param rows of the factors, to add up
   * @param weights c of each row, 0 or more
   * @param penalty A, shape [width, width], symmetric
   * @param ridge r, above 0
   * @param x shape [width], written
   */
  solve(
    factors: Float64Array,
    rows: Int32Array,
    weights: Float64Array,
    penalty: Float64Array,
    ridge: number,
    x: Float64Array,
  ): void {
    const [matrix, right, width, size] = [this.#matrix, this.#right, this.#width, this.#size];
    matrix.fill(0);
    right.fill(0);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i && i < width; j++) matrix[i * size + j] = penalty[i * width + j];
      matrix[i * size + i] += i < width ? ridge : 1;
    }
    for (let from = 0; from < rows.length; from += rowsAtOnce) {
      const count = Math.min(rowsAtOnce, rows.length - from);
      this.#gather(factors, rows.subarray(from, from + count), weights.subarray(from, from + count));
      addSquares(this.#gathered, count, size, matrix);
    }
    factorize(matrix, size);
    solveFactorized(matrix, right, size);
    for (let k = 0; k < width; k++) x[k] = right[k];
  }

  /** Copies √c h of the rows side by side, and adds c h to the right-hand side. */
  #gather(factors: Float64Array, rows: Int32Array, weights: Float64Array): void {
    const [gathered, right, width] = [this.#gathered, this.#right, this.#width];
    for (let r = 0; r < rows.length; r++) {
      const from = rows[r] * width;
      const to = r * this.#size;
      const root = Math.sqrt(weights[r]);
      for (let k = 0; k < width; k++) {
        gathered[to + k] = root * factors[from + k];
        right[k] += weights[r] * factors[from + k];
      }
    }
  }
}

/** matrix += Σ over `count` rows r of r rᵀ, the lower triangle; shape [size, size], size whole tiles. */
function addSquares(rows: Float64Array, count: number, size: number, matrix: Float64Array): void {
  const end = count * size;
  for (let i = 0; i < size; i += tile) {
    for (let j = 0; j <= i; j += tile) {
      let [s00, s01, s02, s10, s11, s12, s20, s21, s22] = [0, 0, 0, 0, 0, 0, 0, 0, 0];
      for (let row = 0; row < end; row += size) {
        const v0 = rows[row + j];
        const v1 = rows[row + j + 1];
        const v2 = rows[row + j + 2];
        const w0 = rows[row + i];
        s00 += w0 * v0;
        s01 += w0 * v1;
        s02 += w0 * v2;
        const w1 = rows[row + i + 1];
        s10 += w1 * v0;
        s11 += w1 * v1;
        s12 += w1 * v2;
        const w2 = rows[row + i + 2];
        s20 += w2 * v0;
        s21 += w2 * v1;
        s22 += w2 * v2;
      }
      let at = i * size + j;
      matrix[at] += s00;
      matrix[at + 1] += s01;
      matrix[at + 2] += s02;
      at += size;
      matrix[at] += s10;
      matrix[at + 1] += s11;
      matrix[at + 2] += s12;
      at += size;
      matrix[at] += s20;
      matrix[at + 1] += s21;
      matrix[at + 2] += s22;
    }
  }
}

/** factor · Σ h hᵀ over all rows h of a table of shape [count, width]; whole, shape [width, width]. */
export function gram(table: Float64Array, width: number, factor: number): Float64Array {
  const size = tile * Math.ceil(width / tile);
  const sums = new Float64Array(size * size);
  const padded = new Float64Array(rowsAtOnce * size);
  const count = table.length / width;
  for (let from = 0; from < count; from += rowsAtOnce) {
    const rows = Math.min(rowsAtOnce, count - from);
    for (let r = 0; r < rows; r++) padded.set(table.subarray((from + r) * width, (from + r + 1) * width), r * size);
    addSquares(padded, rows, size, sums);
  }
  const whole = new Float64Array(width * width);
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) {
      whole[i * width + j] = factor * sums[i * size + j];
      whole[j * width + i] = factor * sums[i * size + j];
    }
  }
  return whole;
}
