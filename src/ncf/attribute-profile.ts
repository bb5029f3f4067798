/**
 * How well items fit a user by their attributes, which are genres and the period of release. It knows items that nobody has
 * touched as well as any other, follows the user's newest interactions, and tells what embeddings do not: added to a logit
 * it helps with trained items and users, too (bench/fold-in.ts, bench/cold-start.ts).
 *
 * The score of an item is the logarithm of a likelihood ratio, naive Bayes over attributes that are there or not:
 *
 *     score(i) = Σ over g of i of log(p_g / q_g)  +  Σ over all other g of log((1 − p_g) / (1 − q_g))
 *     p_g = (Σ over k of w_k [k has g] + n q_g) / (Σ over k of w_k + n)
 *
 * with q_g the share of the trained items that have g, k the newest items of the history, and w_k halving with every so many
 * newer items. A function of its arguments alone.
 */
import { log, pow } from "../core/math.ts";
import type { ItemDetails } from "../core/ratings.ts";

// Chosen with bench/cold-start.ts on its events up to --end 0.6, on flat optima.
/** The newest items of a history that make a profile, and after how many newer ones an item counts half. */
const profileWindow = 64;
const profileHalfLife = 8;
/** n: how many interactions the prior, the trained items' shares, weighs. */
const profilePrior = 4;
/** What a score is multiplied with before it is added to a logit: attributes overlap in what they tell. */
const profileWeight = 0.5;

const periodYears = 5;

/** By start: made once, as tens of thousands of items share a few dozen. */
const periodNames = new Map<number, string>();

/** Genres, and the five years in which the year at the title's end lies, as in "Toy Story (1995)". */
export function attributesOf({ title, genres }: Pick<ItemDetails, "title" | "genres">): readonly string[] {
  const year = yearOf(title);
  if (year === null) return genres;
  const from = year - (year % periodYears);
  let name = periodNames.get(from);
  if (name === undefined) {
    name = `released from ${from}`;
    periodNames.set(from, name);
  }
  return genres.concat(name);
}

/** Of a title that ends with a year in parentheses. */
function yearOf(title: string): number | null {
  // A regular expression would look at every parenthesis; a service starts with tens of thousands of titles.
  const text = title.endsWith(")") ? title : title.trimEnd();
  const at = text.length - "(1995)".length;
  if (at < 0 || text[at] !== "(" || !text.endsWith(")")) return null;
  let year = 0;
  for (let i = at + 1; i < text.length - 1; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return null;
    year = 10 * year + digit;
  }
  return year;
}

/** Item arguments are indices into the catalogue. */
export interface AttributeProfile {
  /**
   * Adds `profileWeight` times the item's score to each logit; nothing for an empty history.
   *
   * @param history oldest first
   * @param logits shape [items]
   */
  addTo(logits: Float64Array, history: Int32Array, items: Int32Array): void;
}

/**
 * @param attributes shape [items]
 * @param trained so many items from the first give the shares that a profile is compared with
 */
export function createAttributeProfile(attributes: readonly (readonly string[])[], trained: number): AttributeProfile {
  return new NaiveBayesProfile(attributes, trained);
}

class NaiveBayesProfile implements AttributeProfile {
  /** The attributes of item i are #columns[#offsets[i]] … #columns[#offsets[i + 1] − 1]. */
  readonly #offsets: Uint32Array;
  readonly #columns: Uint32Array;
  /** Shape [attributes]: q, log q and log(1 − q). */
  readonly #shares: Float64Array;
  readonly #logShares: Float64Array;
  readonly #logOthers: Float64Array;
  /** Shape [window]: of the newest item, of the one before it, and so on. */
  readonly #weights = Float64Array.from({ length: profileWindow }, (_, newer) => pow(2, -newer / profileHalfLife));
  readonly #sums: Float64Array;
  readonly #gains: Float64Array;

  constructor(attributes: readonly (readonly string[])[], trained: number) {
    const columns = new Map<string, number>();
    const own: number[] = [];
    this.#offsets = new Uint32Array(attributes.length + 1);
    for (let item = 0; item < attributes.length; item++) {
      for (const name of attributes[item]) {
        let column = columns.get(name);
        if (column === undefined) {
          column = columns.size;
          columns.set(name, column);
        }
        if (!own.includes(column, this.#offsets[item])) own.push(column);
      }
      this.#offsets[item + 1] = own.length;
    }
    this.#columns = Uint32Array.from(own);
    const counts = new Float64Array(columns.size);
    for (const column of this.#columns.subarray(0, this.#offsets[trained])) counts[column] += 1;
    // Laplace's rule keeps every share off 0 and 1.
    this.#shares = counts.map((count) => (count + 1) / (trained + 2));
    this.#logShares = this.#shares.map(log);
    this.#logOthers = this.#shares.map((share) => log(1 - share));
    this.#sums = new Float64Array(columns.size);
    this.#gains = new Float64Array(columns.size);
  }

  addTo(logits: Float64Array, history: Int32Array, items: Int32Array): void {
    if (history.length === 0) return;
    const without = profileWeight * this.#read(history);
    for (let i = 0; i < items.length; i++) {
      let score = without;
      const end = this.#offsets[items[i] + 1];
      for (let at = this.#offsets[items[i]]; at < end; at++) score += this.#gains[this.#columns[at]];
      logits[i] += score;
    }
  }

  /** Fills the gains, what each attribute adds to a logit; gives the score of an item without any. */
  #read(history: Int32Array): number {
    const [sums, gains] = [this.#sums, this.#gains];
    let total = profilePrior;
    for (let g = 0; g < sums.length; g++) sums[g] = profilePrior * this.#shares[g];
    const newest = Math.min(profileWindow, history.length);
    for (let newer = newest - 1; newer >= 0; newer--) {
      const item = history[history.length - 1 - newer];
      const weight = this.#weights[newer];
      total += weight;
      for (let at = this.#offsets[item]; at < this.#offsets[item + 1]; at++) sums[this.#columns[at]] += weight;
    }
    let without = 0;
    const logTotal = log(total);
    for (let g = 0; g < sums.length; g++) {
      const absent = log(total - sums[g]) - logTotal - this.#logOthers[g];
      without += absent;
      gains[g] = profileWeight * (log(sums[g]) - logTotal - this.#logShares[g] - absent);
    }
    return without;
  }
}
