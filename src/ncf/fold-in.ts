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
 * with p = σ(base) and G, g the means of p(1−p) s sᵀ and p · s over all items, computed once, before the first row. One
 * step ranks better than the minimum itself does, and tastes of the day count more than those of a lifetime:
 * bench/fold-in.ts.
 *
 * The result is a function of the model and the history alone. Cost: |H| · width² / 2 + width³ / 6 multiplications.
 */
import { factorize, inverse, solveFactorized } from "../core/linear-algebra.ts";
import { exp, pow } from "../core/math.ts";
import type { HistoryConfig } from "./config.ts";
import { HistoryVectors } from "./history.ts";
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
  /**
   * @param history item indices of the model's sample, oldest first; may be empty
   * @param user index of a user of the model's sample, whose own row counts where the model has one beside histories
   */
  row(history: Int32Array, user?: number): UserRow;
}

/** Is set up at the first `row`, so that a program which folds nobody in never pays for it. */
export interface LazyFoldIn extends FoldIn {
  /** Sets up now: one pass over all items and trained users, which at tens of thousands takes tenths of a second. */
  prepare(): void;
}

/** For a model of histories, the row is the vector that its network makes of the history, and `options` play no part. */
export function createFoldIn(model: TrainedModel, options: FoldInOptions = defaultFoldInOptions): LazyFoldIn {
  return model.config.history ? historyFoldIn(model, model.config.history) : new NewtonFoldIn(model, options);
}

function historyFoldIn({ config, tensors, userRows, itemRows }: TrainedModel, history: HistoryConfig): LazyFoldIn {
  let made: HistoryVectors | null = null;
  const vectors = (): HistoryVectors => {
    made ??= new HistoryVectors(config, history, tensors, userRows);
    return made;
  };
  return {
    prepare: vectors,
    row: (items, user) =>
      vectors().of(
        items.subarray(-history.window).map((item) => itemRows[item]),
        user === undefined ? null : userRows[user],
      ),
  };
}

/** What all fold-ins of a model share. */
interface Expansion {
  /** Shape [width]: μ. */
  readonly mean: Float64Array;
  readonly items: LinearizedItems;
  /** Shape [items]: σ(base). */
  readonly probability: Float64Array;
  /** λ C⁻¹ and G, shape [width, width]; of G the lower triangle. */
  readonly prior: Float64Array;
  readonly curvature: Float64Array;
  /** g, shape [width]. */
  readonly pull: Float64Array;
  /** Room for one fold-in at a time: the equations, and w p(1−p) and w(1−p) of each item. */
  readonly matrix: Float64Array;
  readonly delta: Float64Array;
  readonly bends: Float64Array;
  readonly pulls: Float64Array;
}

class NewtonFoldIn implements LazyFoldIn {
  readonly #model: TrainedModel;
  readonly #options: FoldInOptions;
  /** Shape [window]: of the newest interaction, of the one before it, and so on. */
  readonly #weights: Float64Array;
  #made: Expansion | null = null;

  constructor(model: TrainedModel, options: FoldInOptions) {
    this.#model = model;
    this.#options = options;
    this.#weights = Float64Array.from({ length: options.window }, (_, newer) => pow(2, -newer / options.halfLife));
  }

  prepare(): void {
    this.#expansion();
  }

  row(history: Int32Array): UserRow {
    const { mean } = this.#expansion();
    const newest = history.subarray(Math.max(0, history.length - this.#options.window));
    const row = mean.slice();
    if (newest.length > 0) this.#step(newest, row);
    const mlpWidth = this.#model.config.mlp?.embeddingSize ?? 0;
    return { mlp: new Float32Array(row.subarray(0, mlpWidth)), gmf: new Float32Array(row.subarray(mlpWidth)) };
  }

  /** Adds δ to the row. Plain loops over buffers of its own: a stream folds in at every event. */
  #step(newest: Int32Array, row: Float64Array): void {
    const { items, probability, prior, curvature, pull, matrix, delta, bends, pulls } = this.#expansion();
    const { width } = items;
    let total = 0;
    for (let at = 0; at < newest.length; at++) {
      const weight = this.#weights[newest.length - 1 - at];
      const p = probability[newest[at]];
      total += weight;
      bends[at] = weight * p * (1 - p);
      pulls[at] = weight * (1 - p);
    }
    const negatives = this.#model.config.negatives * total;
    for (let at = 0; at < matrix.length; at++) matrix[at] = prior[at] + negatives * curvature[at];
    for (let k = 0; k < width; k++) delta[k] = -negatives * pull[k];
    addItems(items, newest, bends, matrix, pulls, delta);
    factorize(matrix, width);
    solveFactorized(matrix, delta, width);
    for (let k = 0; k < width; k++) row[k] += delta[k];
  }

  #expansion(): Expansion {
    this.#made ??= expand(this.#model, this.#options);
    return this.#made;
  }
}

