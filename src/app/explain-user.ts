/** The use case of `ncf explain`: why a user of the sample would like an item, in titles. */
import { labelOf } from "../core/ids.ts";
import type { UserModel } from "../core/user-model.ts";
import type { SampleFiles } from "../ports/sample-store.ts";
import { explainScores } from "./explain.ts";
import { itemNamed, userNamed } from "./named-ids.ts";
import { sampleHistories } from "./serving/trained-histories.ts";

export interface NamedItem {
  readonly itemId: string;
  readonly title: string | null;
}

export interface UserExplanation extends NamedItem {
  readonly userId: string;
  readonly model: string;
  /** What is explained: the score of the user's history. */
  readonly score: number;
  /** The score as it is served: by what training made of the user. */
  readonly servedScore: number;
  /** The part of `score` that comes of genres and periods. */
  readonly attributes: number;
  /** Whether the user has the item already; its history is then counted without it. */
  readonly inHistory: boolean;
  /** All of the history, the greatest effect first: how much lower the score is without the item. */
  readonly reasons: readonly (NamedItem & { readonly effect: number })[];
}

/** @param userId and itemId as the source wrote them @throws NcfError `USER_UNKNOWN`, `ITEM_UNKNOWN`, `ID_INVALID` */
export function explainForUser(
  { sample, items }: Pick<SampleFiles, "sample" | "items">,
  model: UserModel,
  userId: string,
  itemId: string,
): UserExplanation {
  const user = userNamed(sample, userId);
  const item = itemNamed(sample, itemId);
  const all = sampleHistories(sample).of(user).items;
  const history = all.filter((one) => one !== item);
  const [{ score, attributes, reasons }] = explainScores(model, { history, user }, Int32Array.of(item));
  const served = new Float64Array(1);
  model.scoreTrained(user, history, Int32Array.of(item), served);
  const titles = new Map(items.map(({ id, title }) => [id, title]));
  const named = (index: number): NamedItem => {
    const id = sample.itemIds[index];
    return { itemId: labelOf(id, sample.itemLabels), title: titles.get(id) ?? null };
  };
  return {
    userId,
    ...named(item),
    model: model.name,
    score,
    servedScore: served[0],
    attributes,
    inHistory: history.length < all.length,
    reasons: reasons.map(({ item: reason, effect }) => ({ ...named(reason), effect })),
  };
}
