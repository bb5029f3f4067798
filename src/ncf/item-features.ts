/**
 * What is known of items beside who took them, as an input of the network: config.ts, `ItemFeaturesConfig`. An item's row is
 * its own row + Σ_k v_k F_k, in each branch and in the item bias, where v is a list of unit length, so that an item with
 * many genres moves its row no further than one with few.
 */
import { NcfError } from "../core/errors.ts";
import type { TrainingData } from "./backend.ts";
import type { ItemFeaturesConfig, NcfConfig } from "./config.ts";
import type { Tensor, TensorMap } from "./parameters.ts";

/** The features of each item (compressed sparse rows). */
export interface ItemFeatures {
  /** Shape [items + 1]: item i's entries lie at offsets[i] … offsets[i + 1] − 1. */
  readonly offsets: Uint32Array;
  /** Shape [entries]: which feature, ascending within an item. */
  readonly features: Int32Array;
  /** Shape [entries]. */
  readonly values: Float32Array;
}

/** The features that attributes are: each name that an item has, in order of first appearance. */
export function attributeFeatureNames(attributes: Iterable<readonly string[]>): ItemFeaturesConfig {
  const names = new Set<string>();
  for (const own of attributes) for (const name of own) names.add(name);
  return { from: "attributes", names: [...names] };
}

/** @param attributes shape [items]; names that the configuration does not have are left out */
export function attributeFeatures(
  { names }: ItemFeaturesConfig,
  attributes: readonly (readonly string[])[],
): ItemFeatures {
  const indexOf = new Map(names.map((name, index) => [name, index]));
  return rowsOf(
    attributes.map((own) => {
      const features = [...new Set(own.flatMap((name) => indexOf.get(name) ?? []))];
      return features.sort((a, b) => a - b).map((feature) => ({ feature, value: 1 }));
    }),
  );
}

/** The features that vectors of this length are: their places. */
export function vectorFeatureNames(length: number): ItemFeaturesConfig {
  return { from: "vectors", names: Array.from({ length }, (_, place) => String(place)) };
}

/**
 * @param vectors shape [items]; null for an item without one, whose row is then its own alone
 * @throws NcfError `FEATURES_INVALID` for a vector of another length, or with a value that is not finite
 */
export function vectorFeatures(
  { names }: ItemFeaturesConfig,
  vectors: readonly (ArrayLike<number> | null)[],
): ItemFeatures {
  return rowsOf(
    vectors.map((vector, item) => {
      if (vector === null) return [];
      const values = Array.from(vector);
      if (values.length !== names.length || !values.every(Number.isFinite)) {
        throw new NcfError(
          "FEATURES_INVALID",
          `expected ${names.length} finite numbers as the vector of item ${item}, found ${values.length}, among them ` +
            `${values.find((value) => !Number.isFinite(value)) ?? "only finite ones"}`,
        );
      }
      return values.map((value, feature) => ({ feature, value }));
    }),
  );
}

function rowsOf(lists: readonly (readonly { feature: number; value: number }[])[]): ItemFeatures {
  const offsets = new Uint32Array(lists.length + 1);
  lists.forEach((list, item) => {
    offsets[item + 1] = offsets[item] + list.length;
  });
  const features = new Int32Array(offsets[lists.length]);
  const values = new Float32Array(offsets[lists.length]);
  lists.forEach((list, item) => {
    const length = Math.sqrt(list.reduce((sum, { value }) => sum + value * value, 0));
    list.forEach(({ feature, value }, i) => {
      features[offsets[item] + i] = feature;
      values[offsets[item] + i] = length === 0 ? 0 : value / length;
    });
  });
  return { offsets, features, values };
}

/**
 * The features of a training, checked.
 *
 * @throws NcfError `DATA_INVALID` where the configuration has features and the data have none, or other ones
 */
export function featuresOf({ names }: ItemFeaturesConfig, { items, itemFeatures }: TrainingData): ItemFeatures {
  const fits =
    itemFeatures !== undefined &&
    itemFeatures.offsets.length === items + 1 &&
    itemFeatures.features.every((feature) => feature >= 0 && feature < names.length);
  if (fits) return itemFeatures;
  const found = itemFeatures === undefined ? "none" : `those of ${itemFeatures.offsets.length - 1} items, or others`;
  throw new NcfError("DATA_INVALID", `expected ${names.length} features of ${items} items, found ${found}`);
}

/** An item table of the finished model, and the tensors that its rows are made of. */
interface ItemTable {
  readonly name: string;
  readonly own: string;
  readonly feature: string;
}

/** The item tables that a configuration with features has. */
export function itemTables({ mlp, gmf, itemBias }: NcfConfig): ItemTable[] {
  const table = (name: string, prefix: string, kind: string): ItemTable => ({
    name,
    own: `${prefix}own_item_${kind}.weight`,
    feature: `${prefix}item_feature_${kind}.weight`,
  });
  return [
    ...(mlp === null ? [] : [table("item_embedding.weight", "", "embedding")]),
    ...(gmf === null ? [] : [table("gmf_item_embedding.weight", "gmf_", "embedding")]),
    ...(itemBias ? [table("item_bias.weight", "", "bias")] : []),
  ];
}

/** Σ_k v_k F_k of an item, shape [width of the table]. */
export function featureRow(table: Tensor, { offsets, features, values }: ItemFeatures, item: number): Float64Array {
  const width = table.shape[1];
  const sum = new Float64Array(width);
  for (let at = offsets[item]; at < offsets[item + 1]; at++) {
    for (let c = 0; c < width; c++) sum[c] += values[at] * table.data[features[at] * width + c];
  }
  return sum;
}

/** The tensors with the item tables of a model without features; without features in `config`, `tensors` as they are. */
export function withItemRows(config: NcfConfig, data: TrainingData, tensors: Map<string, Tensor>): Map<string, Tensor> {
  const { itemFeatures = null } = config;
  if (itemFeatures === null) return tensors;
  const features = featuresOf(itemFeatures, data);
  const all = new Map(tensors);
  for (const { name, own, feature } of itemTables(config)) {
    const table = tensorNamed(tensors, feature);
    const { shape, data: ownRows } = tensorNamed(tensors, own);
    const rows = ownRows.slice();
    data.itemRows.forEach((row, item) => {
      featureRow(table, features, item).forEach((value, c) => {
        rows[row * shape[1] + c] += value;
      });
    });
    all.set(name, { shape, data: rows });
  }
  return all;
}

function tensorNamed(tensors: TensorMap, name: string): Tensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new NcfError("TENSOR_UNKNOWN", `expected the tensor ${name}, found none`);
  return tensor;
}
