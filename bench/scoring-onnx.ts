/** onnxruntime-node as a contender: the paper's network, batch norm folded, as an ONNX file made here byte by byte. */
import { createRequire } from "node:module";
import path from "node:path";
import type { TrainedModel } from "../src/ncf/model.ts";
import { type DenseLayer, dataOf, foldMlp } from "../src/ncf/wasm/folding.ts";

interface OnnxTensor {
  readonly data: Float32Array;
}

interface OnnxSession {
  run(feeds: Readonly<Record<string, OnnxTensor>>): Promise<Readonly<Record<string, OnnxTensor>>>;
}

interface OnnxRuntime {
  readonly Tensor: new (type: "float32", data: Float32Array, shape: readonly number[]) => OnnxTensor;
  readonly InferenceSession: {
    create(model: Uint8Array, options: Readonly<Record<string, unknown>>): Promise<OnnxSession>;
  };
}

export interface OnnxContender {
  readonly name: string;
  /** Logits of all items for one user, with one thread. */
  score(user: number): Promise<Float32Array>;
}

const packageName = "onnxruntime-node";

/** What to do to see onnxruntime's figures. */
export const howToGetOnnx =
  "npm install --prefix DIR onnxruntime-node@1.30 --ignore-scripts, then set NCF_ONNXRUNTIME=DIR; its CPU binaries are in the package";

/**
 * The network with both embeddings as input for each item, and the network with its first layer split as ours is.
 *
 * @param folder holds node_modules/onnxruntime-node
 */
export async function onnxContenders(folder: string, model: TrainedModel): Promise<OnnxContender[]> {
  const require = createRequire(path.resolve(folder, "index.js"));
  const runtime = require(packageName) as OnnxRuntime;
  const { version } = require(`${packageName}/package.json`) as { readonly version: string };
  const { mlp } = model.config;
  if (mlp === null) throw new Error("expected a network with an MLP");
  const width = mlp.embeddingSize;
  const items = model.itemRows.length;
  const embeddings = (table: string, rows: Int32Array): Float32Array[] => {
    const values = dataOf(model.tensors, table);
    return Array.from(rows, (row) => values.subarray(row * width, (row + 1) * width));
  };
  const userRows = embeddings("user_embedding.weight", model.userRows);
  const itemRows = embeddings("item_embedding.weight", model.itemRows);
  const open = (file: Uint8Array): Promise<OnnxSession> =>
    runtime.InferenceSession.create(file, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: "sequential",
      graphOptimizationLevel: "all",
    });
  const whole = await open(wholeNetwork(model, items));
  const split = await open(splitNetwork(model, itemRows));
  // The items' half stays as it is from user to user.
  const pairs = new Float32Array(items * 2 * width);
  itemRows.forEach((row, item) => {
    pairs.set(row, item * 2 * width + width);
  });
  return [
    {
      name: `onnxruntime-node ${version}`,
      async score(user) {
        for (let item = 0; item < items; item++) pairs.set(userRows[user], item * 2 * width);
        const { logits } = await whole.run({ input: new runtime.Tensor("float32", pairs, [items, 2 * width]) });
        return logits.data;
      },
    },
    {
      name: `onnxruntime-node ${version}, first layer split`,
      async score(user) {
        const { logits } = await split.run({ input: new runtime.Tensor("float32", userRows[user], [1, width]) });
        return logits.data;
      },
    },
  ];
}

/** input [items, 2 · embedding] → logits [items, 1]. */
function wholeNetwork(model: TrainedModel, items: number): Uint8Array {
  const { hidden, nodes, initializers } = laterLayers(model, 0);
  return modelFile([...nodes], initializers, [items, hidden[0].inputs], items);
}

