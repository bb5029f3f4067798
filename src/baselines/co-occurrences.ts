import type { Sample } from "../core/sample.ts";
import { PlaceWeights } from "./place-weights.ts";
import { type UsersOfItems, usersOfItems } from "./users-of-items.ts";

/**
 * How much items occur together in histories: c(i, j) = Σ over the users of both of (1 + places from i to j)^−power; with
 * power 0 the number of these users.
 */
export class CoOccurrences {
  /** Additions that all rows take. */
  readonly operations: number;
  readonly users: UsersOfItems;
  readonly #train: Sample["train"];
  readonly #closeness: PlaceWeights;

  constructor({ train, itemIds }: Pick<Sample, "train" | "itemIds">, power: number) {
    this.#train = train;
    this.#closeness = new PlaceWeights(power);
    this.users = usersOfItems(train, itemIds.length);
    let operations = 0;
    for (let user = 0; user + 1 < train.offsets.length; user++) operations += this.#length(user) ** 2;
    this.operations = operations;
  }

  /**
   * Adds c(item, j) to `sums[j]` for every j, and something to the item's own.
   *
   * @returns how many additions that were
   */
  addTo(sums: Float64Array, item: number): number {
    const { offsets: starts, items: histories } = this.#train;
    const { offsets, users, positions } = this.users;
    let operations = 0;
    for (let at = offsets[item]; at < offsets[item + 1]; at++) {
      const [user, own] = [users[at], positions[at]];
      const length = this.#length(user);
      const closeness = this.#closeness.of(length);
      for (let other = starts[user]; other < starts[user + 1]; other++) {
        sums[histories[other]] += closeness[length - 1 - Math.abs(other - own)];
      }
      operations += length;
    }
    return operations;
  }

  #length(user: number): number {
    return this.#train.offsets[user + 1] - this.#train.offsets[user];
  }
}
