/** What a training knows of items beside who took them. */
import { NcfError } from "../core/errors.ts";
import type { ItemVectors } from "../core/item-vectors.ts";
import type { ItemDetails } from "../core/ratings.ts";
import type { NcfConfig } from "../ncf/config.ts";
import {
  attributeFeatureNames,
  attributeFeatures,
  type ItemFeatures,
  vectorFeatureNames,
  vectorFeatures,
} from "../ncf/item-features.ts";
import { attributesOfAll } from "./new-items.ts";

/** Genres and period of release, or vectors from elsewhere. */
export type ItemFeatureSource = "attributes" | ItemVectors;

export interface FeaturedConfig {
  readonly config: NcfConfig;
  readonly itemFeatures: ItemFeatures;
}

/**
 * The configuration with the features of these items as input.
 *
 * @param details titles and genres, as far as the source lists them
 * @throws NcfError `FEATURES_INVALID` where no item has any
 */
export function withItemFeatures(
  config: NcfConfig,
  source: ItemFeatureSource,
  itemIds: Float64Array,
  details: readonly ItemDetails[],
): FeaturedConfig {
  if (source === "attributes") {
    const attributes = attributesOfAll(itemIds, details);
    const features = attributeFeatureNames(attributes);
    if (features.names.length === 0) {
      const what = "expected genres or years of the items as their features, found none. Use data with a list of items";
      throw new NcfError("FEATURES_INVALID", `${what} (movies.csv), or vectors (--item-vectors)`);
    }
    return { config: { ...config, itemFeatures: features }, itemFeatures: attributeFeatures(features, attributes) };
  }
  const vectors = Array.from(itemIds, (id) => source.byItem.get(id) ?? null);
  if (vectors.every((vector) => vector === null)) {
    throw new NcfError(
      "FEATURES_INVALID",
      `expected vectors of the ${itemIds.length} items, found ${source.byItem.size} of others. Give vectors by the items' ids`,
    );
  }
  const features = vectorFeatureNames(source.length);
  return { config: { ...config, itemFeatures: features }, itemFeatures: vectorFeatures(features, vectors) };
}
