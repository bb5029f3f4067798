/** Inverts large symmetric positive definite matrices in steps, so that the caller can do something else between them. */
import { inverse } from "./linear-algebra.ts";

/** Rows and columns that are taken together: two panels of 3 · blockSize values lie in the fastest cache. */
const blockSize = 48;
/** Rows and columns of a tile: its 9 sums, 3 values and 1 factor fit the registers of any 64-bit machine. */
const tile = 3;

/** Multiplications that the whole inversion takes, about. */
export function inverseCost(size: number): number {
  return (size * size * (size + 2 * blockSize)) / 2;
}

/**
 * Replaces `matrix`, row-major of shape [size, size], by its inverse; only the lower triangle is read, both are written.
 * Sweeps one block k of the diagonal after the other:
 *
 *     A_ij ← A_ij − A_ik D A_kj,    A_ik ← A_ik D,    A_kk ← −D,    where D = A_kk⁻¹
 *
 * which ends with −A⁻¹, in place and with one operation to be fast at: the first one.
 *
 * @yields multiplications done since it last yielded, summing up to about `inverseCost`; well below a millisecond's worth
 *   for each of the rows that it goes through
 * @throws NcfError `MATRIX_INVALID` where the matrix is not positive definite
 */
export function* invertInSteps(matrix: Float64Array, size: number): Generator<number, void, undefined> {
  const panel = new Float64Array(size * blockSize);
  const scaled = new Float64Array(size * blockSize);
  for (let from = 0; from < size; from += blockSize) {
    const width = Math.min(blockSize, size - from);
    const block = inverse(diagonalBlock(matrix, size, from, width), width);
    readPanel(matrix, size, from, width, panel);
    for (let row = 0; row < size; row++) scaleRow(panel, block, width, row, scaled);
    yield size * width * width;
    const whole = size - (size % tile);
    for (let row = 0; row < whole; row += tile) {
      subtractTiles(matrix, size, scaled, panel, width, row);
      yield tile * row * width;
    }
    for (let row = whole; row < size; row++) subtractRow(matrix, size, scaled, panel, width, row);
    writePanel(matrix, size, from, width, scaled, block);
  }
  for (let row = 0; row < size; row++) {
    for (let column = 0; column <= row; column++) {
      const value = -matrix[row * size + column];
      matrix[row * size + column] = value;
      matrix[column * size + row] = value;
    }
    if (row % tile === 0) yield tile * row;
  }
}

/** Shape [width, width], whole. */
function diagonalBlock(matrix: Float64Array, size: number, from: number, width: number): Float64Array {
  const block = new Float64Array(width * width);
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) block[i * width + j] = matrix[(from + i) * size + from + j];
  }
  return block;
}

/** Shape [size, width]: the block's columns, with zeros for its own rows, which no tile then changes. */
function readPanel(matrix: Float64Array, size: number, from: number, width: number, panel: Float64Array): void {
  for (let row = 0; row < from; row++) {
    for (let k = 0; k < width; k++) panel[row * width + k] = matrix[(from + k) * size + row];
  }
  panel.fill(0, from * width, (from + width) * width);
  for (let row = from + width; row < size; row++) {
    for (let k = 0; k < width; k++) panel[row * width + k] = matrix[row * size + from + k];
  }
}

function writePanel(
  matrix: Float64Array,
  size: number,
  from: number,
  width: number,
  scaled: Float64Array,
  block: Float64Array,
): void {
  for (let row = 0; row < from; row++) {
    for (let k = 0; k < width; k++) matrix[(from + k) * size + row] = scaled[row * width + k];
  }
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) matrix[(from + i) * size + from + j] = -block[i * width + j];
  }
  for (let row = from + width; row < size; row++) {
    for (let k = 0; k < width; k++) matrix[row * size + from + k] = scaled[row * width + k];
  }
}

/** One row of panel · D. */
function scaleRow(panel: Float64Array, block: Float64Array, width: number, row: number, scaled: Float64Array): void {
  const at = row * width;
  scaled.fill(0, at, at + width);
  for (let k = 0; k < width; k++) {
    const value = panel[at + k];
    if (value === 0) continue;
    for (let column = 0; column < width; column++) scaled[at + column] += value * block[k * width + column];
  }
}

/** A −= scaled · panelᵀ for three rows, columns up to the diagonal tile's last. */
function subtractTiles(
  matrix: Float64Array,
  size: number,
  scaled: Float64Array,
  panel: Float64Array,
  width: number,
  row: number,
): void {
  const left0 = row * width;
  const left1 = left0 + width;
  const left2 = left1 + width;
  for (let column = 0; column <= row; column += tile) {
    const right0 = column * width;
    const right1 = right0 + width;
    const right2 = right1 + width;
    let [s00, s01, s02, s10, s11, s12, s20, s21, s22] = [0, 0, 0, 0, 0, 0, 0, 0, 0];
    for (let k = 0; k < width; k++) {
      const v0 = panel[right0 + k];
      const v1 = panel[right1 + k];
      const v2 = panel[right2 + k];
      const w0 = scaled[left0 + k];
      s00 += w0 * v0;
      s01 += w0 * v1;
      s02 += w0 * v2;
      const w1 = scaled[left1 + k];
      s10 += w1 * v0;
      s11 += w1 * v1;
      s12 += w1 * v2;
      const w2 = scaled[left2 + k];
      s20 += w2 * v0;
      s21 += w2 * v1;
      s22 += w2 * v2;
    }
    let at = row * size + column;
    matrix[at] -= s00;
    matrix[at + 1] -= s01;
    matrix[at + 2] -= s02;
    at += size;
    matrix[at] -= s10;
    matrix[at + 1] -= s11;
    matrix[at + 2] -= s12;
    at += size;
    matrix[at] -= s20;
    matrix[at + 1] -= s21;
    matrix[at + 2] -= s22;
  }
}

function subtractRow(
  matrix: Float64Array,
  size: number,
  scaled: Float64Array,
  panel: Float64Array,
  width: number,
  row: number,
): void {
  for (let column = 0; column <= row; column++) {
    let sum = 0;
    for (let k = 0; k < width; k++) sum += scaled[row * width + k] * panel[column * width + k];
    matrix[row * size + column] -= sum;
  }
}
