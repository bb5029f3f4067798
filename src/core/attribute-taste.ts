/**
 * How well items fit a history by their attributes: naive Bayes over attributes that are there or not.
 *
 *     score(i) = Σ over g of i of log(p_g / q_g)  +  Σ over all other g of log((1 − p_g) / (1 − q_g))
 *     p_g = (Σ over k of w_k [k has g] + n q_g) / (Σ over k of w_k + n)
 *
 * with q_g the share of the trained items that have g, k the items of the history with weights w_k, and n the weight of the
 * prior q. It is the logarithm of a likelihood ratio: whether the history's owner or the catalogue would bring forth such an
 * item. (Manning, Raghavan and Schütze 2008, section 13.3, the Bernoulli model.)
 */
import { log } from "./math.ts";

/** Which items have which attributes. */
export interface AttributeColumns {
  /** Shape [items + 1]: item i's attributes are columns[offsets[i]] … columns[offsets[i + 1] − 1]. */
  readonly offsets: Int32Array;
  /** Each of an item's attributes once. */
  readonly columns: Int32Array;
  /** Shape [attributes]: q, strictly between 0 and 1. */
  readonly shares: Float64Array;
}

/**
 * Columns in order of first appearance.
 *
 * @param attributes shape [items]
 * @param trained so many items from the first give the shares
 */
export function attributeColumns(attributes: readonly (readonly string[])[], trained: number): AttributeColumns {
  const columnOf = new Map<string, number>();
  const own: number[] = [];
  const offsets = new Int32Array(attributes.length + 1);
  for (let item = 0; item < attributes.length; item++) {
    for (const name of attributes[item]) {
      let column = columnOf.get(name);
      if (column === undefined) {
        column = columnOf.size;
        columnOf.set(name, column);
      }
      if (!own.includes(column, offsets[item])) own.push(column);
    }
    offsets[item + 1] = own.length;
  }
  const columns = Int32Array.from(own);
  const counts = new Float64Array(columnOf.size);
  for (const column of columns.subarray(0, offsets[trained])) counts[column] += 1;
  // Laplace's rule keeps every share off 0 and 1.
  return { offsets, columns, shares: counts.map((count) => (count + 1) / (trained + 2)) };
}

export interface TasteOptions {
  /** n: how many interactions the prior weighs. */
  readonly prior: number;
  /** w: the weights of the newest items of a history of this length, the newest last. */
  readonly weights: (length: number) => Float64Array;
  /** What a score is multiplied with. */
  readonly scale: number;
}

export class AttributeTaste {
  readonly #attributes: AttributeColumns;
  readonly #options: TasteOptions;
  /** Shape [attributes]: log q and log(1 − q). */
  readonly #logShares: Float64Array;
  readonly #logOthers: Float64Array;
  readonly #sums: Float64Array;
  readonly #gains: Float64Array;

  constructor(attributes: AttributeColumns, options: TasteOptions) {
    const { shares } = attributes;
    this.#attributes = attributes;
    this.#options = options;
    this.#logShares = shares.map(log);
    this.#logOthers = shares.map((share) => log(1 - share));
    this.#sums = new Float64Array(shares.length);
    this.#gains = new Float64Array(shares.length);
  }

  /**
   * Adds `scale` times the item's score to each of `scores`; nothing for an empty history.
   *
   * @param history item indices, oldest first
   * @param items shape [n]
   * @param scores shape [n]
   */
  addTo(scores: Float64Array, history: Int32Array, items: Int32Array): void {
    if (history.length === 0) return;
    const { offsets, columns } = this.#attributes;
    const without = this.#options.scale * this.#read(history);
    for (let i = 0; i < items.length; i++) {
      let score = without;
      const end = offsets[items[i] + 1];
      for (let at = offsets[items[i]]; at < end; at++) score += this.#gains[columns[at]];
      scores[i] += score;
    }
  }

  /** Fills the gains, what each attribute adds to a score; gives the score of an item without any. */
  #read(history: Int32Array): number {
    const { offsets, columns, shares } = this.#attributes;
    const { prior, weights, scale } = this.#options;
    const [sums, gains] = [this.#sums, this.#gains];
    let total = prior;
    for (let g = 0; g < sums.length; g++) sums[g] = prior * shares[g];
    const newest = weights(history.length);
    const first = history.length - newest.length;
    for (let place = 0; place < newest.length; place++) {
      const item = history[first + place];
      total += newest[place];
      for (let at = offsets[item]; at < offsets[item + 1]; at++) sums[columns[at]] += newest[place];
    }
    let without = 0;
    const logTotal = log(total);
    for (let g = 0; g < sums.length; g++) {
      const absent = log(total - sums[g]) - logTotal - this.#logOthers[g];
      without += absent;
      gains[g] = scale * (log(sums[g]) - logTotal - this.#logShares[g] - absent);
    }
    return without;
  }
}
