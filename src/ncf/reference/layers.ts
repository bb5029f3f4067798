/**
 * The pieces of the network, one forward and one backward function each, over row-major [rows, width] arrays. Written
 * to be read: this is the oracle that the fast backends are compared with.
 */
import { batchNormEpsilon, batchNormMomentum } from "../config.ts";

/** A row-major matrix. */
export interface Matrix {
  readonly rows: number;
  readonly width: number;
  readonly data: Float64Array;
}

export function zeros(rows: number, width: number): Matrix {
  return { rows, width, data: new Float64Array(rows * width) };
}

/** y[r, o] = bias[o] + sum over i of x[r, i] · weight[o, i]. */
export function dense(x: Matrix, weight: Float32Array, bias: Float32Array): Matrix {
  const y = zeros(x.rows, bias.length);
  for (let r = 0; r < x.rows; r++) {
    for (let o = 0; o < y.width; o++) {
      let sum = bias[o];
      for (let i = 0; i < x.width; i++) sum += x.data[r * x.width + i] * weight[o * x.width + i];
      y.data[r * y.width + o] = sum;
    }
  }
  return y;
}

/** Gradients of `dense`: adds to those of weight and bias, gives that of x. */
export function denseBackward(
  x: Matrix,
  weight: Float32Array,
  dy: Matrix,
  dWeight: Float64Array,
  dBias: Float64Array,
): Matrix {
  const dx = zeros(x.rows, x.width);
  for (let r = 0; r < x.rows; r++) {
    for (let o = 0; o < dy.width; o++) {
      const d = dy.data[r * dy.width + o];
      dBias[o] += d;
      for (let i = 0; i < x.width; i++) {
        dWeight[o * x.width + i] += d * x.data[r * x.width + i];
        dx.data[r * x.width + i] += d * weight[o * x.width + i];
      }
    }
  }
  return dx;
}

export function relu(x: Matrix): Matrix {
  return { ...x, data: x.data.map((value) => Math.max(0, value)) };
}

/** dy where x is above 0. */
export function reluBackward(x: Matrix, dy: Matrix): Matrix {
  return { ...dy, data: dy.data.map((d, i) => (x.data[i] > 0 ? d : 0)) };
}

/** What batch normalization's backward pass needs. */
export interface BatchNormTrace {
  readonly normalized: Matrix;
  /** 1 / sqrt(variance + ε), shape [width]. */
  readonly inverseStd: Float64Array;
}

/**
 * Batch normalization in training (Ioffe and Szegedy 2015, with PyTorch's conventions): normalizes by the batch's mean
 * and biased variance, and moves the running statistics towards the mean and the unbiased variance.
 */
export function batchNorm(
  x: Matrix,
  parameters: { weight: Float32Array; bias: Float32Array; runningMean: Float32Array; runningVar: Float32Array },
): { y: Matrix; trace: BatchNormTrace } {
  const y = zeros(x.rows, x.width);
  const normalized = zeros(x.rows, x.width);
  const inverseStd = new Float64Array(x.width);
  for (let c = 0; c < x.width; c++) {
    let mean = 0;
    for (let r = 0; r < x.rows; r++) mean += x.data[r * x.width + c] / x.rows;
    let variance = 0;
    for (let r = 0; r < x.rows; r++) variance += (x.data[r * x.width + c] - mean) ** 2 / x.rows;
    inverseStd[c] = 1 / Math.sqrt(variance + batchNormEpsilon);
    for (let r = 0; r < x.rows; r++) {
      const i = r * x.width + c;
      normalized.data[i] = (x.data[i] - mean) * inverseStd[c];
      y.data[i] = normalized.data[i] * parameters.weight[c] + parameters.bias[c];
    }
    const unbiased = (variance * x.rows) / (x.rows - 1);
    parameters.runningMean[c] += batchNormMomentum * (mean - parameters.runningMean[c]);
    parameters.runningVar[c] += batchNormMomentum * (unbiased - parameters.runningVar[c]);
  }
  return { y, trace: { normalized, inverseStd } };
}

/** dx = weight · inverseStd · (dy − mean(dy) − normalized · mean(dy · normalized)), column by column. */
export function batchNormBackward(
  trace: BatchNormTrace,
  weight: Float32Array,
  dy: Matrix,
  dWeight: Float64Array,
  dBias: Float64Array,
): Matrix {
  const dx = zeros(dy.rows, dy.width);
  const { normalized, inverseStd } = trace;
  for (let c = 0; c < dy.width; c++) {
    let sum = 0;
    let product = 0;
    for (let r = 0; r < dy.rows; r++) {
      const i = r * dy.width + c;
      sum += dy.data[i];
      product += dy.data[i] * normalized.data[i];
    }
    dWeight[c] += product;
    dBias[c] += sum;
    for (let r = 0; r < dy.rows; r++) {
      const i = r * dy.width + c;
      dx.data[i] = weight[c] * inverseStd[c] * (dy.data[i] - sum / dy.rows - (normalized.data[i] * product) / dy.rows);
    }
  }
  return dx;
}

/** Multiplies element by element; dropout's forward and backward pass, with the mask holding 0 or 1 / (1 − rate). */
export function times(x: Matrix, mask: Float64Array): Matrix {
  return { ...x, data: x.data.map((value, i) => value * mask[i]) };
}

export function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/** −log of the probability that the model gives to the label, from the logit so that it cannot overflow. */
export function binaryCrossEntropy(logit: number, label: number): number {
  return Math.max(logit, 0) - logit * label + Math.log1p(Math.exp(-Math.abs(logit)));
}