/** input [1, embedding] → logits [items, 1]; the item half of the first layer is a constant. */
function splitNetwork(model: TrainedModel, itemRows: readonly Float32Array[]): Uint8Array {
  const { hidden, nodes, initializers } = laterLayers(model, 1);
  const [{ inputs, outputs, weights, bias }] = hidden;
  const half = inputs / 2;
  const itemHalf = new Float32Array(itemRows.length * outputs);
  itemRows.forEach((row, item) => {
    for (let n = 0; n < outputs; n++) {
      let sum = 0;
      for (let k = 0; k < half; k++) sum += weights[n * inputs + half + k] * row[k];
      itemHalf[item * outputs + n] = sum;
    }
  });
  const userWeights = new Float32Array(half * outputs);
  for (let n = 0; n < outputs; n++)
    for (let k = 0; k < half; k++) userWeights[k * outputs + n] = weights[n * inputs + k];
  return modelFile(
    [
      node("Gemm", ["input", "user_weights", "user_bias"], "user_half"),
      node("Add", ["user_half", "item_half"], "sum"),
      node("Relu", ["sum"], "x1"),
      ...nodes,
    ],
    [
      tensor("user_weights", [half, outputs], userWeights),
      tensor("user_bias", [outputs], Float32Array.from(bias)),
      tensor("item_half", [itemRows.length, outputs], itemHalf),
      ...initializers,
    ],
    [1, half],
    itemRows.length,
  );
}

/** The layers from number `first` on, which read "input" or else "x" with their number, up to "logits". */
function laterLayers(
  model: TrainedModel,
  first: number,
): { hidden: readonly DenseLayer[]; nodes: Bytes[]; initializers: Bytes[] } {
  const { hidden, output, outputBias } = foldMlp(model.config, model.tensors);
  const bias = dataOf(model.tensors, "output.bias")[0] + outputBias;
  const last: DenseLayer = { inputs: output.length, outputs: 1, weights: output, bias: Float64Array.of(bias) };
  const layers = [...hidden, last];
  const nodes: Bytes[] = [];
  const initializers: Bytes[] = [];
  for (let l = first; l < layers.length; l++) {
    const { inputs, outputs, weights, bias } = layers[l];
    const transposed = new Float32Array(inputs * outputs);
    for (let n = 0; n < outputs; n++)
      for (let k = 0; k < inputs; k++) transposed[k * outputs + n] = weights[n * inputs + k];
    initializers.push(
      tensor(`weights${l}`, [inputs, outputs], transposed),
      tensor(`bias${l}`, [outputs], Float32Array.from(bias)),
    );
    const from = l === 0 ? "input" : `x${l}`;
    const to = l === hidden.length ? "logits" : `dense${l}`;
    nodes.push(node("Gemm", [from, `weights${l}`, `bias${l}`], to));
    if (l < hidden.length) nodes.push(node("Relu", [to], `x${l + 1}`));
  }
  return { hidden, nodes, initializers };
}

type Bytes = Uint8Array;
const float32 = 1;

/** A ModelProto of onnx.proto, IR version 8, operator set 13; the numbers are its field numbers. */
function modelFile(nodes: Bytes[], initializers: Bytes[], input: readonly number[], items: number): Uint8Array {
  const graph = join([
    ...nodes.map((one) => field(1, one)),
    field(2, text("ncf")),
    ...initializers.map((one) => field(5, one)),
    field(11, valueInfo("input", input)),
    field(12, valueInfo("logits", [items, 1])),
  ]);
  return join([integer(1, 8), field(7, graph), field(8, integer(2, 13))]);
}

/** A NodeProto. */
function node(operator: string, inputs: readonly string[], output: string): Bytes {
  return join([
    ...inputs.map((name) => field(1, text(name))),
    field(2, text(output)),
    field(3, text(`${operator} to ${output}`)),
    field(4, text(operator)),
  ]);
}

/** A TensorProto. */
function tensor(name: string, shape: readonly number[], values: Float32Array): Bytes {
  const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return join([...shape.map((size) => integer(1, size)), integer(2, float32), field(8, text(name)), field(9, raw)]);
}

/** A ValueInfoProto. */
function valueInfo(name: string, shape: readonly number[]): Bytes {
  const dimensions = join(shape.map((size) => field(1, integer(1, size))));
  const type = field(1, join([integer(1, float32), field(2, dimensions)]));
  return join([field(1, text(name)), field(2, type)]);
}

function field(number: number, content: Bytes): Bytes {
  return join([varint(number * 8 + 2), varint(content.length), content]);
}

function integer(number: number, value: number): Bytes {
  return join([varint(number * 8), varint(value)]);
}

function varint(value: number): Bytes {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Uint8Array.from([...bytes, rest]);
}

function text(value: string): Bytes {
  return new TextEncoder().encode(value);
}

function join(parts: readonly Bytes[]): Bytes {
  return Buffer.concat(parts);
}
