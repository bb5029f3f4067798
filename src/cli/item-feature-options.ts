/** What trainings are told of items: `--item-features`, `--item-vectors`. */
import { Option } from "commander";
import { readItemVectors } from "../adapters/parquet/item-vectors-reader.ts";
import type { ItemFeatureSource } from "../app/item-features.ts";
import { NcfError } from "../core/errors.ts";

export interface ItemFeatureValues {
  readonly itemFeatures: boolean;
  readonly itemVectors?: string;
}

export const itemFeatureOptions = () => [
  new Option("--item-features", "networks learn from genres and periods of release, too (docs/tuning.md)").default(
    false,
  ),
  new Option(
    "--item-vectors <file>",
    "networks learn from vectors of items, too: Parquet with ids and lists of numbers",
  ),
];

/** @throws NcfError `USAGE`, `ITEM_VECTORS_INVALID` */
export async function itemFeatureSource(values: ItemFeatureValues): Promise<ItemFeatureSource | undefined> {
  const { itemFeatures, itemVectors } = values;
  if (itemVectors === undefined) return itemFeatures ? "attributes" : undefined;
  if (!itemFeatures) return readItemVectors(itemVectors);
  throw new NcfError("USAGE", "expected --item-features or --item-vectors, found both. Put genres into the vectors");
}
