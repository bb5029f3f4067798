/** A configuration as a graph of TensorFlow.js layers, with its weights under the names of the parameter table. */
import { batchNormEpsilon, batchNormMomentum, type MlpConfig, type NcfConfig } from "../../src/ncf/config.ts";
import { historyBranches } from "./histories.ts";
import type { LayersModel, SymbolicTensor, TensorFlow, TfLayer } from "./tensorflow.ts";
import type { NetworkWeight } from "./weights.ts";

export interface Network {
  readonly model: LayersModel;
  readonly weights: ReadonlyMap<string, NetworkWeight>;
}

/**
 * `training`: inputs are user rows (where users have some), item rows, a dropout mask (0 or 1 / (1 − rate)) for each layer that
 * drops, what histories give each branch, and the items' features; the output is the logit. `serving`: inputs are the rows only, nothing is dropped, and the output is the probability.
 */
export type NetworkForm = "training" | "serving";

/** The hidden layers that drop activations, by number from 0, with their widths. */
export function droppingLayers({ mlp }: NcfConfig): { layer: number; width: number }[] {
  if (mlp === null || mlp.dropout === 0) return [];
  return mlp.hidden.slice(0, mlp.regularizedLayers).map((width, layer) => ({ layer, width }));
}

export function buildNetwork(
  tf: TensorFlow,
  config: NcfConfig,
  rows: { readonly userRowCount: number; readonly itemRowCount: number },
  form: NetworkForm,
): Network {
  const graph = new Graph(tf, config, rows, form);
  const { mlp, gmf } = config;
  const features: SymbolicTensor[] = [];
  if (mlp !== null) features.push(graph.mlp(mlp));
  let logit: SymbolicTensor;
  if (gmf === null) logit = graph.output(features);
  else {
    const user = graph.user("gmf_", gmf.embeddingSize);
    const item = graph.item("gmf_item_embedding", gmf.embeddingSize);
    if (config.output === "sum") logit = tf.layers.dot({ name: "dot", axes: 1 }).apply([user, item]);
    else logit = graph.output([...features, tf.layers.multiply({ name: "gmf" }).apply([user, item])]);
  }
  if (config.itemBias) {
    logit = tf.layers.add({ name: "biased" }).apply([logit, graph.item("item_bias", 1)]);
  }
  if (form === "serving") logit = tf.layers.activation({ name: "probability", activation: "sigmoid" }).apply(logit);
  return { model: tf.model({ name: "ncf", inputs: graph.inputs, outputs: logit }), weights: graph.weights };
}

class Graph {
  readonly inputs: SymbolicTensor[];
  readonly weights = new Map<string, NetworkWeight>();
  readonly #tf: TensorFlow;
  readonly #rows: { readonly user: number; readonly item: number };
  readonly #rowInputs: { readonly user: SymbolicTensor; readonly item: SymbolicTensor };
  readonly #masks = new Map<number, SymbolicTensor>();
  /** By the prefix of their branch. */
  readonly #histories = new Map<string, SymbolicTensor>();
  readonly #hasUserRows: boolean;
  readonly #features: SymbolicTensor | null;

