/** One training step's forward and backward pass of any configuration, in the readable form. */
import { purposes, streamKey } from "../../core/rng.ts";
import type { TrainingData } from "../backend.ts";
import { type Batch, keepsActivation } from "../batches.ts";
import type { MlpConfig, NcfConfig } from "../config.ts";
import {
  type BatchNormTrace,
  batchNorm,
  batchNormBackward,
  binaryCrossEntropy,
  dense,
  denseBackward,
  type Matrix,
  relu,
  reluBackward,
  sigmoid,
  times,
  zeros,
} from "./layers.ts";
import { BatchRows } from "./rows.ts";
import { type Gradients, gradient, type Tensors, tensorData } from "./tensors.ts";

interface BlockTrace {
  readonly input: Matrix;
  /** What ReLU was applied to. */
  readonly preactivation: Matrix;
  readonly norm: BatchNormTrace | null;
  /** 0 or 1 / (1 − rate) for each activation; null without dropout. */
  readonly mask: Float64Array | null;
}

/** Runs the step forward and backward; adds to `gradients` and gives the batch's mean loss. */
export function forwardBackward(
  config: NcfConfig,
  data: TrainingData,
  tensors: Tensors,
  batch: Batch,
  step: number,
  seed: number,
  gradients: Gradients,
): number {
  const { mlp, gmf } = config;
  const rows = new BatchRows(config, data, tensors, batch);
  const size = batch.users.length;

  const traces: BlockTrace[] = [];
  let hidden: Matrix | null = null;
  if (mlp !== null) {
    hidden = concatenate(rows.users("", mlp.embeddingSize), rows.items("item_embedding"));
    for (let layer = 0; layer < mlp.hidden.length; layer++) {
      const block = blockForward(mlp, layer, hidden, tensors, step, seed);
      traces.push(block.trace);
      hidden = block.output;
    }
  }
  const gmfUser = gmf && rows.users("gmf_", gmf.embeddingSize);
  const gmfItem = gmf && rows.items("gmf_item_embedding");
  const product = gmfUser && gmfItem && times(gmfUser, gmfItem.data);
  const features = concatenate(hidden ?? zeros(size, 0), product ?? zeros(size, 0));
  const logits = outputForward(config, features, tensors, rows);

  let loss = 0;
  const dLogits = zeros(size, 1);
  for (let i = 0; i < size; i++) {
    loss += binaryCrossEntropy(logits[i], batch.labels[i]) / size;
    dLogits.data[i] = (sigmoid(logits[i]) - batch.labels[i]) / size;
  }

  const dFeatures = outputBackward(config, features, tensors, rows, dLogits, gradients);
  const [dHidden, dProduct] = split(dFeatures, hidden?.width ?? 0);
  if (gmfUser && gmfItem) {
    rows.usersBackward("gmf_", times(dProduct, gmfItem.data), gradients);
    rows.itemsBackward("gmf_item_embedding", times(dProduct, gmfUser.data), gradients);
  }
  if (mlp !== null) {
    let d = dHidden;
    for (let layer = mlp.hidden.length - 1; layer >= 0; layer--) {
      d = blockBackward(mlp, layer, traces[layer], d, tensors, gradients);
    }
    const [dUser, dItem] = split(d, mlp.embeddingSize);
    rows.usersBackward("", dUser, gradients);
    rows.itemsBackward("item_embedding", dItem, gradients);
  }
  return loss;
}

/** dense → (norm) → ReLU → (norm) → (dropout), as configured for this layer. */
function blockForward(
  mlp: MlpConfig,
  layer: number,
  input: Matrix,
  tensors: Tensors,
  step: number,
  seed: number,
): { output: Matrix; trace: BlockTrace } {
  const name = `fc${layer + 1}`;
  const regularized = layer < mlp.regularizedLayers;
  const place = regularized ? mlp.batchNorm : "none";
  let preactivation = dense(input, tensorData(tensors, `${name}.weight`), tensorData(tensors, `${name}.bias`));
  let norm: BatchNormTrace | null = null;
  const normalize = (x: Matrix): Matrix => {
    const { y, trace } = batchNorm(x, normParameters(tensors, layer));
    norm = trace;
    return y;
  };
  if (place === "beforeRelu") preactivation = normalize(preactivation);
  let output = relu(preactivation);
  if (place === "afterRelu") output = normalize(output);
  const mask = regularized && mlp.dropout > 0 ? dropoutMask(mlp.dropout, layer, output, step, seed) : null;
  if (mask !== null) output = times(output, mask);
  return { output, trace: { input, preactivation, norm, mask } };
}