function expand(model: TrainedModel, { priorWeight, window }: FoldInOptions): Expansion {
  const rows = trainedRows(model);
  const mean = meanOf(rows);
  const items = linearizedItems(model, mean);
  const { width } = items;
  const probability = items.base.map((logit) => 1 / (1 + exp(-logit)));
  const prior = inverse(covariance(rows, mean), width).map((value) => value * priorWeight);
  const curvature = new Float64Array(width * width);
  const pull = new Float64Array(width);
  const share = 1 / probability.length;
  addItems(
    items,
    Int32Array.from(probability.keys()),
    probability.map((p) => p * (1 - p) * share),
    curvature,
    probability.map((p) => p * share),
    pull,
  );
  return {
    mean,
    items,
    probability,
    prior,
    curvature,
    pull,
    matrix: new Float64Array(width * width),
    delta: new Float64Array(width),
    bends: new Float64Array(window),
    pulls: new Float64Array(window),
  };
}

/** matrix += Σ a · s sᵀ (lower triangle) and vector += Σ b · s over the listed items' slopes s, one item after the other. */
function addItems(
  { width, slopes }: LinearizedItems,
  list: Int32Array,
  a: Float64Array,
  matrix: Float64Array,
  b: Float64Array,
  vector: Float64Array,
): void {
  const whole = list.length - (list.length % 4);
  // Four items at a time, so that each sum is read and written a quarter as often.
  for (let at = 0; at < whole; at += 4) {
    const [r0, r1, r2, r3] = [list[at] * width, list[at + 1] * width, list[at + 2] * width, list[at + 3] * width];
    for (let i = 0; i < width; i++) {
      const [s0, s1, s2, s3] = [slopes[r0 + i], slopes[r1 + i], slopes[r2 + i], slopes[r3 + i]];
      vector[i] = vector[i] + b[at] * s0 + b[at + 1] * s1 + b[at + 2] * s2 + b[at + 3] * s3;
      const [x0, x1, x2, x3] = [a[at] * s0, a[at + 1] * s1, a[at + 2] * s2, a[at + 3] * s3];
      for (let j = 0; j <= i; j++) {
        matrix[i * width + j] =
          matrix[i * width + j] + x0 * slopes[r0 + j] + x1 * slopes[r1 + j] + x2 * slopes[r2 + j] + x3 * slopes[r3 + j];
      }
    }
  }
  for (let at = whole; at < list.length; at++) {
    const row = list[at] * width;
    for (let i = 0; i < width; i++) {
      vector[i] += b[at] * slopes[row + i];
      const scaled = a[at] * slopes[row + i];
      for (let j = 0; j <= i; j++) matrix[i * width + j] += scaled * slopes[row + j];
    }
  }
}

/** The trained users' rows, the MLP's embedding first. Shape [users][width]. */
function trainedRows({ config, tensors, userRows }: TrainedModel): Float64Array[] {
  const mlpWidth = config.mlp?.embeddingSize ?? 0;
  const gmfWidth = config.gmf?.embeddingSize ?? 0;
  const mlp = dataOf(tensors, "user_embedding.weight");
  const gmf = dataOf(tensors, "gmf_user_embedding.weight");
  return Array.from(userRows, (at) => {
    const row = new Float64Array(mlpWidth + gmfWidth);
    row.set(mlp.subarray(at * mlpWidth, (at + 1) * mlpWidth));
    row.set(gmf.subarray(at * gmfWidth, (at + 1) * gmfWidth), mlpWidth);
    return row;
  });
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
