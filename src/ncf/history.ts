/**
 * The user's vector from their history: config.ts, `HistoryConfig`, for a history that is known to its end.
 *
 * A branch's decay is λ = softplus(θ) = log(1 + exp θ) of the tensor `history_decay`, so it is above 0 whatever θ is. All
 * numbers here are functions of model and history alone, on every machine.
 */
import { NcfError } from "../core/errors.ts";
import { exp, log, pow } from "../core/math.ts";
import type { TrainingData } from "./backend.ts";
import type { HistoryConfig, NcfConfig } from "./config.ts";
import type { Tensor, TensorMap } from "./parameters.ts";
import type { UserRow } from "./user-row.ts";

/**
 * Each user's training items oldest first, in the layout of `data.positives`.
 *
 * @throws NcfError `DATA_INVALID` for data without places
 */
export function timeOrder({ offsets, positives, places }: TrainingData): Int32Array {
  if (places?.length !== positives.length) {
    const found = places === undefined ? "none" : String(places.length);
    throw new NcfError("DATA_INVALID", `expected the places of ${positives.length} positives in time, found ${found}`);
  }
  const items = new Int32Array(positives.length);
  for (let user = 0; user + 1 < offsets.length; user++) {
    for (let at = offsets[user]; at < offsets[user + 1]; at++) items[offsets[user] + places[at]] = positives[at];
  }
  return items;
}

/** One branch's part of what a history gives. */
export interface HistoryBranch {
  readonly width: number;
  /** Shape [rows, width]: the embeddings of history items, and the users' own rows (empty without). */
  readonly table: Float32Array;
  readonly own: Float32Array;
  /** Shape [width]: the mean of the trained users' own rows, 0 without. */
  readonly meanOwn: Float64Array;
  /** Shape [window]: w_k. */
  readonly weights: Float64Array;
  /** Shape [window + 1]: (Σ of the first n weights)^−alpha, 0 for none. */
  readonly scales: Float64Array;
}

/** Makes users' vectors for a model whose configuration has a history. */
export class HistoryVectors {
  readonly #window: number;
  /** By branch; of width 0 where the model lacks it. */
  readonly branches: { readonly mlp: HistoryBranch; readonly gmf: HistoryBranch };

  /** @param userRows of the trained users */
  constructor({ mlp, gmf }: NcfConfig, history: HistoryConfig, tensors: TensorMap, userRows: Int32Array) {
    this.#window = history.window;
    this.branches = {
      mlp: branchOf(history, tensors, "", mlp?.embeddingSize ?? 0, userRows),
      gmf: branchOf(history, tensors, "gmf_", gmf?.embeddingSize ?? 0, userRows),
    };
  }

  /**
   * The vector of a user with this history.
   *
   * @param history embedding rows of items, oldest first; may be empty
   * @param ownRow the user's own embedding row, where the model has such rows; null for a user whom training has not seen
   */
  of(history: Int32Array, ownRow: number | null): UserRow {
    const newest = history.subarray(Math.max(0, history.length - this.#window));
    return { mlp: vector(this.branches.mlp, newest, ownRow), gmf: vector(this.branches.gmf, newest, ownRow) };
  }
}

function branchOf(
  history: HistoryConfig,
  tensors: TensorMap,
  prefix: string,
  width: number,
  userRows: Int32Array,
): HistoryBranch {
  const data = (name: string): Float32Array => tensors.get(prefix + name)?.data ?? new Float32Array(0);
  const rate = history.weights === "mean" ? 0 : log(1 + exp(data("history_decay")[0] ?? 0));
  const weights = new Float64Array(history.window);
  const scales = new Float64Array(history.window + 1);
  let total = 0;
  for (let k = 0; k < weights.length; k++) {
    weights[k] = pow(1 + k, -rate);
    total += weights[k];
    scales[k + 1] = pow(total, -history.alpha);
  }
  const own = data("own_user_embedding.weight");
  const meanOwn = new Float64Array(width);
  for (const row of own.length === 0 ? [] : userRows) {
    for (let c = 0; c < width; c++) meanOwn[c] += own[row * width + c] / userRows.length;
  }
  return { width, table: data("history_embedding.weight"), own, meanOwn, weights, scales };
}

function vector(branch: HistoryBranch, newest: Int32Array, ownRow: number | null): Float32Array {
  const { width, table, own, meanOwn, weights, scales } = branch;
  const sum = new Float64Array(width);
  for (let k = 0; k < newest.length; k++) {
    const row = newest[newest.length - 1 - k] * width;
    for (let c = 0; c < width; c++) sum[c] += weights[k] * table[row + c];
  }
  const scale = scales[newest.length];
  const hasRow = ownRow !== null && own.length > 0;
  return Float32Array.from(sum, (value, c) => value * scale + (hasRow ? own[ownRow * width + c] : meanOwn[c]));
}

/**
 * The tensors with `user_embedding.weight` and `gmf_user_embedding.weight`, the vectors that the training histories give,
 * so that a trained user is scored like one of any other model. Without a history in `config`, `tensors` as they are.
 */
export function withUserVectors(
  config: NcfConfig,
  data: TrainingData,
  tensors: Map<string, Tensor>,
): Map<string, Tensor> {
  const { mlp, gmf, history = null } = config;
  if (history === null) return tensors;
  const rows = timeOrder(data).map((item) => data.itemRows[item]);
  const vectors = new HistoryVectors(config, history, tensors, data.userRows);
  const tableOf = (width: number): Tensor => ({
    shape: [data.userRowCount, width],
    data: new Float32Array(data.userRowCount * width),
  });
  const [mlpTable, gmfTable] = [tableOf(mlp?.embeddingSize ?? 0), tableOf(gmf?.embeddingSize ?? 0)];
  for (let user = 0; user < data.users; user++) {
    const row = data.userRows[user];
    const found = vectors.of(rows.subarray(data.offsets[user], data.offsets[user + 1]), row);
    mlpTable.data.set(found.mlp, row * found.mlp.length);
    gmfTable.data.set(found.gmf, row * found.gmf.length);
  }
  const all = new Map(tensors);
  if (mlp !== null) all.set("user_embedding.weight", mlpTable);
  if (gmf !== null) all.set("gmf_user_embedding.weight", gmfTable);
  return all;
}
