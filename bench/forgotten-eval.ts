/**
 * Scoring with the network left in training mode, as where a script forgets PyTorch's `model.eval()`: each user's
 * candidates go through as one batch, normalized by that batch's own statistics, with activations dropped at random.
 */
import type { Recommender } from "../src/core/recommender.ts";
import { purposes, streamKey } from "../src/core/rng.ts";
import { keepsActivation } from "../src/ncf/batches.ts";
import { batchNormEpsilon } from "../src/ncf/config.ts";
import type { TrainedModel } from "../src/ncf/model.ts";
import { batchNorm, dense, type Matrix, relu, times, zeros } from "../src/ncf/reference/layers.ts";
import { tensorData } from "../src/ncf/reference/tensors.ts";

/** What of training mode is left on. */
export interface TrainingMode {
  readonly dropout: boolean;
  readonly batchStatistics: boolean;
}

export class ForgottenEval implements Recommender {
  readonly name: string;
  readonly #model: TrainedModel;
  readonly #mode: TrainingMode;
  readonly #seed: number;

  /** @param model one without a GMF branch, such as the preset `paper` */
  constructor(model: TrainedModel, mode: TrainingMode, seed: number) {
    this.name = model.name;
    this.#model = model;
    this.#mode = mode;
    this.#seed = seed;
  }

  score(user: number, items: Int32Array, scores: Float64Array): void {
    const { tensors, userRows, itemRows, config } = this.#model;
    const width = config.mlp?.embeddingSize ?? 0;
    const users = tensorData(tensors, "user_embedding.weight");
    const movies = tensorData(tensors, "item_embedding.weight");
    let x = zeros(items.length, 2 * width);
    items.forEach((item, r) => {
      const [userAt, itemAt] = [userRows[user] * width, itemRows[item] * width];
      x.data.set(users.subarray(userAt, userAt + width), r * 2 * width);
      x.data.set(movies.subarray(itemAt, itemAt + width), r * 2 * width + width);
    });
    config.mlp?.hidden.forEach((_, layer) => {
      x = this.#block(x, layer, user);
    });
    scores.set(dense(x, tensorData(tensors, "output.weight"), tensorData(tensors, "output.bias")).data);
  }

  #block(input: Matrix, layer: number, user: number): Matrix {
    const { mlp } = this.#model.config;
    if (mlp === null) return input;
    const { tensors } = this.#model;
    const regularized = layer < mlp.regularizedLayers;
    const place = regularized ? mlp.batchNorm : "none";
    let x = dense(input, tensorData(tensors, `fc${layer + 1}.weight`), tensorData(tensors, `fc${layer + 1}.bias`));
    if (place === "beforeRelu") x = this.#normalize(x, layer);
    x = relu(x);
    if (place === "afterRelu") x = this.#normalize(x, layer);
    return regularized && this.#mode.dropout && mlp.dropout > 0 ? this.#drop(x, mlp.dropout, layer, user) : x;
  }

  #normalize(x: Matrix, layer: number): Matrix {
    const values = (name: string) => tensorData(this.#model.tensors, `batch_norm${layer + 1}.${name}`);
    const [weight, bias, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map(values);
    // Copies, since normalizing by a batch also moves the running statistics: each user is to meet the same model.
    const running = { runningMean: mean.slice(), runningVar: variance.slice() };
    if (this.#mode.batchStatistics) return batchNorm(x, { weight, bias, ...running }).y;
    const normalized = x.data.map((value, i) => {
      const c = i % x.width;
      return ((value - mean[c]) / Math.sqrt(variance[c] + batchNormEpsilon)) * weight[c] + bias[c];
    });
    return { ...x, data: normalized };
  }

  #drop(x: Matrix, rate: number, layer: number, user: number): Matrix {
    const key = streamKey(this.#seed, purposes.dropout + layer, user);
    const kept = (i: number): boolean => keepsActivation(key, rate, x.width, Math.floor(i / x.width), i % x.width);
    return times(
      x,
      x.data.map((_, i) => (kept(i) ? 1 / (1 - rate) : 0)),
    );
  }
}
