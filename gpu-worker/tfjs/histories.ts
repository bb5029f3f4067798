/**
 * Users' histories in TensorFlow.js: for each positive of a batch the weighted mean of its history's embeddings, which the
 * network takes as an input, with gradients. What a history is and weighs, src/ncf/config.ts says.
 */
import type { TrainingData } from "../../src/ncf/backend.ts";
import { userOfPositive } from "../../src/ncf/batches.ts";
import type { HistoryConfig, NcfConfig } from "../../src/ncf/config.ts";
import { timeOrder } from "../../src/ncf/history.ts";
import type { TensorFlow, TfTensor, TfVariable } from "./tensorflow.ts";
import type { NetworkWeight } from "./weights.ts";

/** The branches of a configuration that see histories, in the order of the network's inputs. */
export function historyBranches({ mlp, gmf, history }: NcfConfig): { prefix: string; width: number }[] {
  if (!history) return [];
  return [
    { prefix: "", width: mlp?.embeddingSize ?? 0 },
    { prefix: "gmf_", width: gmf?.embeddingSize ?? 0 },
  ].filter(({ width }) => width > 0);
}

interface Branch {
  readonly width: number;
  readonly table: TfVariable;
  /** θ; null where all items weigh alike. */
  readonly decay: TfVariable | null;
}

/** The histories of a batch, one for each positive in it, padded to the longest. */
export interface HistoryBatch {
  /** Shape [histories · longest]: rows of the tables, the newest item's first, 0 where there is none. */
  readonly rows: TfTensor;
  /** Shape [histories, longest, 1]: 1 where there is an item, else 0. */
  readonly present: TfTensor;
  /** Shape [1, longest, 1]: log(1 + k). */
  readonly ages: TfTensor;
  /** Shape [histories, 1]: 1 for a history without items. */
  readonly empty: TfTensor;
  /** Shape [batch]: which history is a sample's. */
  readonly ofSample: TfTensor;
}

export class Histories {
  /** Under the names of the parameter table. */
  readonly weights = new Map<string, NetworkWeight>();
  readonly #tf: TensorFlow;
  readonly #history: HistoryConfig;
  readonly #data: TrainingData;
  readonly #places: Int32Array;
  /** Each user's history rows, oldest first, in the layout of `data.positives`. */
  readonly #rows: Int32Array;
  readonly #users: Int32Array;
  readonly #branches: Branch[] = [];

  /** @throws NcfError `DATA_INVALID` for data without places */
  constructor(tf: TensorFlow, config: NcfConfig, history: HistoryConfig, data: TrainingData) {
    this.#tf = tf;
    this.#history = history;
    this.#data = data;
    this.#places = data.places ?? new Int32Array(0);
    this.#rows = timeOrder(data).map((item) => data.itemRows[item]);
    this.#users = userOfPositive(data);
    for (const { prefix, width } of historyBranches(config)) {
      const table = this.#variable(`${prefix}history_embedding.weight`, [data.itemRowCount, width]);
      const decay = history.weights === "recency" ? this.#variable(`${prefix}history_decay`, [1]) : null;
      this.#branches.push({ width, table, decay });
    }
  }

  #variable(name: string, shape: readonly number[]): TfVariable {
    const zeros = this.#tf.zeros(shape);
    const variable = this.#tf.variable(zeros, true);
    zeros.dispose();
    const itself = { read: () => variable, write: () => itself };
    this.weights.set(name, { variable: itself, transposed: false });
    return variable;
  }

  /** @param positives shape [batch]: the positive that each sample belongs to */
  batch(positives: Int32Array): HistoryBatch {
    const histories: Int32Array[] = [];
    const ofSample = positives.map((positive, i) => {
      if (i === 0 || positive !== positives[i - 1]) histories.push(this.#newestFirst(positive));
      return histories.length - 1;
    });
    const longest = Math.max(1, ...histories.map((rows) => rows.length));
    const rows = new Int32Array(histories.length * longest);
    const present = new Float32Array(histories.length * longest);
    histories.forEach((own, h) => {
      rows.set(own, h * longest);
      present.fill(1, h * longest, h * longest + own.length);
    });
    const ages = Float32Array.from({ length: longest }, (_, k) => Math.log1p(k));
    const empty = Float32Array.from(histories, (own) => (own.length === 0 ? 1 : 0));
    return {
      rows: this.#tf.tensor(rows, [rows.length], "int32"),
      present: this.#tf.tensor(present, [histories.length, longest, 1], "float32"),
      ages: this.#tf.tensor(ages, [1, longest, 1], "float32"),
      empty: this.#tf.tensor(empty, [histories.length, 1], "float32"),
      ofSample: this.#tf.tensor(ofSample, [ofSample.length], "int32"),
    };
  }

  #newestFirst(positive: number): Int32Array {
    const { offsets } = this.#data;
    const user = this.#users[positive];
    const place = offsets[user] + this.#places[positive];
    const before = this.#rows.slice(offsets[user], place);
    const after = this.#history.weights === "mean" ? this.#rows.slice(place + 1, offsets[user + 1]) : [];
    return Int32Array.of(...before, ...after)
      .reverse()
      .slice(0, this.#history.window);
  }

  /** What each branch gets, shape [batch, width]: Σ w h / (Σ w)^alpha of each sample's history. */
  vectors({ rows, present, ages, empty, ofSample }: HistoryBatch): TfTensor[] {
    const [count, longest] = present.shape;
    return this.#branches.map(({ width, table, decay }) => {
      const weights = decay === null ? present : present.mul(decay.softplus().mul(ages).neg().exp());
      const items = this.#tf.gather(table, rows).reshape([count, longest, width]);
      const total = weights.sum(1).add(empty);
      return this.#tf.gather(items.mul(weights).sum(1).div(total.pow(this.#history.alpha)), ofSample);
    });
  }

  dispose(): void {
    for (const { table, decay } of this.#branches) {
      table.dispose();
      decay?.dispose();
    }
  }
}
