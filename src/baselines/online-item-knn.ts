/**
 * Item-based collaborative filtering (Sarwar et al. 2001) with cosine similarity and all neighbours, updated with every
 * interaction:
 *
 *     score(u, i) = Σ over items j of u's history of c(i, j) / sqrt((n(i) + s) · (n(j) + s))
 *
 * with n(i) the users of item i, c(i, j) the users of both and s the shrinkage, which holds back items that few users
 * touched. As c(i, j) counts users, the sum can be taken over users instead, and no table of pairs is needed:
 *
 *     score(u, i) = Σ over users v of i of w(v) / sqrt(n(i) + s),    w(v) = Σ over j in both histories of 1 / sqrt(n(j) + s)
 *
 * Cost of a request: the sum of n(j) over the user's history for w, then n(i) for each candidate. Memory: two integers an
 * interaction.
 */
import type { IncrementalRecommender } from "../core/recommender.ts";
import { GrowingLists } from "./growing-lists.ts";

export class OnlineItemKnn implements IncrementalRecommender {
  readonly name = "item-knn";
  readonly #shrinkage: number;
  readonly #itemsOf = new GrowingLists();
  readonly #usersOf = new GrowingLists();
  /** w(v) of the request at hand; zero for every user between requests. */
  #weights = new Float64Array(1024);

  constructor(shrinkage = 1) {
    this.#shrinkage = shrinkage;
  }

  /** Each (user, item) pair must be learnt once only. */
  learn(user: number, item: number, _timestampMs: number): void {
    this.#itemsOf.add(user, item);
    this.#usersOf.add(item, user);
    if (user >= this.#weights.length) this.#weights = new Float64Array(2 * (user + 1));
  }

  score(user: number, items: Int32Array, scores: Float64Array): void {
    const history = this.#itemsOf.values(user);
    const weights = this.#weights;
    for (const item of history) {
      const users = this.#usersOf.values(item);
      const weight = 1 / Math.sqrt(users.length + this.#shrinkage);
      for (const other of users) weights[other] += weight;
    }
    for (let i = 0; i < items.length; i++) {
      const users = this.#usersOf.values(items[i]);
      let sum = 0;
      for (const other of users) sum += weights[other];
      scores[i] = sum / Math.sqrt(users.length + this.#shrinkage);
    }
    for (const item of history) for (const other of this.#usersOf.values(item)) weights[other] = 0;
  }
}