  constructor(
    tf: TensorFlow,
    config: NcfConfig,
    { userRowCount, itemRowCount }: { readonly userRowCount: number; readonly itemRowCount: number },
    form: NetworkForm,
  ) {
    this.#tf = tf;
    this.#rows = { user: userRowCount, item: itemRowCount };
    const row = (name: string): SymbolicTensor => tf.input({ name, shape: [1], dtype: "int32" });
    this.#rowInputs = { user: row("user_row"), item: row("item_row") };
    for (const { layer, width } of form === "training" ? droppingLayers(config) : []) {
      this.#masks.set(layer, tf.input({ name: `mask${layer + 1}`, shape: [width] }));
    }
    for (const { prefix, width } of historyBranches(config)) {
      this.#histories.set(prefix, tf.input({ name: `${prefix}history`, shape: [width] }));
    }
    this.#hasUserRows = !config.history || config.history.ownRow;
    const { itemFeatures } = config;
    this.#features = itemFeatures ? tf.input({ name: "item_features", shape: [itemFeatures.names.length] }) : null;
    this.inputs = [
      ...(this.#hasUserRows ? [this.#rowInputs.user] : []),
      this.#rowInputs.item,
      ...this.#masks.values(),
      ...this.#histories.values(),
      ...(this.#features === null ? [] : [this.#features]),
    ];
  }

  /** An item's row of a table, with what its features add. */
  item(table: string, width: number): SymbolicTensor {
    if (this.#features === null) return this.embedding(table, "item", width);
    const own = this.embedding(table.replace("item_", "own_item_"), "item", width);
    const name = table.replace("item_", "item_feature_");
    const layer = this.#tf.layers.dense({ name, units: width, kernelInitializer: "zeros", useBias: false });
    const added = layer.apply(this.#features);
    this.#keep(layer, [`${name}.weight`]);
    return this.#tf.layers.add({ name: `${table}_with_features` }).apply([own, added]);
  }

  /** A branch's vector of the user: their row, what their history gives, or both. */
  user(prefix: string, width: number): SymbolicTensor {
    const history = this.#histories.get(prefix);
    if (history === undefined) return this.embedding(`${prefix}user_embedding`, "user", width);
    if (!this.#hasUserRows) return history;
    const own = this.embedding(`${prefix}own_user_embedding`, "user", width);
    return this.#tf.layers.add({ name: `${prefix}user` }).apply([own, history]);
  }

  embedding(name: string, of: "user" | "item", width: number): SymbolicTensor {
    const { layers } = this.#tf;
    const layer = layers.embedding({
      name,
      inputDim: this.#rows[of],
      outputDim: width,
      embeddingsInitializer: "zeros",
    });
    const output = layers.flatten({ name: `${name}_row` }).apply(layer.apply(this.#rowInputs[of]));
    this.#keep(layer, [`${name}.weight`]);
    return output;
  }

  mlp({ embeddingSize, hidden, regularizedLayers, batchNorm }: MlpConfig): SymbolicTensor {
    const { layers } = this.#tf;
    let x = layers
      .concatenate({ name: "mlp" })
      .apply([this.user("", embeddingSize), this.item("item_embedding", embeddingSize)]);
    hidden.forEach((width, layer) => {
      const place = layer < regularizedLayers ? batchNorm : "none";
      x = this.#dense(`fc${layer + 1}`, width, x);
      if (place === "beforeRelu") x = this.#norm(layer, x);
      x = layers.activation({ name: `relu${layer + 1}`, activation: "relu" }).apply(x);
      if (place === "afterRelu") x = this.#norm(layer, x);
      const mask = this.#masks.get(layer);
      if (mask !== undefined) x = layers.multiply({ name: `dropout${layer + 1}` }).apply([x, mask]);
    });
    return x;
  }

  output(features: readonly SymbolicTensor[]): SymbolicTensor {
    const [first, ...others] = features;
    const joined = others.length === 0 ? first : this.#tf.layers.concatenate({ name: "features" }).apply(features);
    return this.#dense("output", 1, joined);
  }

  #dense(name: string, units: number, x: SymbolicTensor): SymbolicTensor {
    const layer = this.#tf.layers.dense({ name, units, kernelInitializer: "zeros" });
    const y = layer.apply(x);
    const [kernel, bias] = layer.weights;
    this.weights.set(`${name}.weight`, { variable: kernel, transposed: true });
    this.weights.set(`${name}.bias`, { variable: bias, transposed: false });
    return y;
  }

  #norm(layer: number, x: SymbolicTensor): SymbolicTensor {
    const name = `batch_norm${layer + 1}`;
    // The momentum of TensorFlow is the share that stays, PyTorch's the share that is new.
    const norm = this.#tf.layers.batchNormalization({
      name,
      momentum: 1 - batchNormMomentum,
      epsilon: batchNormEpsilon,
    });
    const y = norm.apply(x);
    this.#keep(norm, [`${name}.weight`, `${name}.bias`, `${name}.running_mean`, `${name}.running_var`]);
    return y;
  }

  #keep(layer: TfLayer, names: readonly string[]): void {
    names.forEach((name, i) => {
      this.weights.set(name, { variable: layer.weights[i], transposed: false });
    });
  }
}