function blockBackward(
  mlp: MlpConfig,
  layer: number,
  trace: BlockTrace,
  dOutput: Matrix,
  tensors: Tensors,
  gradients: Gradients,
): Matrix {
  const name = `fc${layer + 1}`;
  const normName = `batch_norm${layer + 1}`;
  const denormalize = (dy: Matrix): Matrix =>
    trace.norm === null
      ? dy
      : batchNormBackward(
          trace.norm,
          tensorData(tensors, `${normName}.weight`),
          dy,
          gradient(gradients, `${normName}.weight`),
          gradient(gradients, `${normName}.bias`),
        );
  let d = trace.mask === null ? dOutput : times(dOutput, trace.mask);
  if (mlp.batchNorm === "afterRelu") d = denormalize(d);
  d = reluBackward(trace.preactivation, d);
  if (mlp.batchNorm === "beforeRelu") d = denormalize(d);
  return denseBackward(
    trace.input,
    tensorData(tensors, `${name}.weight`),
    d,
    gradient(gradients, `${name}.weight`),
    gradient(gradients, `${name}.bias`),
  );
}

function normParameters(tensors: Tensors, layer: number) {
  const name = `batch_norm${layer + 1}`;
  return {
    weight: tensorData(tensors, `${name}.weight`),
    bias: tensorData(tensors, `${name}.bias`),
    runningMean: tensorData(tensors, `${name}.running_mean`),
    runningVar: tensorData(tensors, `${name}.running_var`),
  };
}

function dropoutMask(rate: number, layer: number, shape: Matrix, step: number, seed: number): Float64Array {
  const key = streamKey(seed, purposes.dropout + layer, step);
  const scale = 1 / (1 - rate);
  return shape.data.map((_, i) =>
    keepsActivation(key, rate, shape.width, Math.floor(i / shape.width), i % shape.width) ? scale : 0,
  );
}

function outputForward(config: NcfConfig, features: Matrix, tensors: Tensors, rows: BatchRows): Float64Array {
  const logits =
    config.output === "dense"
      ? dense(features, tensorData(tensors, "output.weight"), tensorData(tensors, "output.bias")).data
      : Float64Array.from({ length: features.rows }, (_, r) =>
          features.data.subarray(r * features.width, (r + 1) * features.width).reduce((sum, x) => sum + x, 0),
        );
  if (config.itemBias) {
    rows.items("item_bias").data.forEach((bias, r) => {
      logits[r] += bias;
    });
  }
  return logits;
}

function outputBackward(
  config: NcfConfig,
  features: Matrix,
  tensors: Tensors,
  rows: BatchRows,
  dLogits: Matrix,
  gradients: Gradients,
): Matrix {
  if (config.itemBias) rows.itemsBackward("item_bias", dLogits, gradients);
  if (config.output === "dense") {
    return denseBackward(
      features,
      tensorData(tensors, "output.weight"),
      dLogits,
      gradient(gradients, "output.weight"),
      gradient(gradients, "output.bias"),
    );
  }
  return { ...features, data: features.data.map((_, i) => dLogits.data[Math.floor(i / features.width)]) };
}

function concatenate(a: Matrix, b: Matrix): Matrix {
  const out = zeros(a.rows, a.width + b.width);
  for (let r = 0; r < a.rows; r++) {
    out.data.set(a.data.subarray(r * a.width, (r + 1) * a.width), r * out.width);
    out.data.set(b.data.subarray(r * b.width, (r + 1) * b.width), r * out.width + a.width);
  }
  return out;
}

/** The first `width` columns and the others. */
function split(x: Matrix, width: number): [Matrix, Matrix] {
  const first = zeros(x.rows, width);
  const second = zeros(x.rows, x.width - width);
  for (let r = 0; r < x.rows; r++) {
    first.data.set(x.data.subarray(r * x.width, r * x.width + width), r * width);
    second.data.set(x.data.subarray(r * x.width + width, (r + 1) * x.width), r * second.width);
  }
  return [first, second];
}
