/** A data set's events in order, week by week, and whom each is ranked against: what benchmarks over time share. */
import { Rng } from "../src/core/rng.ts";

export const weekMs = 7 * 86_400_000;
/** Items that an event's own is ranked among. */
export const negatives = 99;
export const pools = [
  "all items",
  "items that somebody has touched so far",
  "items that nobody has touched so far",
] as const;
export type Pool = (typeof pools)[number];

/** Who has touched what so far. Users and items are indices of the data set. */
export class TouchedItems {
  readonly histories: readonly number[][];
  /** Shape [items]: users that touched it. */
  readonly counts: Float64Array;
  readonly #touched: readonly Uint8Array[];
  #untouchedItems: number;

  constructor(users: number, items: number) {
    this.histories = Array.from({ length: users }, () => []);
    this.counts = new Float64Array(items);
    this.#touched = Array.from({ length: users }, () => new Uint8Array(items));
    this.#untouchedItems = items;
  }

  /** Whether the pool has this item and enough others to rank it among. */
  offers(pool: Pool, item: number): boolean {
    return this.#isIn(pool, item) && (pool !== pools[2] || this.#untouchedItems > negatives);
  }

  has(user: number, item: number): boolean {
    return this.#touched[user][item] === 1;
  }

  learn(user: number, item: number): void {
    this.#touched[user][item] = 1;
    this.histories[user].push(item);
    if (this.counts[item] === 0) this.#untouchedItems -= 1;
    this.counts[item] += 1;
  }

  /** The item and 99 others of the pool that the user has not touched; a function of event and pool. */
  draw(user: number, item: number, event: number, pool: Pool): Int32Array {
    const rng = new Rng({ k0: event, k1: pools.indexOf(pool) });
    const candidates = new Int32Array(negatives + 1);
    candidates[0] = item;
    const drawn = new Set([item]);
    for (let filled = 1; filled <= negatives; ) {
      const other = rng.below(this.counts.length);
      if (this.has(user, other) || drawn.has(other) || !this.#isIn(pool, other)) continue;
      drawn.add(other);
      candidates[filled++] = other;
    }
    return candidates;
  }

  #isIn(pool: Pool, item: number): boolean {
    return pool === pools[0] || this.counts[item] > 0 === (pool === pools[1]);
  }
}
