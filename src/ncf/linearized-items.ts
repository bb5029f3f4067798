/**
 * The network as seen from one user row: each item's logit there, and its gradient with respect to the row. With the rest
 * of the network frozen, logit(row + δ, i) ≈ base(i) + slope(i) · δ, exactly so for models without hidden layers.
 */
import type { TrainedModel } from "./model.ts";
import { dataOf, type FoldedMlp, foldMlp } from "./wasm/folding.ts";

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
  /** The input of each layer, then the last hidden layer. */
  readonly #activations: Float64Array[];
  readonly #gradients: Float64Array[];

  constructor(network: FoldedMlp, userEmbedding: Float64Array) {
    this.#network = network;
    const widths = [2 * userEmbedding.length, ...network.hidden.map(({ outputs }) => outputs)];
    this.#activations = widths.map((width) => new Float64Array(width));
    this.#gradients = widths.map((width) => new Float64Array(width));
    this.#activations[0].set(userEmbedding);
  }

  /** The MLP's part of the logit, its constant left out; writes the gradient with respect to the user embedding. */
  run(itemEmbedding: Float32Array, slope: Float64Array): number {
    const { hidden, output } = this.#network;
    this.#activations[0].set(itemEmbedding, itemEmbedding.length);
    hidden.forEach(({ inputs, outputs, weights, bias }, l) => {
      const [x, y] = [this.#activations[l], this.#activations[l + 1]];
      for (let n = 0; n < outputs; n++) {
        let sum = bias[n];
        for (let k = 0; k < inputs; k++) sum += weights[n * inputs + k] * x[k];
        y[n] = Math.max(0, sum);
      }
    });
    const last = this.#activations[hidden.length];
    this.#gradients[hidden.length].set(output.subarray(0, last.length));
    for (let l = hidden.length - 1; l >= 0; l--) {
      const { inputs, outputs, weights } = hidden[l];
      const gradient = this.#gradients[l].fill(0);
      for (let n = 0; n < outputs; n++) {
        if (this.#activations[l + 1][n] === 0) continue;
        const above = this.#gradients[l + 1][n];
        for (let k = 0; k < inputs; k++) gradient[k] += above * weights[n * inputs + k];
      }
    }
    slope.set(this.#gradients[0].subarray(0, slope.length));
    return last.reduce((sum, value, k) => sum + value * output[k], 0);
  }
}
