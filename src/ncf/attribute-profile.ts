/**
 * How well items fit a user by their attributes, which are genres and the period of release. It knows items that nobody has
 * touched as well as any other, follows the user's newest interactions, and tells what embeddings do not: added to a logit
 * it helps with trained items and users, too (bench/fold-in.ts, bench/cold-start.ts).
 *
 * The score is that of core/attribute-taste.ts over the newest items of the history, with weights that halve with every so
 * many newer items. A function of its arguments alone.
 */
import { AttributeTaste, attributeColumns } from "../core/attribute-taste.ts";
import { pow } from "../core/math.ts";
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
  const weights = Float64Array.from({ length: profileWindow }, (_, place) =>
    pow(2, -(profileWindow - 1 - place) / profileHalfLife),
  );
  return new AttributeTaste(attributeColumns(attributes, trained), {
    prior: profilePrior,
    weights: (length) => weights.subarray(profileWindow - Math.min(length, profileWindow)),
    scale: profileWeight,
  });
}
