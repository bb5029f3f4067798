/** EASE by its item-item matrix: for catalogues that are smaller than the number of users. */
import type { StoredTensor } from "../core/safetensors.ts";
import type { Sample } from "../core/sample.ts";
import { inverseCost, invertInSteps } from "../core/symmetric-inverse.ts";
import type { Baseline, FitListeners } from "./baseline.ts";
import type { EaseSettings } from "./ease.ts";
import { FitWork, pairCost } from "./fit-work.ts";
import { PlaceWeights } from "./place-weights.ts";
import { storedTensor } from "./stored.ts";

export class EaseByItems implements Baseline {
  readonly name: string;
  readonly settings: EaseSettings;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly #items: number;
  /** B, shape [items, items]: row i has what item i of a history adds to each item. */
  readonly #itemWeights: Float32Array;
  readonly #placeWeights: PlaceWeights;

  constructor(name: string, settings: EaseSettings, tensors: ReadonlyMap<string, StoredTensor>) {
    this.name = name;
    this.settings = settings;
    this.tensors = tensors;
    this.#itemWeights = storedTensor(tensors, "item_weights", Float32Array);
    this.#items = Math.sqrt(this.#itemWeights.length);
    this.#placeWeights = new PlaceWeights(settings.recency);
  }

  scoreHistory(history: Int32Array, items: Int32Array, scores: Float64Array): void {
    const weights = this.#itemWeights;
    const places = this.#placeWeights.of(history.length);
    scores.fill(0, 0, items.length);
    for (let h = 0; h < history.length; h++) {
      const row = history[h] * this.#items;
      for (let i = 0; i < items.length; i++) scores[i] += places[h] * weights[row + items[i]];
    }
  }
}

/** The tensors of the model. @param regularization λ */
export async function solveByItems(
  sample: Sample,
  regularization: number,
  listeners?: FitListeners,
): Promise<ReadonlyMap<string, StoredTensor>> {
  const { train, itemIds } = sample;
  const { offsets } = train;
  const size = itemIds.length;
  const work = new FitWork(pairCost(offsets) + inverseCost(size), listeners);
  const matrix = new Float64Array(size * size);
  for (let user = 0; user + 1 < offsets.length; user++) {
    const history = train.items.subarray(offsets[user], offsets[user + 1]);
    addPairs(matrix, size, history);
    await work.add(history.length ** 2 / 2);
  }
  for (let item = 0; item < size; item++) matrix[item * size + item] += regularization;
  for (const multiplications of invertInSteps(matrix, size)) await work.add(multiplications);
  const weights = new Float32Array(size * size);
  for (let item = 0; item < size; item++) {
    for (let other = 0; other < size; other++) {
      if (other !== item) weights[item * size + other] = -matrix[item * size + other] / matrix[other * size + other];
    }
  }
  return new Map([["item_weights", { shape: [size, size], data: weights }]]);
}

/** Adds x xᵀ of one history to the lower triangle. */
function addPairs(matrix: Float64Array, size: number, history: Int32Array): void {
  for (let a = 0; a < history.length; a++) {
    for (let b = 0; b <= a; b++) {
      const at = history[a] > history[b] ? history[a] * size + history[b] : history[b] * size + history[a];
      matrix[at] += 1;
    }
  }
}
