/** A batch's histories and what they give to the users' vectors, forward and backward, in the readable form. */
import type { TrainingData } from "../backend.ts";
import type { Batch } from "../batches.ts";
import type { HistoryConfig } from "../config.ts";
import { timeOrder } from "../history.ts";
import { type Matrix, zeros } from "./layers.ts";
import { type Gradients, gradient, type Tensors, tensorData } from "./tensors.ts";

/** Each sample's history: embedding rows of items, the newest first. */
export function batchHistories(history: HistoryConfig, data: TrainingData, batch: Batch): Int32Array[] {
  const items = timeOrder(data);
  return Array.from(batch.users, (user, i) => {
    const own = items.subarray(data.offsets[user], data.offsets[user + 1]);
    const place = data.places?.[batch.positives[i]] ?? 0;
    const before = own.slice(0, place);
    const oldestFirst = history.weights === "mean" ? Int32Array.of(...before, ...own.slice(place + 1)) : before;
    return oldestFirst
      .toReversed()
      .slice(0, history.window)
      .map((item) => data.itemRows[item]);
  });
}

/** w_k of a branch. */
function weightsOf(history: HistoryConfig, tensors: Tensors, prefix: string): (k: number) => number {
  if (history.weights === "mean") return () => 1;
  const rate = Math.log1p(Math.exp(tensorData(tensors, `${prefix}history_decay`)[0]));
  return (k) => (1 + k) ** -rate;
}

/** Σ_k w_k h_k / (Σ_k w_k)^alpha of each sample. */
export function historyForward(
  history: HistoryConfig,
  histories: readonly Int32Array[],
  tensors: Tensors,
  prefix: string,
  width: number,
): Matrix {
  const table = tensorData(tensors, `${prefix}history_embedding.weight`);
  const weight = weightsOf(history, tensors, prefix);
  const out = zeros(histories.length, width);
  histories.forEach((rows, r) => {
    const total = rows.reduce((sum, _, k) => sum + weight(k), 0);
    rows.forEach((row, k) => {
      const share = weight(k) / total ** history.alpha;
      for (let c = 0; c < width; c++) out.data[r * width + c] += share * table[row * width + c];
    });
  });
  return out;
}

/**
 * Adds to the gradients of the history's embeddings, and of the decay: with W = Σ w_k and u the vector,
 * du/dλ = −Σ_k a_k w_k h_k / W^alpha + alpha · (Σ_k a_k w_k / W) · u with a_k = log(1 + k), and dλ/dθ = 1 / (1 + exp(−θ)).
 */
export function historyBackward(
  history: HistoryConfig,
  histories: readonly Int32Array[],
  tensors: Tensors,
  prefix: string,
  dVectors: Matrix,
  gradients: Gradients,
): void {
  const { width } = dVectors;
  const table = tensorData(tensors, `${prefix}history_embedding.weight`);
  const dTable = gradient(gradients, `${prefix}history_embedding.weight`);
  const weight = weightsOf(history, tensors, prefix);
  let dRate = 0;
  histories.forEach((rows, r) => {
    const d = dVectors.data.subarray(r * width, (r + 1) * width);
    const total = rows.reduce((sum, _, k) => sum + weight(k), 0);
    const meanAge = rows.reduce((sum, _, k) => sum + Math.log1p(k) * weight(k), 0) / total;
    rows.forEach((row, k) => {
      const share = weight(k) / total ** history.alpha;
      for (let c = 0; c < width; c++) {
        dTable[row * width + c] += share * d[c];
        dRate += d[c] * share * table[row * width + c] * (history.alpha * meanAge - Math.log1p(k));
      }
    });
  });
  if (history.weights === "mean") return;
  const theta = tensorData(tensors, `${prefix}history_decay`)[0];
  gradient(gradients, `${prefix}history_decay`)[0] += dRate / (1 + Math.exp(-theta));
}
