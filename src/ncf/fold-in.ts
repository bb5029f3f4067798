/**
 * A user's own embedding row from their history, with the network frozen: for users that training has not seen, and for
 * what users did since.
 *
 * Seen from μ, the mean of the trained user rows, the row μ + δ should minimize what training minimizes, with the trained
 * rows as prior:
 *
 *     Σ over i in H of −w_i log σ(z_i)  +  negatives · W · mean over all items j of −log σ(−z_j)  +  λ/2 · δᵀ C⁻¹ δ
 *
 * where z = base + slope · δ (linearized-items.ts), H is the newest part of the history, w_i halves with every so many newer
 * items, W is the sum of the w_i, and C the covariance of the trained rows. One Newton step from δ = 0 solves
 *
 *     (Σ_H w p(1−p) s sᵀ + negatives · W · G + λ C⁻¹) δ = Σ_H w (1−p) s − negatives · W · g
 *
 * with p = σ(base) and G, g the means of p(1−p) s sᵀ and p · s over all items, computed once. One step ranks better than the
 * minimum itself does, and tastes of the day count more than those of a lifetime: bench/fold-in.ts.
 *
 * The result is a function of the model and the history alone. Cost: |H| · width² / 2 + width³ / 6 multiplications.
 */
import { factorize, inverse, solveFactorized } from "../core/linear-algebra.ts";
import { exp } from "../core/math.ts";
import { type LinearizedItems, linearizedItems } from "./linearized-items.ts";
import type { TrainedModel } from "./model.ts";
import type { UserRow } from "./user-row.ts";
import { dataOf } from "./wasm/folding.ts";

export interface FoldInOptions {
  /** The newest items of a history that count. */
  readonly window: number;
  /** After so many newer items an interaction counts half. */
  readonly halfLife: number;
  /** λ: how much the prior weighs against an interaction. */
  readonly priorWeight: number;
}

/** Chosen on ml-latest-small's validation split (bench/fold-in.ts). */
export const defaultFoldInOptions: FoldInOptions = { window: 24, halfLife: 4, priorWeight: 2 };

/** Of the mean variance, added to each variance of the prior: with few users the covariance alone is singular. */
const ridge = 0.1;

export interface FoldIn {
  /** @param history item indices of the model's sample, oldest first; may be empty */
  row(history: Int32Array): UserRow;
}

export function createFoldIn(model: TrainedModel, options: FoldInOptions = defaultFoldInOptions): FoldIn {
  return new NewtonFoldIn(model, options);
}

class NewtonFoldIn implements FoldIn {
  readonly #options: FoldInOptions;
  readonly #negatives: number;
  readonly #mlpWidth: number;
  readonly #mean: Float64Array;
  readonly #items: LinearizedItems;
  /** Shape [items]: σ(base). */
  readonly #probability: Float64Array;
  /** λ C⁻¹ and G, shape [width, width]; g, shape [width]. */
  readonly #prior: Float64Array;
  readonly #curvature: Float64Array;
  readonly #pull: Float64Array;

  constructor(model: TrainedModel, options: FoldInOptions) {
    this.#options = options;
    this.#negatives = model.config.negatives;
    this.#mlpWidth = model.config.mlp?.embeddingSize ?? 0;
    const rows = trainedRows(model);
    this.#mean = meanOf(rows);
    this.#items = linearizedItems(model, this.#mean);
    this.#probability = this.#items.base.map((logit) => 1 / (1 + exp(-logit)));
    const { width } = this.#items;
    this.#prior = inverse(covariance(rows, this.#mean), width).map((value) => value * options.priorWeight);
    this.#curvature = new Float64Array(width * width);
    this.#pull = new Float64Array(width);
    const share = 1 / this.#probability.length;
    this.#probability.forEach((p, item) => {
      this.#addItem(item, p * (1 - p) * share, this.#curvature, p * share, this.#pull);
    });
  }

  row(history: Int32Array): UserRow {
    const { width } = this.#items;
    const newest = history.subarray(Math.max(0, history.length - this.#options.window));
    const row = this.#mean.slice();
    if (newest.length > 0) {
      const weights = Float64Array.from(newest, (_, at) => 2 ** ((at + 1 - newest.length) / this.#options.halfLife));
      const negatives = this.#negatives * weights.reduce((sum, weight) => sum + weight, 0);
      const matrix = this.#prior.map((value, at) => value + negatives * this.#curvature[at]);
      const delta = this.#pull.map((value) => -negatives * value);
      newest.forEach((item, at) => {
        const p = this.#probability[item];
        this.#addItem(item, weights[at] * p * (1 - p), matrix, weights[at] * (1 - p), delta);
      });
      factorize(matrix, width);
      solveFactorized(matrix, delta, width);
      for (let k = 0; k < width; k++) row[k] += delta[k];
    }
    return {
      mlp: Float32Array.from(row.subarray(0, this.#mlpWidth)),
      gmf: Float32Array.from(row.subarray(this.#mlpWidth)),
    };
  }

  /** matrix += a · s sᵀ (lower triangle) and vector += b · s for the item's slope s. */
  #addItem(item: number, a: number, matrix: Float64Array, b: number, vector: Float64Array): void {
    const { width, slopes } = this.#items;
    const at = item * width;
    for (let i = 0; i < width; i++) {
      const slope = slopes[at + i];
      vector[i] += b * slope;
      const scaled = a * slope;
      for (let j = 0; j <= i; j++) matrix[i * width + j] += scaled * slopes[at + j];
    }
  }
}

/** The trained users' rows, the MLP's embedding first. Shape [users][width]. */
function trainedRows({ config, tensors, userRows }: TrainedModel): Float64Array[] {
  const parts = [
    { table: dataOf(tensors, "user_embedding.weight"), width: config.mlp?.embeddingSize ?? 0 },
    { table: dataOf(tensors, "gmf_user_embedding.weight"), width: config.gmf?.embeddingSize ?? 0 },
  ];
  return Array.from(userRows, (row) =>
    Float64Array.from(parts.flatMap(({ table, width }) => [...table.subarray(row * width, (row + 1) * width)])),
  );
}

function meanOf(rows: readonly Float64Array[]): Float64Array {
  const mean = new Float64Array(rows[0].length);
  for (const row of rows) for (let k = 0; k < mean.length; k++) mean[k] += row[k] / rows.length;
  return mean;
}

/** Shape [width, width], with the ridge on its diagonal. */
function covariance(rows: readonly Float64Array[], mean: Float64Array): Float64Array {
  const width = mean.length;
  const sums = new Float64Array(width * width);
  for (const row of rows) {
    for (let i = 0; i < width; i++) {
      for (let j = 0; j <= i; j++) sums[i * width + j] += ((row[i] - mean[i]) * (row[j] - mean[j])) / rows.length;
    }
  }
  let variance = 0;
  for (let i = 0; i < width; i++) variance += sums[i * width + i] / width;
  for (let i = 0; i < width; i++) sums[i * width + i] += ridge * variance + 1e-9;
  return sums;
}
