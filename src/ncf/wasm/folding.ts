/** A trained MLP as a chain of dense layers with ReLU: batch normalization by running statistics, folded away. */
import { batchNormEpsilon, type NcfConfig } from "../config.ts";
import type { TensorMap } from "../parameters.ts";

export interface DenseLayer {
  readonly inputs: number;
  readonly outputs: number;
  /** Shape [outputs, inputs]. */
  readonly weights: Float64Array;
  /** Shape [outputs]. */
  readonly bias: Float64Array;
}

export interface FoldedMlp {
  /** max(0, weights · x + bias), one after the other. */
  readonly hidden: readonly DenseLayer[];
  /** Shape [last hidden width], and what batch norm of the last hidden layer adds to the logit. */
  readonly output: Float64Array;
  readonly outputBias: number;
}

/** Folds: y = scale · h + shift after layer l goes into the weights that read y; before ReLU it goes into layer l itself. */
export function foldMlp(config: NcfConfig, tensors: TensorMap): FoldedMlp {
  const { mlp } = config;
  if (mlp === null) return { hidden: [], output: new Float64Array(0), outputBias: 0 };
  let inputs = 2 * mlp.embeddingSize;
  let scale: Float64Array = new Float64Array(inputs).fill(1);
  let shift: Float64Array = new Float64Array(inputs);
  const hidden = mlp.hidden.map((outputs, index): DenseLayer => {
    const layer = readLayer(tensors, `fc${index + 1}`, inputs, outputs, scale, shift);
    inputs = outputs;
    scale = new Float64Array(outputs).fill(1);
    shift = new Float64Array(outputs);
    if (mlp.batchNorm !== "none" && index < mlp.regularizedLayers) {
      const norm = normalization(tensors, `batch_norm${index + 1}`, outputs);
      if (mlp.batchNorm === "beforeRelu") return scaleOutputs(layer, norm.scale, norm.shift);
      ({ scale, shift } = norm);
    }
    return layer;
  });
  const weights = dataOf(tensors, "output.weight");
  const output = scale.map((factor, k) => factor * weights[k]);
  const outputBias = shift.reduce((sum, value, k) => sum + value * weights[k], 0);
  return { hidden, output, outputBias };
}

/** The layer for inputs that come unscaled: weights · (scale ⊙ x + shift) + bias. */
function readLayer(
  tensors: TensorMap,
  name: string,
  inputs: number,
  outputs: number,
  scale: Float64Array,
  shift: Float64Array,
): DenseLayer {
  const raw = dataOf(tensors, `${name}.weight`);
  const bias = Float64Array.from(dataOf(tensors, `${name}.bias`));
  const weights = new Float64Array(outputs * inputs);
  for (let n = 0; n < outputs; n++) {
    for (let k = 0; k < inputs; k++) {
      weights[n * inputs + k] = raw[n * inputs + k] * scale[k];
      bias[n] += raw[n * inputs + k] * shift[k];
    }
  }
  return { inputs, outputs, weights, bias };
}

function scaleOutputs(layer: DenseLayer, scale: Float64Array, shift: Float64Array): DenseLayer {
  const weights = layer.weights.map((value, i) => value * scale[Math.floor(i / layer.inputs)]);
  return { ...layer, weights, bias: layer.bias.map((value, n) => value * scale[n] + shift[n]) };
}

function normalization(tensors: TensorMap, name: string, width: number): { scale: Float64Array; shift: Float64Array } {
  const [weight, bias, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map((part) =>
    dataOf(tensors, `${name}.${part}`),
  );
  const scale = new Float64Array(width);
  for (let n = 0; n < width; n++) scale[n] = weight[n] / Math.sqrt(variance[n] + batchNormEpsilon);
  return { scale, shift: scale.map((factor, n) => bias[n] - mean[n] * factor) };
}

/** The data of a tensor that the configuration has. */
export function dataOf(tensors: TensorMap, name: string): Float32Array {
  return tensors.get(name)?.data ?? new Float32Array(0);
}
