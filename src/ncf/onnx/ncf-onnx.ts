/**
 * A trained network as ONNX: `users` int64 [1] or [n] and `items` int64 [n], indices of the sample's users and items, give
 * `logits` float32 [n]. One user stands for all items, so that a catalogue is ranked with the user's half of the first layer
 * computed once. Batch normalization is folded away, as in the scorer.
 *
 * A network that takes users by their history may have `history` int64 [h], items oldest first, in place of `users`: it
 * scores anybody, one at a time.
 *
 *     mlp     x₁ = ReLU(W_u p_u + b + W_i q_i),  x_{l+1} = ReLU(W_l x_l + b_l)
 *     logits  w_h · x_L  +  w_g · (p'_u ⊙ q'_i)  +  b  +  bias_i
 */
import type { TrainedModel } from "../model.ts";
import { type DenseLayer, dataOf, foldMlp } from "../wasm/folding.ts";
import { HistoryNodes } from "./history-nodes.ts";
import { encodeOnnx, type OnnxConstant, type OnnxNode, type OnnxValue } from "./onnx-file.ts";

/** What indices stand for, in the manner of the source. */
export interface OnnxIds {
  readonly userIds: readonly string[];
  readonly itemIds: readonly string[];
}

/** Whom the graph scores for: users of the sample, or whoever has a history. */
export type OnnxUsers = "trained" | "history";

/** @throws NcfError `MODEL_TOO_LARGE` above 2 GiB, `CONFIG_INVALID` for histories of a network that knows users by rows */
export function ncfOnnx(model: TrainedModel, ids: OnnxIds, users: OnnxUsers = "trained"): Uint8Array {
  const graph = new GraphBuilder(model, users === "history" ? new HistoryNodes(model) : null);
  const terms = [...graph.mlpTerm(), ...graph.gmfTerm()];
  graph.logits(terms);
  const { nodes, constants } = graph;
  const inputs: OnnxValue[] = [
    users === "history"
      ? { name: "history", type: "int64", shape: ["history"] }
      : { name: "users", type: "int64", shape: ["users"] },
    { name: "items", type: "int64", shape: ["items"] },
  ];
  const outputs = [{ name: "logits", type: "float32", shape: ["items"] }] as const;
  return encodeOnnx(
    { name: model.name, nodes, constants, inputs, outputs },
    {
      model: model.name,
      config: JSON.stringify(model.config),
      user_ids: JSON.stringify(ids.userIds),
      item_ids: JSON.stringify(ids.itemIds),
    },
  );
}

class GraphBuilder {
  readonly nodes: OnnxNode[];
  readonly constants: OnnxConstant[];
  readonly #model: TrainedModel;
  readonly #history: HistoryNodes | null;

  /** @param history makes users' vectors; null for those of trained users */
  constructor(model: TrainedModel, history: HistoryNodes | null) {
    this.#model = model;
    this.#history = history;
    this.nodes = [...(history?.nodes ?? [])];
    this.constants = [...(history?.constants ?? [])];
  }

  /** The MLP's part of the logits, shape [n, 1]; none without an MLP. */
  mlpTerm(): string[] {
    const { config, tensors } = this.#model;
    if (config.mlp === null) return [];
    const { hidden, output } = foldMlp(config, tensors);
    const width = config.mlp.embeddingSize;
    const [first, ...others] = hidden;
    this.#layer("user_half", this.#users("mlp", "user_embedding.weight", width), first, 0, width);
    this.#gemm("item_half", this.#rows("items", "item_embedding.weight", width), first, width, 2 * width);
    this.#node("Add", ["user_half", "item_half"], "sum");
    let x = this.#node("Relu", ["sum"], "hidden1");
    others.forEach((layer, l) => {
      const dense = this.#layer(`dense${l + 2}`, x, layer, 0, layer.inputs);
      x = this.#node("Relu", [dense], `hidden${l + 2}`);
    });
    return [this.#node("MatMul", [x, this.#constant("mlp_output", [output.length, 1], output)], "mlp")];
  }

  /** Likewise of GMF. */
  gmfTerm(): string[] {
    const { config, tensors } = this.#model;
    if (config.gmf === null) return [];
    const width = config.gmf.embeddingSize;
    const user = this.#users("gmf", "gmf_user_embedding.weight", width);
    const item = this.#rows("items", "gmf_item_embedding.weight", width);
    const product = this.#node("Mul", [user, item], "product");
    const ones = new Float32Array(width).fill(1);
    const weights = config.output === "dense" ? dataOf(tensors, "output.weight").slice(-width) : ones;
    return [this.#node("MatMul", [product, this.#constant("gmf_output", [width, 1], weights)], "gmf")];
  }

  /** Adds the terms and the biases up. */
  logits(terms: readonly string[]): void {
    const { config, tensors } = this.#model;
    const biases: string[] = [];
    if (config.itemBias) biases.push(this.#rows("items", "item_bias.weight", 1));
    if (config.output === "dense") {
      const bias = dataOf(tensors, "output.bias")[0] + foldMlp(config, tensors).outputBias;
      biases.push(this.#constant("output_bias", [1], Float64Array.of(bias)));
    }
    const [first, ...rest] = [...terms, ...biases];
    let sum = first;
    rest.forEach((term, i) => {
      sum = this.#node("Add", [sum, term], `sum${i}`);
    });
    this.constants.push({ name: "last_axis", shape: [1], data: BigInt64Array.of(1n) });
    this.#node("Squeeze", [sum, "last_axis"], "logits");
  }

  #users(branch: "mlp" | "gmf", table: string, width: number): string {
    return this.#history?.vectors[branch] ?? this.#rows("users", table, width);
  }

  /** The embedding rows of the users or items asked for; the table has one row for each of the sample's. */
  #rows(of: "users" | "items", table: string, width: number): string {
    const rows = of === "users" ? this.#model.userRows : this.#model.itemRows;
    const values = dataOf(this.#model.tensors, table);
    const data = new Float32Array(rows.length * width);
    rows.forEach((row, index) => {
      data.set(values.subarray(row * width, (row + 1) * width), index * width);
    });
    this.constants.push({ name: table, shape: [rows.length, width], data });
    return this.#node("Gather", [table, of], `${table.slice(0, -".weight".length)}_rows`);
  }

  /** weights · x + bias, of the inputs from `from` to before `to`. */
  #layer(name: string, x: string, layer: DenseLayer, from: number, to: number): string {
    const product = this.#gemm(`${name}_product`, x, layer, from, to);
    return this.#node("Add", [product, this.#constant(`${name}_bias`, [layer.outputs], layer.bias)], name);
  }

  #gemm(name: string, x: string, { inputs, outputs, weights }: DenseLayer, from: number, to: number): string {
    const transposed = new Float64Array((to - from) * outputs);
    for (let n = 0; n < outputs; n++) {
      for (let k = from; k < to; k++) transposed[(k - from) * outputs + n] = weights[n * inputs + k];
    }
    return this.#node("MatMul", [x, this.#constant(`${name}_weights`, [to - from, outputs], transposed)], name);
  }

  #constant(name: string, shape: readonly number[], values: ArrayLike<number>): string {
    this.constants.push({ name, shape, data: Float32Array.from(values) });
    return name;
  }

  #node(operator: string, inputs: readonly string[], output: string): string {
    this.nodes.push({ operator, inputs, output });
    return output;
  }
}
