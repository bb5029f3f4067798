/**
 * The network as seen from one user row: each item's logit there, and its gradient with respect to the row. With the rest
 * of the network frozen, logit(row + δ, i) ≈ base(i) + slope(i) · δ, exactly so for models without hidden layers.
 */
import type { TrainedModel } from "./model.ts";
import { type DenseLayer, dataOf, type FoldedMlp, foldMlp } from "./wasm/folding.ts";

export interface LinearizedItems {
  /** Width of a row: the MLP's embedding, then GMF's. */
  readonly width: number;
  /** Shape [items]. */
  readonly base: Float64Array;
  /** Shape [items, width]. */
  readonly slopes: Float64Array;
}

/**
 * @param row shape [width]: the user row to look from, the MLP's embedding first
 */
export function linearizedItems(model: TrainedModel, row: Float64Array): LinearizedItems {
  const { config, tensors, itemRows } = model;
  const mlpWidth = config.mlp?.embeddingSize ?? 0;
  const gmfWidth = config.gmf?.embeddingSize ?? 0;
  const width = mlpWidth + gmfWidth;
  const items = itemRows.length;
  const base = new Float64Array(items);
  const slopes = new Float64Array(items * width);
  const network = foldMlp(config, tensors);
  const itemEmbedding = dataOf(tensors, "item_embedding.weight");
  const gmfItems = dataOf(tensors, "gmf_item_embedding.weight");
  const itemBias = dataOf(tensors, "item_bias.weight");
  const dense = config.output === "dense";
  const weights = dense ? dataOf(tensors, "output.weight").slice(-gmfWidth) : null;
  const constant = dense ? dataOf(tensors, "output.bias")[0] + network.outputBias : 0;
  const pass = new MlpPass(network, row.subarray(0, mlpWidth));
  for (let item = 0; item < items; item++) {
    const itemRow = itemRows[item];
    let logit = constant + (config.itemBias ? itemBias[itemRow] : 0);
    if (mlpWidth > 0) {
      const embedding = itemEmbedding.subarray(itemRow * mlpWidth, (itemRow + 1) * mlpWidth);
      logit += pass.run(embedding, slopes.subarray(item * width, item * width + mlpWidth));
    }
    for (let k = 0; k < gmfWidth; k++) {
      const slope = gmfItems[itemRow * gmfWidth + k] * (weights === null ? 1 : weights[k]);
      slopes[item * width + mlpWidth + k] = slope;
      logit += slope * row[mlpWidth + k];
    }
    base[item] = logit;
  }
  return { width, base, slopes };
}

/** Forward and backward pass of the MLP for one user row and one item after the other. */
class MlpPass {
  readonly #network: FoldedMlp;
  /** Each layer's weights, shape [inputs, outputs]. */
  readonly #transposed: readonly Float64Array[];
  /** What the first layer adds the item's part to: its bias and the user's part. */
  readonly #userPart: Float64Array;
  /** The item embedding, then each hidden layer. */
  readonly #activations: readonly Float64Array[];
  /** With respect to the user embedding, then to each hidden layer. */
  readonly #gradients: readonly Float64Array[];

  constructor(network: FoldedMlp, userEmbedding: Float64Array) {
    const half = userEmbedding.length;
    const widths = [half, ...network.hidden.map(({ outputs }) => outputs)];
    this.#network = network;
    this.#transposed = network.hidden.map(transposed);
    this.#activations = widths.map((width) => new Float64Array(width));
    this.#gradients = widths.map((width) => new Float64Array(width));
    this.#userPart = network.hidden[0]?.bias.slice() ?? new Float64Array(0);
    addScaledRows(this.#userPart, this.#transposed[0] ?? this.#userPart, 0, userEmbedding);
  }

  /** The MLP's part of the logit, its constant left out; writes the gradient with respect to the user embedding. */
  run(itemEmbedding: Float32Array, slope: Float64Array): number {
    const { hidden, output } = this.#network;
    this.#activations[0].set(itemEmbedding);
    hidden.forEach(({ bias }, l) => {
      const y = this.#activations[l + 1];
      y.set(l === 0 ? this.#userPart : bias);
      // The item's columns follow the user's.
      addScaledRows(y, this.#transposed[l], l === 0 ? itemEmbedding.length : 0, this.#activations[l]);
      for (let n = 0; n < y.length; n++) y[n] = Math.max(0, y[n]);
    });
    const last = this.#activations[hidden.length];
    this.#gradients[hidden.length].set(output);
    for (let l = hidden.length - 1; l >= 0; l--) {
      const above = this.#gradients[l + 1];
      const y = this.#activations[l + 1];
      for (let n = 0; n < above.length; n++) if (y[n] === 0) above[n] = 0;
      addScaledRows(this.#gradients[l].fill(0), hidden[l].weights, 0, above, hidden[l].inputs);
    }
    slope.set(this.#gradients[0]);
    return last.reduce((sum, value, k) => sum + value * output[k], 0);
  }
}

function transposed({ inputs, outputs, weights }: DenseLayer): Float64Array {
  return weights.map((_, at) => weights[(at % outputs) * inputs + Math.floor(at / outputs)]);
}

/**
 * sum[k] += Σ over i of factors[i] · matrix[first + i, k], in ascending order of i, for rows of `width` values of which
 * the first sum.length count. After ReLU about half of the factors are 0: their rows are left out.
 */
function addScaledRows(
  sum: Float64Array,
  matrix: Float64Array,
  first: number,
  factors: Float64Array,
  width = sum.length,
): void {
  const count = sum.length;
  // Four rows at a time, so that each sum is read and written a quarter as often.
  const [at, by] = [
    [0, 0, 0, 0],
    [0, 0, 0, 0],
  ];
  let held = 0;
  for (let i = 0; i < factors.length; i++) {
    if (factors[i] === 0) continue;
    at[held] = (first + i) * width;
    by[held] = factors[i];
    if (++held < 4) continue;
    held = 0;
    const [a, b, c, d] = at;
    const [x, y, z, w] = by;
    for (let k = 0; k < count; k++) {
      sum[k] = sum[k] + x * matrix[a + k] + y * matrix[b + k] + z * matrix[c + k] + w * matrix[d + k];
    }
  }
  for (let row = 0; row < held; row++) {
    for (let k = 0; k < count; k++) sum[k] += by[row] * matrix[at[row] + k];
  }
}
