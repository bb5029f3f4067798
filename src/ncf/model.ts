/** A trained model in memory, and how a sample's indices map to embedding rows. */
import { NcfError } from "../core/errors.ts";
import type { Sample, UserHistories } from "../core/sample.ts";
import type { TrainingData } from "./backend.ts";
import { maxRawId, type NcfConfig } from "./config.ts";
import type { ItemFeatures } from "./item-features.ts";
import type { TensorMap } from "./parameters.ts";

export interface TrainedModel {
  readonly name: string;
  readonly config: NcfConfig;
  readonly tensors: TensorMap;
  /** Shape [users]: the embedding row of each user of the sample. */
  readonly userRows: Int32Array;
  /** Shape [items]: the embedding row of each item of the sample. */
  readonly itemRows: Int32Array;
}

/** The embedding rows of a sample's users and items under `config`, and the tables' sizes. */
export function embeddingRows(
  config: NcfConfig,
  sample: Pick<Sample, "userIds" | "itemIds">,
): Pick<TrainingData, "userRows" | "itemRows" | "userRowCount" | "itemRowCount"> {
  const rowsOf = (ids: Float64Array): { rows: Int32Array; count: number } => {
    if (config.ids === "compact") return { rows: new Int32Array(ids.length).map((_, i) => i), count: ids.length };
    const greatest = ids.at(-1) ?? 0;
    if (greatest > maxRawId) {
      throw new NcfError(
        "RAW_ID_TOO_LARGE",
        `the paper's network has an embedding row for every id up to the greatest, at most ${maxRawId}, found id ` +
          `${greatest}. Use compact ids (--compact-ids), or leave it out (--models, --preset)`,
      );
    }
    return { rows: Int32Array.from(ids), count: greatest + 1 };
  };
  const users = rowsOf(sample.userIds);
  const items = rowsOf(sample.itemIds);
  return { userRows: users.rows, itemRows: items.rows, userRowCount: users.count, itemRowCount: items.count };
}

/**
 * What a backend trains on: the sample's training interactions, items ascending within a user.
 *
 * @param itemFeatures of the sample's items, for a configuration that has some
 */
export function trainingData(config: NcfConfig, sample: Sample, itemFeatures?: ItemFeatures): TrainingData {
  const { offsets, items } = sample.train;
  const positives = items.slice();
  for (let user = 0; user + 1 < offsets.length; user++) positives.subarray(offsets[user], offsets[user + 1]).sort();
  return {
    users: sample.userIds.length,
    items: sample.itemIds.length,
    offsets,
    positives,
    ...(config.history ? { places: placesOf(sample.train, positives) } : {}),
    ...(config.itemFeatures && itemFeatures ? { itemFeatures } : {}),
    ...embeddingRows(config, sample),
  };
}

/** The place of each positive, items ascending within a user, in the order of time. */
function placesOf({ offsets, items }: UserHistories, positives: Int32Array): Int32Array {
  const places = new Int32Array(positives.length);
  for (let user = 0; user + 1 < offsets.length; user++) {
    const [from, to] = [offsets[user], offsets[user + 1]];
    const placeOf = new Map<number, number>();
    for (let at = from; at < to; at++) placeOf.set(items[at], at - from);
    for (let at = from; at < to; at++) places[at] = placeOf.get(positives[at]) ?? 0;
  }
  return places;
}
