/** Which tensors a configuration has, in one order that initial values, checkpoints and all backends share. */
import { normalQuantile } from "../core/math.ts";
import { mix, purposes, streamKey, unitFrom } from "../core/rng.ts";
import type { NcfConfig } from "./config.ts";

export interface ParameterSpec {
  /** Name in the checkpoint, in PyTorch's manner: `fc1.weight` has shape [outputs, inputs]. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly initial:
    | { readonly kind: "normal"; readonly std: number }
    | { readonly kind: "uniform"; readonly bound: number }
    | { readonly kind: "constant"; readonly value: number };
  /** `rows`: an embedding table, of which a batch touches few rows; `dense`: touched by every step; `statistic`: not trained. */
  readonly kind: "rows" | "dense" | "statistic";
}

/** θ of history.ts at the start: λ = log 2. */
const initialHistoryDecay = 0;

/** A float32 tensor, row-major. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The model's tensors by name, in the order of the parameter table. */
export type TensorMap = ReadonlyMap<string, Tensor>;

/**
 * The parameter table of `config` with `userRows` and `itemRows` embedding rows. A model of histories trains no
 * `user_embedding.weight`, one with item features no `item_embedding.weight`: derived-rows.ts makes them of the others.
 */
export function parameterTable(config: NcfConfig, userRows: number, itemRows: number): ParameterSpec[] {
  const table: ParameterSpec[] = [];
  const rows = (name: string, count: number, width: number, std: number): void => {
    table.push({ name: `${name}.weight`, shape: [count, width], initial: { kind: "normal", std }, kind: "rows" });
  };
  const dense = (name: string, outputs: number, inputs: number): void => {
    const initial = { kind: "uniform", bound: 1 / Math.sqrt(inputs) } as const;
    table.push({ name: `${name}.weight`, shape: [outputs, inputs], initial, kind: "dense" });
    table.push({ name: `${name}.bias`, shape: [outputs], initial, kind: "dense" });
  };
  const constant = (name: string, width: number, value: number, kind: "dense" | "statistic"): void => {
    table.push({ name, shape: [width], initial: { kind: "constant", value }, kind });
  };

  const { mlp, gmf, history = null, itemFeatures = null } = config;
  for (const [prefix, branch] of [
    ["", mlp],
    ["gmf_", gmf],
  ] as const) {
    if (branch === null) continue;
    const { embeddingSize, embeddingStd } = branch;
    if (history === null) rows(`${prefix}user_embedding`, userRows, embeddingSize, embeddingStd);
    else if (history.ownRow) rows(`${prefix}own_user_embedding`, userRows, embeddingSize, embeddingStd);
    if (itemFeatures === null) rows(`${prefix}item_embedding`, itemRows, embeddingSize, embeddingStd);
    else {
      rows(`${prefix}own_item_embedding`, itemRows, embeddingSize, embeddingStd);
      rows(`${prefix}item_feature_embedding`, itemFeatures.names.length, embeddingSize, embeddingStd);
    }
    if (history !== null) rows(`${prefix}history_embedding`, itemRows, embeddingSize, embeddingStd);
    if (history?.weights === "recency") constant(`${prefix}history_decay`, 1, initialHistoryDecay, "dense");
  }
  if (config.itemBias) {
    const biases = (name: string, count: number): void => {
      table.push({ name, shape: [count, 1], initial: { kind: "constant", value: 0 }, kind: "rows" });
    };
    if (itemFeatures === null) biases("item_bias.weight", itemRows);
    else {
      biases("own_item_bias.weight", itemRows);
      biases("item_feature_bias.weight", itemFeatures.names.length);
    }
  }
  if (mlp !== null) {
    let inputs = 2 * mlp.embeddingSize;
    mlp.hidden.forEach((outputs, layer) => {
      dense(`fc${layer + 1}`, outputs, inputs);
      if (mlp.batchNorm !== "none" && layer < mlp.regularizedLayers) {
        constant(`batch_norm${layer + 1}.weight`, outputs, 1, "dense");
        constant(`batch_norm${layer + 1}.bias`, outputs, 0, "dense");
        constant(`batch_norm${layer + 1}.running_mean`, outputs, 0, "statistic");
        constant(`batch_norm${layer + 1}.running_var`, outputs, 1, "statistic");
      }
      inputs = outputs;
    });
  }
  if (config.output === "dense") {
    dense("output", 1, (mlp?.hidden.at(-1) ?? 0) + (gmf?.embeddingSize ?? 0));
  }
  return table;
}

/** The number of trainable values of a specification. */
export function parameterCount(spec: ParameterSpec): number {
  return spec.kind === "statistic" ? 0 : spec.shape.reduce((product, n) => product * n, 1);
}

/** The initial values of every tensor: a function of the seed and each value's position alone. */
export function initialTensors(table: readonly ParameterSpec[], seed: number): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  table.forEach((spec, index) => {
    const data = new Float32Array(spec.shape.reduce((product, n) => product * n, 1));
    const { k0, k1 } = streamKey(seed, purposes.initialValues + index);
    const { initial } = spec;
    if (initial.kind === "constant") data.fill(initial.value);
    else if (initial.kind === "uniform") {
      for (let i = 0; i < data.length; i++) data[i] = (2 * unitFrom(mix(i, k0, k1)) - 1) * initial.bound;
    } else {
      for (let i = 0; i < data.length; i++) data[i] = normalQuantile(unitFrom(mix(i, k0, k1))) * initial.std;
    }
    tensors.set(spec.name, { shape: spec.shape, data });
  });
  return tensors;
}
