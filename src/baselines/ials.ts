/**
 * iALS, implicit alternating least squares (Hu, Koren, Volinsky 2008, "Collaborative Filtering for Implicit Feedback
 * Datasets"), in the form of Rendle et al. 2021, "Revisiting the Performance of iALS on Item Recommendation Benchmarks":
 * factors w of users and h of items that minimize
 *
 *     Σ over interactions (u, i) of (1 − w_u · h_i)²  +  α Σ over all u, i of (w_u · h_i)²
 *       +  λ (Σ_u (n_u + α · items)^ν ‖w_u‖²  +  Σ_i (n_i + α · users)^ν ‖h_i‖²)
 *
 * with n the number of a user's or item's interactions. In turns, all users' factors and all items' are solved for exactly,
 * given the others. Hu et al. have ν = 0; with ν = 1 each row is regularized as often as it occurs.
 *
 *     score(history, i) = w · h_i,  w solved for from the history as in the fit
 *
 * so known and new users are treated alike, and the file has the items' factors alone. The order of a history can count
 * there: an interaction's square has the weight (1 + newer items)^−recency. The defaults have the best HR@10 on
 * the validation splits of ml-latest-small and ML-100K taken together (bench/rivals-tuning.ts).
 *
 * With d factors, an iteration costs d² multiplications an interaction and d³ / 6 a user and item; a request d² / 2 an item of
 * the history, d³ / 6, and d a candidate; a file 4 d bytes an item.
 */
import { normalQuantile, pow } from "../core/math.ts";
import { mix, purposes, streamKey, unitFrom } from "../core/rng.ts";
import type { StoredTensor } from "../core/safetensors.ts";
import type { Sample } from "../core/sample.ts";
import type { Baseline, BaselineKind, BaselineSettings, FitListeners } from "./baseline.ts";
import { FitWork } from "./fit-work.ts";
import { gram, LeastSquares } from "./least-squares.ts";
import { PlaceWeights } from "./place-weights.ts";
import { above, atLeast, checkSettings, positiveInteger } from "./settings.ts";
import { storedTensor } from "./stored.ts";
import { usersOfItems } from "./users-of-items.ts";

export type IalsSettings = Readonly<{
  /** d. */
  factors: number;
  iterations: number;
  /** α: what a pair without interaction weighs, where one with it weighs 1. */
  unobservedWeight: number;
  /** λ. */
  regularization: number;
  /** ν. */
  frequencyExponent: number;
  /** How fast an item of the history that is scored counts less as there are newer ones; 0 knows no order. */
  recency: number;
  /** Of the items' first factors, times √d. */
  initialStd: number;
  /** Draws the items' first factors. */
  seed: number;
}>;

class Ials implements Baseline {
  readonly name: string;
  readonly settings: IalsSettings;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Shape [items, factors]. */
  readonly #items: Float64Array;
  /** α Σ h hᵀ. */
  readonly #penalty: Float64Array;
  readonly #placeWeights: PlaceWeights;
  readonly #solver: LeastSquares;
  /** Room for one request. */
  readonly #user: Float64Array;

  constructor(name: string, settings: IalsSettings, tensors: ReadonlyMap<string, StoredTensor>) {
    this.name = name;
    this.settings = settings;
    this.tensors = tensors;
    this.#items = Float64Array.from(storedTensor(tensors, "item_factors", Float32Array));
    this.#penalty = gram(this.#items, settings.factors, settings.unobservedWeight);
    this.#placeWeights = new PlaceWeights(settings.recency);
    this.#solver = new LeastSquares(settings.factors);
    this.#user = new Float64Array(settings.factors);
  }

