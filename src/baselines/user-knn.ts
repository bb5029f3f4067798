/**
 * User-based collaborative filtering (Resnick et al. 1994; Breese, Heckerman and Kadie 1998): what those with the most
 * similar histories have beside.
 *
 *     score(i) = Σ over those of the k most similar users v that have i of sim(v)^amplification / (n(i) + 1)^discount
 *     sim(v) = Σ over items j of both histories of w(j) / sqrt((W + s) · (n(v) + s)),  w(j) = (1 + newer(j))^−recency
 *
 * with newer(j) the number of newer items in the history that is asked for, W the sum of its squared weights, n(v) the length
 * of v's history, n(i) the users of item i, and s the shrinkage, which holds back users with short histories. With recency 0
 * and s 0, sim is the cosine of two rows. Whoever has nothing beside the history itself, as its own user, is left out. The
 * defaults are those of the best mean HR@10 on the validation splits of ml-latest-small and ML-100K (bench/rivals-tuning.ts).
 *
 * Cost of a fit: a copy of the interactions; of a request: Σ over the history of n(j), then the length of the k users'
 * histories; of a file: 4 bytes an interaction.
 */
import { bestPositions } from "../core/best-items.ts";
import { pow } from "../core/math.ts";
import type { StoredTensor } from "../core/safetensors.ts";
import type { UserHistories } from "../core/sample.ts";
import type { Baseline, BaselineKind, BaselineSettings } from "./baseline.ts";
import { PlaceWeights } from "./place-weights.ts";
import { above, atLeast, checkSettings, positiveInteger } from "./settings.ts";
import { storedTensor } from "./stored.ts";
import { type UsersOfItems, usersOfItems } from "./users-of-items.ts";

export type UserKnnSettings = Readonly<{
  /** k. */
  neighbours: number;
  /** s, in items. */
  shrinkage: number;
  /** By which power the most similar users outweigh the others. */
  amplification: number;
  /** How much of an item's popularity is taken back: 0 nothing, 1 all of it. */
  discount: number;
  /** How fast an item of the history counts less with the number of newer ones; 0 knows no order. */
  recency: number;
}>;

type Histories = Pick<UserHistories, "offsets" | "items">;

class UserKnn implements Baseline {
  readonly name: string;
  readonly settings: UserKnnSettings;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly #histories: Histories;
  readonly #users: UsersOfItems;
  readonly #weights: PlaceWeights;
  /** Shape [items]: what an item's score is divided by. */
  readonly #discounts: Float64Array;
  /** Of the request at hand, zero between requests. Shape [users]: Σ w(j) over what is in both histories, and its items. */
  readonly #overlaps: Float64Array;
  readonly #shared: Int32Array;
  /** Shape [items]. */
  readonly #sums: Float64Array;

  constructor(name: string, settings: UserKnnSettings, histories: Histories, items: number) {
    this.name = name;
    this.settings = settings;
    this.#histories = histories;
    this.#users = usersOfItems(histories, items);
    this.#weights = new PlaceWeights(settings.recency);
    const { offsets } = this.#users;
    this.#discounts = Float64Array.from({ length: items }, (_, item) =>
      pow(offsets[item + 1] - offsets[item] + 1, settings.discount),
    );
    this.#overlaps = new Float64Array(histories.offsets.length - 1);
    this.#shared = new Int32Array(histories.offsets.length - 1);
    this.#sums = new Float64Array(items);
    this.tensors = new Map<string, StoredTensor>([
      ["offsets", { shape: [histories.offsets.length], data: Int32Array.from(histories.offsets) }],
      ["items", { shape: [histories.items.length], data: histories.items }],
      ["catalogue_size", { shape: [1], data: Int32Array.of(items) }],
    ]);
  }

  scoreHistory(history: Int32Array, items: Int32Array, scores: Float64Array): void {
    const { offsets, items: taken } = this.#histories;
    const sums = this.#sums;
    const { users, similarities } = this.#mostSimilar(history);
    users.forEach((user, n) => {
      for (let at = offsets[user]; at < offsets[user + 1]; at++) sums[taken[at]] += similarities[n];
    });
    for (let i = 0; i < items.length; i++) scores[i] = sums[items[i]] / this.#discounts[items[i]];
    for (const user of users) for (let at = offsets[user]; at < offsets[user + 1]; at++) sums[taken[at]] = 0;
  }

  /** The neighbours, most similar first, and their amplified similarities. */
  #mostSimilar(history: Int32Array): { users: number[]; similarities: number[] } {
    const { neighbours, shrinkage, amplification } = this.settings;
    const { offsets: starts } = this.#histories;
    const { offsets, users } = this.#users;
    const weights = this.#weights.of(history.length);
    const met: number[] = [];
    let ownSquare = 0;
    for (let place = 0; place < history.length; place++) {
      ownSquare += weights[place] * weights[place];
      for (let at = offsets[history[place]]; at < offsets[history[place] + 1]; at++) {
        const user = users[at];
        if (this.#shared[user] === 0) met.push(user);
        this.#shared[user] += 1;
        this.#overlaps[user] += weights[place];
      }
    }
    met.sort((a, b) => a - b);
    const length = (user: number): number => starts[user + 1] - starts[user];
    const others = met.filter((user) => this.#shared[user] < length(user));
    const similarities = Float64Array.from(
      others,
      (user) => this.#overlaps[user] / Math.sqrt((ownSquare + shrinkage) * (length(user) + shrinkage)),
    );
    for (const user of met) {
      this.#shared[user] = 0;
      this.#overlaps[user] = 0;
    }
    const best = bestPositions(similarities, neighbours);
    return {
      users: best.map((n) => others[n]),
      similarities: best.map((n) => (amplification === 1 ? similarities[n] : pow(similarities[n], amplification))),
    };
  }
}

function userKnnKind(name: string, defaults: UserKnnSettings): BaselineKind<UserKnnSettings> {
  const check = (settings: BaselineSettings): void =>
    checkSettings(name, settings, {
      neighbours: positiveInteger,
      shrinkage: atLeast(0),
      amplification: above(0),
      discount: atLeast(0),
      recency: atLeast(0),
    });
  return {
    name,
    defaults,
    check,
    async fit({ sample: { train, itemIds } }, settings) {
      check(settings);
      return new UserKnn(name, settings, train, itemIds.length);
    },
    load: (settings, tensors) =>
      new UserKnn(
        name,
        settings,
        {
          offsets: Uint32Array.from(storedTensor(tensors, "offsets", Int32Array)),
          items: storedTensor(tensors, "items", Int32Array),
        },
        storedTensor(tensors, "catalogue_size", Int32Array)[0],
      ),
  };
}

export const userKnn = userKnnKind("user-knn", {
  neighbours: 100,
  shrinkage: 0,
  amplification: 4,
  discount: 0.25,
  recency: 0,
});

/** With order: sharing the newest items of a history counts most. */
export const userKnnRecency = userKnnKind("user-knn-recency", {
  neighbours: 100,
  shrinkage: 0,
  amplification: 3,
  discount: 0.5,
  recency: 1,
});
