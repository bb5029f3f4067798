/** Scoring in the readable form: the training network with dropout off and batch normalization by running statistics. */
import type { Recommender } from "../../core/recommender.ts";
import { batchNormEpsilon } from "../config.ts";
import type { TrainedModel } from "../model.ts";
import { dense, type Matrix, relu } from "./layers.ts";
import { tensorData } from "./tensors.ts";

/** Scores are logits. */
export class ReferenceScorer implements Recommender {
  readonly name: string;
  readonly #model: TrainedModel;

  constructor(model: TrainedModel) {
    this.name = model.name;
    this.#model = model;
  }

  score(user: number, items: Int32Array, scores: Float64Array): void {
    const userRow = this.#model.userRows[user];
    for (let i = 0; i < items.length; i++) scores[i] = this.#logit(userRow, this.#model.itemRows[items[i]]);
  }

  #logit(userRow: number, itemRow: number): number {
    const { config, tensors } = this.#model;
    const hidden = config.mlp === null ? [] : [...this.#hidden(userRow, itemRow).data];
    const user = config.gmf === null ? [] : this.#row("gmf_user_embedding.weight", userRow);
    const item = config.gmf === null ? [] : this.#row("gmf_item_embedding.weight", itemRow);
    const features = [...hidden, ...Array.from(user, (value, i) => value * item[i])];
    let logit = config.itemBias ? tensorData(tensors, "item_bias.weight")[itemRow] : 0;
    if (config.output === "sum") for (const feature of features) logit += feature;
    else {
      const weight = tensorData(tensors, "output.weight");
      logit += tensorData(tensors, "output.bias")[0];
      features.forEach((feature, i) => {
        logit += feature * weight[i];
      });
    }
    return logit;
  }

  #hidden(userRow: number, itemRow: number): Matrix {
    const { config, tensors } = this.#model;
    const input = [...this.#row("user_embedding.weight", userRow), ...this.#row("item_embedding.weight", itemRow)];
    let x: Matrix = { rows: 1, width: input.length, data: Float64Array.from(input) };
    config.mlp?.hidden.forEach((_, layer) => {
      const place = layer < (config.mlp?.regularizedLayers ?? 0) ? config.mlp?.batchNorm : "none";
      x = dense(x, tensorData(tensors, `fc${layer + 1}.weight`), tensorData(tensors, `fc${layer + 1}.bias`));
      if (place === "beforeRelu") x = this.#normalize(x, layer);
      x = relu(x);
      if (place === "afterRelu") x = this.#normalize(x, layer);
    });
    return x;
  }

  #normalize(x: Matrix, layer: number): Matrix {
    const parameter = (name: string): Float32Array => tensorData(this.#model.tensors, `batch_norm${layer + 1}.${name}`);
    const [mean, variance] = [parameter("running_mean"), parameter("running_var")];
    const [weight, bias] = [parameter("weight"), parameter("bias")];
    const normalized = x.data.map(
      (value, i) => ((value - mean[i]) / Math.sqrt(variance[i] + batchNormEpsilon)) * weight[i] + bias[i],
    );
    return { ...x, data: normalized };
  }

  #row(name: string, row: number): Float32Array {
    const table = tensorData(this.#model.tensors, name);
    const width = this.#model.tensors.get(name)?.shape[1] ?? 0;
    return table.subarray(row * width, (row + 1) * width);
  }
}
