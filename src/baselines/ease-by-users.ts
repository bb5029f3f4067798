/**
 * EASE by a user-user matrix, for catalogues that are larger than the number of users. With K = (X Xᵀ + λ I)⁻¹, the score
 * of an item j that x lacks is
 *
 *     score(x, j) = (Xᵀ v)_j / (1 − q_j),    v = K X x,    q_j = (Xᵀ K X)_jj
 *
 * and that of an item which it has, as B has zeros on its diagonal, ((Xᵀ v)_j − x_j q_j) / (1 − q_j).
 */
import type { StoredTensor } from "../core/safetensors.ts";
import type { Sample } from "../core/sample.ts";
import { inverseCost, invertInSteps } from "../core/symmetric-inverse.ts";
import type { Baseline, FitListeners } from "./baseline.ts";
import type { EaseSettings } from "./ease.ts";
import { FitWork, pairCost } from "./fit-work.ts";
import { PlaceWeights } from "./place-weights.ts";
import { storedTensor } from "./stored.ts";
import { type UsersOfItems, usersOfItems } from "./users-of-items.ts";

export class EaseByUsers implements Baseline {
  readonly name: string;
  readonly settings: EaseSettings;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly #usersOf: UsersOfItems;
  /** K, shape [users, users]. */
  readonly #userWeights: Float32Array;
  /** q, shape [items]. */
  readonly #selfWeights: Float64Array;
  readonly #placeWeights: PlaceWeights;
  /** Room for one request: X x and v, shape [users], and x, shape [items], zero between requests. */
  readonly #likeness: Float64Array;
  readonly #votes: Float64Array;
  readonly #asked: Float64Array;

  constructor(name: string, settings: EaseSettings, tensors: ReadonlyMap<string, StoredTensor>) {
    this.name = name;
    this.settings = settings;
    this.tensors = tensors;
    this.#userWeights = storedTensor(tensors, "user_weights", Float32Array);
    this.#selfWeights = storedTensor(tensors, "self_weights", Float64Array);
    const offsets = Uint32Array.from(storedTensor(tensors, "history_offsets", Int32Array));
    const items = storedTensor(tensors, "history_items", Int32Array);
    this.#usersOf = usersOfItems({ offsets, items }, this.#selfWeights.length);
    this.#placeWeights = new PlaceWeights(settings.recency);
    this.#likeness = new Float64Array(offsets.length - 1);
    this.#votes = new Float64Array(offsets.length - 1);
    this.#asked = new Float64Array(this.#selfWeights.length);
  }

  scoreHistory(history: Int32Array, items: Int32Array, scores: Float64Array): void {
    const { offsets, users } = this.#usersOf;
    const [votes, selfWeights, asked] = [this.#votes, this.#selfWeights, this.#asked];
    const places = this.#placeWeights.of(history.length);
    this.#vote(history, places);
    for (let h = 0; h < history.length; h++) asked[history[h]] = places[h];
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      let sum = 0;
      for (let at = offsets[item]; at < offsets[item + 1]; at++) sum += votes[users[at]];
      scores[i] = (sum - asked[item] * selfWeights[item]) / (1 - selfWeights[item]);
    }
    for (const item of history) asked[item] = 0;
  }

  /** v of the history. */
  #vote(history: Int32Array, places: Float64Array): void {
    const { offsets, users } = this.#usersOf;
    const [likeness, votes, userWeights] = [this.#likeness, this.#votes, this.#userWeights];
    likeness.fill(0);
    votes.fill(0);
    for (let h = 0; h < history.length; h++) {
      const item = history[h];
      for (let at = offsets[item]; at < offsets[item + 1]; at++) likeness[users[at]] += places[h];
    }
    for (let user = 0; user < votes.length; user++) {
      if (likeness[user] !== 0) addRow(userWeights, user * votes.length, likeness[user], votes);
    }
  }
}

/** sums += factor · the row of `matrix` that starts at `from`. */
function addRow(matrix: Float32Array, from: number, factor: number, sums: Float64Array): void {
  for (let column = 0; column < sums.length; column++) sums[column] += factor * matrix[from + column];
}

/** The tensors of the model. @param regularization λ */
export async function solveByUsers(
  sample: Sample,
  regularization: number,
  listeners?: FitListeners,
): Promise<ReadonlyMap<string, StoredTensor>> {
  const { train, itemIds } = sample;
  const size = train.offsets.length - 1;
  const byItem = usersOfItems(train, itemIds.length);
  const { offsets } = byItem;
  const work = new FitWork(2 * pairCost(offsets) + inverseCost(size), listeners);
  const matrix = new Float64Array(size * size);
  for (let item = 0; item < itemIds.length; item++) {
    addPairs(matrix, size, byItem, item);
    await work.add((offsets[item + 1] - offsets[item]) ** 2 / 2);
  }
  for (let user = 0; user < size; user++) matrix[user * size + user] += regularization;
  for (const multiplications of invertInSteps(matrix, size)) await work.add(multiplications);
  const selfWeights = new Float64Array(itemIds.length);
  for (let item = 0; item < itemIds.length; item++) {
    selfWeights[item] = selfWeight(matrix, size, byItem, item);
    await work.add((offsets[item + 1] - offsets[item]) ** 2 / 2);
  }
  return new Map<string, StoredTensor>([
    ["user_weights", { shape: [size, size], data: Float32Array.from(matrix) }],
    ["self_weights", { shape: [itemIds.length], data: selfWeights }],
    ["history_offsets", { shape: [size + 1], data: Int32Array.from(train.offsets) }],
    ["history_items", { shape: [train.items.length], data: train.items.slice() }],
  ]);
}

/** Adds one item's part of X Xᵀ to the lower triangle. */
function addPairs(matrix: Float64Array, size: number, { offsets, users }: UsersOfItems, item: number): void {
  for (let a = offsets[item]; a < offsets[item + 1]; a++) {
    const row = users[a] * size;
    for (let b = offsets[item]; b <= a; b++) matrix[row + users[b]] += 1;
  }
}

/** (Xᵀ K X)_jj of one item, from the lower triangle. */
function selfWeight(inverse: Float64Array, size: number, { offsets, users }: UsersOfItems, item: number): number {
  let sum = 0;
  for (let a = offsets[item]; a < offsets[item + 1]; a++) {
    const row = users[a] * size;
    for (let b = offsets[item]; b < a; b++) sum += 2 * inverse[row + users[b]];
    sum += inverse[row + users[a]];
  }
  return sum;
}
