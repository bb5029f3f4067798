/** The best unseen items of several users, one after the other. */
import { bestPositions } from "../../core/best-items.ts";
import type { Sample } from "../../core/sample.ts";
import type { UserModel } from "../../core/user-model.ts";
import { sampleHistories } from "../serving/trained-histories.ts";

export interface RankedUsers {
  /** Shape [users, k]: item indices, best first; −1 behind the last where a user has fewer unseen items. */
  readonly items: Int32Array;
  /** Shape [users, k]. */
  readonly scores: Float32Array;
}

/**
 * Ranks for users `from` to before `to` what they have no interaction with in the sample, training or test.
 *
 * @throws NcfError `SCORE_NAN`
 */
export type RankUsers = (from: number, to: number) => RankedUsers;

/** @param k items for each user */
export function userRanker(model: UserModel, sample: Sample, k: number): RankUsers {
  const histories = sampleHistories(sample);
  const catalogue = sample.itemIds.length;
  const unseen = new Int32Array(catalogue);
  const logits = new Float64Array(catalogue);
  return (from, to) => {
    const items = new Int32Array((to - from) * k).fill(-1);
    const scores = new Float32Array(items.length);
    for (let user = from; user < to; user++) {
      const history = histories.of(user).items;
      const count = fillUnseen(unseen, history);
      const [candidates, found] = [unseen.subarray(0, count), logits.subarray(0, count)];
      model.scoreTrained(user, history, candidates, found);
      const row = (user - from) * k;
      for (const [place, position] of bestPositions(found, k).entries()) {
        items[row + place] = candidates[position];
        scores[row + place] = found[position];
      }
    }
    return { items, scores };
  };
}

/** Writes the indices of all items but the seen ones, ascending; gives their number. */
function fillUnseen(unseen: Int32Array, seen: Int32Array): number {
  const isSeen = new Uint8Array(unseen.length);
  for (const item of seen) isSeen[item] = 1;
  let count = 0;
  for (let item = 0; item < unseen.length; item++) if (isSeen[item] === 0) unseen[count++] = item;
  return count;
}
