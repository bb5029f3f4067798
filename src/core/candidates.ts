/** What a test item is ranked against. */
import { NcfError } from "./errors.ts";
import { purposes, Rng, streamKey } from "./rng.ts";
import type { Sample } from "./sample.ts";

export interface CandidateOptions {
  readonly seed: number;
  /** Unseen items beside the test item: 99 in the protocol. */
  readonly negatives: number;
  /** Whether an unseen item may be drawn twice. */
  readonly withReplacement: boolean;
}

/** Draws evaluation candidates, from a generator seeded by user, so that every model sees the same. */
export class CandidateSampler {
  readonly #sample: Sample;
  readonly #options: CandidateOptions;
  /** Shape [items]: the number of the last draw that marked the item as not available. */
  readonly #marked: Uint32Array;
  #draws = 0;

  constructor(sample: Sample, options: CandidateOptions) {
    this.#sample = sample;
    this.#options = options;
    this.#marked = new Uint32Array(sample.itemIds.length);
  }

  /**
   * The candidates of a tested user: the test item first, then unseen items (neither trained on nor held out). With
   * fewer than `negatives` unseen items, all of them.
   */
  of(user: number): Int32Array {
    const test = this.#sample.testItems[user];
    if (test < 0) throw new NcfError("USER_NOT_TESTED", `expected a user with a test item, found user index ${user}`);
    const { negatives, seed, withReplacement } = this.#options;
    const { offsets } = this.#sample.train;
    const stamp = this.#markTrained(user);
    this.#marked[test] = stamp;
    const unseen = this.#marked.length - (offsets[user + 1] - offsets[user]) - 1;
    const rng = new Rng(streamKey(seed, purposes.evaluationCandidates, this.#sample.userIds[user] % 2 ** 32));
    if (withReplacement && unseen > 0) return this.#draw(test, negatives, rng, () => undefined, stamp);
    if (unseen < 4 * negatives) return this.#choose(test, Math.min(negatives, unseen), rng, stamp);
    return this.#draw(test, negatives, rng, (item) => (this.#marked[item] = stamp), stamp);
  }

  /** Marks the user's training items for a draw of its own, so that no draw depends on those before; gives its number. */
  #markTrained(user: number): number {
    this.#draws += 1;
    const { offsets, items } = this.#sample.train;
    for (let i = offsets[user]; i < offsets[user + 1]; i++) this.#marked[items[i]] = this.#draws;
    return this.#draws;
  }

  /** Draws until `count` available items are found; `taken` may mark each. */
  #draw(test: number, count: number, rng: Rng, taken: (item: number) => void, stamp: number): Int32Array {
    const candidates = new Int32Array(count + 1);
    candidates[0] = test;
    for (let filled = 1; filled <= count; ) {
      const item = rng.below(this.#marked.length);
      if (this.#marked[item] === stamp) continue;
      candidates[filled++] = item;
      taken(item);
    }
    return candidates;
  }

  /** The first `count` of a shuffle of all unseen items, for catalogues where rejection would draw for long. */
  #choose(test: number, count: number, rng: Rng, stamp: number): Int32Array {
    const unseen: number[] = [];
    this.#marked.forEach((mark, item) => {
      if (mark !== stamp) unseen.push(item);
    });
    const candidates = new Int32Array(count + 1);
    candidates[0] = test;
    for (let i = 0; i < count; i++) {
      const j = i + rng.below(unseen.length - i);
      [unseen[i], unseen[j]] = [unseen[j], unseen[i]];
      candidates[i + 1] = unseen[i];
    }
    return candidates;
  }

  /** The whole catalogue less the user's training items, ascending; the test item is among them. */
  fullCatalogueOf(user: number): Int32Array {
    const { offsets } = this.#sample.train;
    const stamp = this.#markTrained(user);
    const items = new Int32Array(this.#marked.length - (offsets[user + 1] - offsets[user]));
    let filled = 0;
    for (let item = 0; item < this.#marked.length; item++) {
      if (this.#marked[item] !== stamp) items[filled++] = item;
    }
    return items.subarray(0, filled);
  }
}
