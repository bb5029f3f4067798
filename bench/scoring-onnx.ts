/** onnxruntime-node as a contender: the exported network, and the same with the items' half of the first layer computed before. */
import type { TrainedModel } from "../src/ncf/model.ts";
import { ncfOnnx } from "../src/ncf/onnx/ncf-onnx.ts";
import { encodeOnnx, type OnnxConstant, type OnnxNode } from "../src/ncf/onnx/onnx-file.ts";
import { type DenseLayer, dataOf, foldMlp } from "../src/ncf/wasm/folding.ts";
import { loadOnnxRuntime } from "./onnx-runtime.ts";

export interface OnnxContender {
  readonly name: string;
  /** Logits of all items for one user, with one thread. */
  score(user: number): Promise<Float32Array>;
}

/** What to do to see onnxruntime's figures. */
export const howToGetOnnx = "set NCF_ONNXRUNTIME=$(scripts/install-onnxruntime.sh)";

/** @param folder where scripts/install-onnxruntime.sh put it */
export async function onnxContenders(folder: string, model: TrainedModel): Promise<OnnxContender[]> {
  const runtime = loadOnnxRuntime(folder);
  const { mlp } = model.config;
  if (mlp === null) throw new Error("expected a network with an MLP");
  const width = mlp.embeddingSize;
  const table = dataOf(model.tensors, "user_embedding.weight");
  const exported = await runtime.open(ncfOnnx(model, { userIds: [], itemIds: [] }));
  const items = runtime.int64(Int32Array.from(model.itemRows.keys()));
  const split = await runtime.open(itemHalfComputed(model));
  return [
    {
      name: `onnxruntime-node ${runtime.version}, as exported`,
      async score(user) {
        const { logits } = await exported.run({ users: runtime.int64(Int32Array.of(user)), items });
        return logits.data as Float32Array;
      },
    },
    {
      name: `onnxruntime-node ${runtime.version}, items' half computed before`,
      async score(user) {
        const row = model.userRows[user];
        const input = runtime.float32(table.slice(row * width, (row + 1) * width), [1, width]);
        const { logits } = await split.run({ input });
        return logits.data as Float32Array;
      },
    },
  ];
}

/** input [1, embedding] → logits [items, 1]. */
function itemHalfComputed(model: TrainedModel): Uint8Array {
  const { hidden, output, outputBias } = foldMlp(model.config, model.tensors);
  const bias = dataOf(model.tensors, "output.bias")[0] + outputBias;
  const last: DenseLayer = { inputs: output.length, outputs: 1, weights: output, bias: Float64Array.of(bias) };
  const [first, ...rest] = [...hidden, last];
  const half = first.inputs / 2;
  const nodes: OnnxNode[] = [
    { operator: "Gemm", inputs: ["input", "weights0", "bias0"], output: "user_half" },
    { operator: "Add", inputs: ["user_half", "item_half"], output: "sum" },
    { operator: "Relu", inputs: ["sum"], output: "x1" },
  ];
  const items = model.itemRows.length;
  const constants: OnnxConstant[] = [
    ...layerConstants(0, first, half),
    { name: "item_half", shape: [items, first.outputs], data: itemHalf(model, first) },
  ];
  rest.forEach((layer, at) => {
    const l = at + 1;
    const isLast = layer === last;
    const dense = isLast ? "logits" : `dense${l}`;
    nodes.push({ operator: "Gemm", inputs: [`x${l}`, `weights${l}`, `bias${l}`], output: dense });
    if (!isLast) nodes.push({ operator: "Relu", inputs: [dense], output: `x${l + 1}` });
    constants.push(...layerConstants(l, layer, layer.inputs));
  });
  return encodeOnnx(
    {
      name: "ncf",
      nodes,
      constants,
      inputs: [{ name: "input", type: "float32", shape: [1, half] }],
      outputs: [{ name: "logits", type: "float32", shape: [items, 1] }],
    },
    {},
  );
}

/** Weights of the first `inputs` inputs, transposed, and bias. */
function layerConstants(l: number, layer: DenseLayer, inputs: number): OnnxConstant[] {
  const { outputs, weights, bias } = layer;
  const transposed = new Float32Array(inputs * outputs);
  for (let n = 0; n < outputs; n++) {
    for (let k = 0; k < inputs; k++) transposed[k * outputs + n] = weights[n * layer.inputs + k];
  }
  return [
    { name: `weights${l}`, shape: [inputs, outputs], data: transposed },
    { name: `bias${l}`, shape: [outputs], data: Float32Array.from(bias) },
  ];
}

function itemHalf(model: TrainedModel, { inputs, outputs, weights }: DenseLayer): Float32Array {
  const half = inputs / 2;
  const table = dataOf(model.tensors, "item_embedding.weight");
  const sums = new Float32Array(model.itemRows.length * outputs);
  model.itemRows.forEach((row, item) => {
    for (let n = 0; n < outputs; n++) {
      let sum = 0;
      for (let k = 0; k < half; k++) sum += weights[n * inputs + half + k] * table[row * half + k];
      sums[item * outputs + n] = sum;
    }
  });
  return sums;
}
