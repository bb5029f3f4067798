/** Recommended items with what speaks for each: genres and periods, and movies of the user's own history. */
import type { UserModel } from "../../core/user-model.ts";
import { type ExplainedUser, explainScores } from "../explain.ts";
import type { Catalogue, CatalogueItem } from "./catalogue.ts";

/** Of a history the newest are looked at: a network's fold-in and profile follow these alone, and an answer stays quick. */
const newest = 64;
const reasonsShown = 3;

export interface ShownReason extends Pick<CatalogueItem, "itemId" | "title"> {
  /** How much lower the score is without it. */
  readonly effect: number;
}

export interface Explanation {
  /** What genres and period add to the score; below 0 where they take away. */
  readonly attributes: number;
  /** Of the user's newest items those without which the score is lower most, at most three. */
  readonly because: readonly ShownReason[];
}

export function explainItems(
  model: UserModel,
  catalogue: Catalogue,
  user: ExplainedUser,
  items: Int32Array,
): Explanation[] {
  return explainScores(model, user, items, newest).map(({ attributes, reasons }) => ({
    attributes,
    because: reasons
      .filter(({ effect }) => effect > 0)
      .slice(0, reasonsShown)
      .map(({ item, effect }) => {
        const { itemId, title } = catalogue.item(item);
        return { itemId, title, effect };
      }),
  }));
}
