/** What a hybrid's weights are learnt from. */
import { purposes, Rng, streamKey } from "../core/rng.ts";
import type { Sample } from "../core/sample.ts";
import type { FitListeners } from "./baseline.ts";
import { type Blend, blendFeatures } from "./blend.ts";
import { FitWork } from "./fit-work.ts";

/** A history is seen cut to so many of its newest items, beside whole. */
const cuts = [0, 1, 2, 4, 8, 16, 32, 64];

/**
 * For each user, cut of their history and item drawn for it: the features of the item that was held out, less those of the
 * drawn one, which the user never took.
 *
 * @param heldOut its test items are what was held out
 * @returns shape [pairs, features]
 */
export async function blendDifferences(
  blend: Blend,
  heldOut: Sample,
  users: Int32Array,
  { negatives, seed }: { readonly negatives: number; readonly seed: number },
  listeners: FitListeners,
): Promise<Float64Array> {
  const { offsets, items: trained } = heldOut.train;
  const work = new FitWork(users.length * (cuts.length + 1) * heldOut.itemIds.length, listeners);
  const features = new Float64Array((1 + negatives) * blendFeatures);
  const rows: Float64Array[] = [];
  for (const user of users) {
    const history = trained.subarray(offsets[user], offsets[user + 1]);
    const taken = heldOut.testItems[user];
    const drawn = drawUnseen(heldOut, new Set([...history, taken]), negatives, seed, user);
    const items = Int32Array.of(taken, ...drawn);
    for (const length of [...cuts.filter((cut) => cut < history.length), history.length]) {
      blend.features(history.subarray(history.length - length), items, features);
      const row = new Float64Array(drawn.length * blendFeatures);
      for (let at = 0; at < row.length; at++) row[at] = features[at % blendFeatures] - features[at + blendFeatures];
      rows.push(row);
      await work.add(heldOut.itemIds.length);
    }
  }
  const pairs = new Float64Array(rows.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const row of rows) {
    pairs.set(row, at);
    at += row.length;
  }
  return pairs;
}

/** With replacement; none where the user has seen everything. */
function drawUnseen(
  { itemIds, userIds }: Sample,
  seen: ReadonlySet<number>,
  count: number,
  seed: number,
  user: number,
): number[] {
  const rng = new Rng(streamKey(seed, purposes.blendNegatives, userIds[user] % 2 ** 32));
  const drawn: number[] = [];
  while (seen.size < itemIds.length && drawn.length < count) {
    const item = rng.below(itemIds.length);
    if (!seen.has(item)) drawn.push(item);
  }
  return drawn;
}
