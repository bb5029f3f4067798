/** The best unseen items for one user. */
import { bestPositions } from "../core/best-items.ts";
import { labelOf } from "../core/ids.ts";
import type { UserModel } from "../core/user-model.ts";
import type { SampleFiles } from "../ports/sample-store.ts";
import { userNamed } from "./named-ids.ts";

export interface Recommendation {
  readonly itemId: string;
  readonly title: string | null;
  readonly genres: readonly string[];
  /** What the model says; only the order counts. */
  readonly score: number;
}

/**
 * The `count` items with the highest scores among those that the user has no rating for in the sample, training or test.
 *
 * @param userId as the source wrote it
 * @throws NcfError `USER_UNKNOWN`, `SCORE_NAN`
 */
export function recommend(
  { sample, items }: Pick<SampleFiles, "sample" | "items">,
  model: UserModel,
  userId: string,
  count: number,
): Recommendation[] {
  const user = userNamed(sample, userId);
  const { offsets, items: trained } = sample.train;
  const own = [...trained.subarray(offsets[user], offsets[user + 1]), sample.testItems[user]].filter(
    (item) => item >= 0,
  );
  const seen = new Set(own);
  const unseen = Int32Array.from(sample.itemIds.keys()).filter((item) => !seen.has(item));
  const scores = new Float64Array(unseen.length);
  model.scoreTrained(user, Int32Array.from(own), unseen, scores);
  const details = new Map(items.map((item) => [item.id, item]));
  return bestPositions(scores, count).map((i) => {
    const id = sample.itemIds[unseen[i]];
    const known = details.get(id);
    return {
      itemId: labelOf(id, sample.itemLabels),
      title: known?.title ?? null,
      genres: known?.genres ?? [],
      score: scores[i],
    };
  });
}
