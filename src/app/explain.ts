/**
 * Why an item has its score: what each item of the user's history adds to it, by leaving it out,
 *
 *     effect(h) = score(i | H) − score(i | H without h)
 *
 * (leave-one-out; Cook 1977 for regressions). Effects need not add up to the score: where two items tell the same, the score
 * hardly falls without either. Scores are those of a history (`UserModel.fold`), for trained users, too: a row that training made
 * cannot be taken apart. Cost: a fold-in and a scoring of the items for each item of the history.
 */
import type { UserModel } from "../core/user-model.ts";

export interface Reason {
  /** An item of the history. */
  readonly item: number;
  /** How much lower the score is without it; below 0 where it is higher. */
  readonly effect: number;
}

export interface ExplainedScore {
  /** Of the whole history. */
  readonly score: number;
  /** The part of the score that comes of genres and periods; 0 for a model without such a part. */
  readonly attributes: number;
  /** The greatest effect first, of equal ones the newest item. */
  readonly reasons: readonly Reason[];
}

/** Whose scores are explained. */
export interface ExplainedUser {
  /** As `UserModel.fold` takes them. */
  readonly history: Int32Array;
  readonly user: number;
}

/**
 * One explanation for each of `items`.
 *
 * @param newest so many of the newest items are left out in turn, the others never
 */
export function explainScores(
  model: UserModel,
  { history, user }: ExplainedUser,
  items: Int32Array,
  newest = history.length,
): ExplainedScore[] {
  const scoresOf = (part: Int32Array): Float64Array => {
    const scores = new Float64Array(items.length);
    model.scoreFolded(model.fold(part, user), part, items, scores);
    return scores;
  };
  const scores = scoresOf(history);
  const attributes = new Float64Array(items.length);
  model.attributeShare?.(history, items, attributes);
  const reasons: Reason[][] = Array.from(items, () => []);
  for (let place = history.length - 1; place >= Math.max(0, history.length - newest); place--) {
    const without = scoresOf(history.filter((_, at) => at !== place));
    for (const [i, found] of reasons.entries()) {
      found.push({ item: history[place], effect: scores[i] - without[i] });
    }
  }
  return reasons.map((found, i) => ({
    score: scores[i],
    attributes: attributes[i],
    // Sorting is stable, and the newest came first.
    reasons: found.sort((a, b) => b.effect - a.effect),
  }));
}