  scoreHistory(history: Int32Array, items: Int32Array, scores: Float64Array): void {
    const [factors, user, width] = [this.#items, this.#user, this.settings.factors];
    const ridge = ridgeOf(this.settings, history.length, factors.length / width);
    this.#solver.solve(factors, history, this.#placeWeights.of(history.length), this.#penalty, ridge, user);
    for (let i = 0; i < items.length; i++) {
      const row = items[i] * width;
      let sum = 0;
      for (let k = 0; k < width; k++) sum += user[k] * factors[row + k];
      scores[i] = sum;
    }
  }
}

/** @param others items for a user, users for an item */
function ridgeOf(settings: IalsSettings, interactions: number, others: number): number {
  const { regularization, unobservedWeight, frequencyExponent } = settings;
  return regularization * pow(interactions + unobservedWeight * others, frequencyExponent);
}

/** One side's interactions: row r's are `others` at offsets[r] … offsets[r + 1] − 1. */
interface Side {
  readonly offsets: Uint32Array;
  readonly others: Int32Array;
}

/** Alternates between the users' factors and the items'. @returns the items' factors, shape [items, factors] */
async function alternate(sample: Sample, settings: IalsSettings, listeners?: FitListeners): Promise<Float64Array> {
  const { factors: width, iterations, unobservedWeight } = settings;
  const byItem = usersOfItems(sample.train, sample.itemIds.length);
  const users: Side = { offsets: sample.train.offsets, others: sample.train.items };
  const items: Side = { offsets: byItem.offsets, others: byItem.users };
  const solver = new LeastSquares(width);
  const alike = new PlaceWeights(0);
  const rows = sample.userIds.length + sample.itemIds.length;
  const perIteration = solver.cost(2 * sample.train.items.length) + rows * solver.cost(0);
  const work = new FitWork(iterations * perIteration, listeners);
  const userFactors = new Float64Array(sample.userIds.length * width);
  const itemFactors = initialFactors(sample.itemIds.length, settings);

  const halfStep = async ({ offsets, others }: Side, fixed: Float64Array, solved: Float64Array): Promise<void> => {
    const penalty = gram(fixed, width, unobservedWeight);
    for (let row = 0; row + 1 < offsets.length; row++) {
      const list = others.subarray(offsets[row], offsets[row + 1]);
      const ridge = ridgeOf(settings, list.length, fixed.length / width);
      solver.solve(fixed, list, alike.of(list.length), penalty, ridge, solved.subarray(row * width, (row + 1) * width));
      await work.add(solver.cost(list.length));
    }
  };
  for (let iteration = 0; iteration < iterations; iteration++) {
    await halfStep(users, itemFactors, userFactors);
    await halfStep(items, userFactors, itemFactors);
  }
  return itemFactors;
}

/** Shape [items, factors]: normally distributed. */
export function initialFactors(items: number, { factors, initialStd, seed }: IalsSettings): Float64Array {
  const { k0, k1 } = streamKey(seed, purposes.initialValues);
  const std = initialStd / Math.sqrt(factors);
  return Float64Array.from({ length: items * factors }, (_, i) => normalQuantile(unitFrom(mix(i, k0, k1))) * std);
}

function ialsKind(name: string, defaults: IalsSettings): BaselineKind<IalsSettings> {
  const check = (settings: BaselineSettings): void =>
    checkSettings(name, settings, {
      factors: positiveInteger,
      iterations: positiveInteger,
      unobservedWeight: above(0),
      regularization: above(0),
      frequencyExponent: atLeast(0),
      recency: atLeast(0),
      initialStd: above(0),
      seed: atLeast(0),
    });
  return {
    name,
    defaults,
    check,
    async fit({ sample }, settings, listeners) {
      check(settings);
      const factors = Float32Array.from(await alternate(sample, settings, listeners));
      const shape = [sample.itemIds.length, settings.factors];
      return new Ials(name, settings, new Map([["item_factors", { shape, data: factors }]]));
    },
    load: (settings, tensors) => new Ials(name, settings, tensors),
  };
}

const orderFree: IalsSettings = {
  factors: 64,
  iterations: 10,
  unobservedWeight: 0.1,
  regularization: 0.015,
  frequencyExponent: 1,
  recency: 0,
  initialStd: 0.1,
  seed: 1,
};

/** As published. */
export const ials = ialsKind("ials", orderFree);

/** With order: the newest items of a history count most. */
export const ialsRecency = ialsKind("ials-recency", { ...orderFree, regularization: 0.02, recency: 1.2 });
