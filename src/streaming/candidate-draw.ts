/** Draws what a streamed event is ranked against; its buffers are its own, so a draw allocates next to nothing. */
import { Rng, type StreamKey } from "../core/rng.ts";

export class CandidateDraw {
  readonly #negatives: number;
  /** Shape [items]: the number of the last draw that marked the item as not available. */
  readonly #marked: Uint32Array;
  readonly #candidates: Int32Array;
  #unseen: Int32Array | null = null;
  #draws = 0;

  /** @param negatives unseen items beside the test item: 99 in the protocol */
  constructor(items: number, negatives: number) {
    this.#negatives = negatives;
    this.#marked = new Uint32Array(items);
    this.#candidates = new Int32Array(negatives + 1);
  }

  /**
   * The test item, then distinct items that the user has not touched: `negatives` of them, or all if there are fewer.
   *
   * @param touched catalogue indices; their order does not count
   * @returns a view that is valid until the next draw
   */
  draw(test: number, touched: Int32Array, key: StreamKey): Int32Array {
    const stamp = this.#nextStamp();
    this.#marked[test] = stamp;
    this.#candidates[0] = test;
    let unseen = this.#marked.length - 1;
    for (let i = 0; i < touched.length; i++) {
      if (this.#marked[touched[i]] === stamp) continue;
      this.#marked[touched[i]] = stamp;
      unseen -= 1;
    }
    const rng = new Rng(key);
    // With few unseen items, trying at random would take long.
    if (unseen < 4 * this.#negatives) return this.#choose(Math.min(unseen, this.#negatives), stamp, rng);
    for (let filled = 1; filled <= this.#negatives; ) {
      const item = rng.below(this.#marked.length);
      if (this.#marked[item] === stamp) continue;
      this.#marked[item] = stamp;
      this.#candidates[filled++] = item;
    }
    return this.#candidates;
  }

  /** The first `count` of a shuffle of all unseen items. */
  #choose(count: number, stamp: number, rng: Rng): Int32Array {
    this.#unseen ??= new Int32Array(4 * this.#negatives);
    const unseen = this.#unseen;
    let length = 0;
    for (let item = 0; item < this.#marked.length; item++) {
      if (this.#marked[item] !== stamp) unseen[length++] = item;
    }
    for (let i = 0; i < count; i++) {
      const j = i + rng.below(length - i);
      const chosen = unseen[j];
      unseen[j] = unseen[i];
      this.#candidates[i + 1] = chosen;
    }
    return this.#candidates.subarray(0, count + 1);
  }

  #nextStamp(): number {
    this.#draws += 1;
    if (this.#draws === 2 ** 32) {
      this.#marked.fill(0);
      this.#draws = 1;
    }
    return this.#draws;
  }
}
