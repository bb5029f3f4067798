/** The two ends of the network: what a batch's users and items enter it as, and where their gradients go. */
import type { TrainingData } from "../backend.ts";
import type { Batch } from "../batches.ts";
import type { NcfConfig } from "../config.ts";
import { featuresOf, type ItemFeatures } from "../item-features.ts";
import { batchHistories, historyBackward, historyForward } from "./history.ts";
import { type Matrix, zeros } from "./layers.ts";
import { type Gradients, gradient, type Tensors } from "./tensors.ts";

/** A table of items: the embeddings of the MLP, of GMF, or the bias. */
export type ItemTableName = "item_embedding" | "gmf_item_embedding" | "item_bias";

export class BatchRows {
  readonly #config: NcfConfig;
  readonly #tensors: Tensors;
  readonly #userRows: Int32Array;
  readonly #itemRows: Int32Array;
  readonly #items: Int32Array;
  /** Of each sample; null without histories. */
  readonly #histories: readonly Int32Array[] | null;
  readonly #features: ItemFeatures | null;

  constructor(config: NcfConfig, data: TrainingData, tensors: Tensors, batch: Batch) {
    this.#config = config;
    this.#tensors = tensors;
    this.#userRows = batch.users.map((user) => data.userRows[user]);
    this.#itemRows = batch.items.map((item) => data.itemRows[item]);
    this.#items = batch.items;
    this.#histories = config.history ? batchHistories(config.history, data, batch) : null;
    this.#features = config.itemFeatures ? featuresOf(config.itemFeatures, data) : null;
  }

  /** @param prefix of the branch, "" or "gmf_" */
  users(prefix: string, width: number): Matrix {
    const { history } = this.#config;
    const rows = this.#userRows;
    if (!history || this.#histories === null) return gather(this.#tensors, `${prefix}user_embedding.weight`, rows);
    const pooled = historyForward(history, this.#histories, this.#tensors, prefix, width);
    return history.ownRow ? plus(gather(this.#tensors, `${prefix}own_user_embedding.weight`, rows), pooled) : pooled;
  }

  usersBackward(prefix: string, d: Matrix, gradients: Gradients): void {
    const { history } = this.#config;
    if (!history || this.#histories === null) {
      scatterAdd(gradients, `${prefix}user_embedding.weight`, this.#userRows, d);
      return;
    }
    if (history.ownRow) scatterAdd(gradients, `${prefix}own_user_embedding.weight`, this.#userRows, d);
    historyBackward(history, this.#histories, this.#tensors, prefix, d, gradients);
  }

  items(table: ItemTableName): Matrix {
    if (this.#features === null) return gather(this.#tensors, `${table}.weight`, this.#itemRows);
    const rows = gather(this.#tensors, `${ownTable(table)}.weight`, this.#itemRows);
    this.#entries((r, feature, value) => {
      const row = gather(this.#tensors, `${featureTable(table)}.weight`, Int32Array.of(feature)).data;
      row.forEach((x, c) => {
        rows.data[r * rows.width + c] += value * x;
      });
    });
    return rows;
  }

  itemsBackward(table: ItemTableName, d: Matrix, gradients: Gradients): void {
    if (this.#features === null) {
      scatterAdd(gradients, `${table}.weight`, this.#itemRows, d);
      return;
    }
    scatterAdd(gradients, `${ownTable(table)}.weight`, this.#itemRows, d);
    const dTable = gradient(gradients, `${featureTable(table)}.weight`);
    this.#entries((r, feature, value) => {
      for (let c = 0; c < d.width; c++) dTable[feature * d.width + c] += value * d.data[r * d.width + c];
    });
  }

  /** Goes over the features of each sample's item, in batch order. */
  #entries(visit: (r: number, feature: number, value: number) => void): void {
    const features = this.#features;
    if (features === null) return;
    this.#items.forEach((item, r) => {
      for (let at = features.offsets[item]; at < features.offsets[item + 1]; at++) {
        visit(r, features.features[at], features.values[at]);
      }
    });
  }
}

function ownTable(table: ItemTableName): string {
  return table.replace("item_", "own_item_");
}

function featureTable(table: ItemTableName): string {
  return table.replace("item_", "item_feature_");
}

function gather(tensors: Tensors, name: string, rows: Int32Array): Matrix {
  const table = tensors.get(name);
  if (table === undefined) throw new Error(`the parameter table has no tensor ${name}`);
  const width = table.shape[1];
  const out = zeros(rows.length, width);
  rows.forEach((row, r) => {
    out.data.set(table.data.subarray(row * width, (row + 1) * width), r * width);
  });
  return out;
}

/** Adds each row of `d` to its embedding row's gradient; rows that occur twice accumulate in batch order. */
function scatterAdd(gradients: Gradients, name: string, rows: Int32Array, d: Matrix): void {
  const table = gradient(gradients, name);
  rows.forEach((row, r) => {
    for (let c = 0; c < d.width; c++) table[row * d.width + c] += d.data[r * d.width + c];
  });
}

function plus(a: Matrix, b: Matrix): Matrix {
  return { ...a, data: a.data.map((value, i) => value + b.data[i]) };
}
