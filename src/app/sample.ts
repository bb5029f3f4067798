/** Draws users from a data set and splits their ratings. */
import { createHash } from "node:crypto";
import { NcfError } from "../core/errors.ts";
import { leaveOneOut } from "../core/leave-one-out.ts";
import type { ItemDetails } from "../core/ratings.ts";
import type { Sample } from "../core/sample.ts";
import { selectUsers } from "../core/user-sample.ts";
import type { DatasetStore, StoredDataset } from "../ports/dataset-store.ts";
import type { SampleFiles, SampleManifest, SampleOptions, SampleStore } from "../ports/sample-store.ts";

/** The use case of `ncf sample`. @throws NcfError `FRACTION_INVALID` and those of the stores */
export async function drawSample(
  deps: { readonly datasets: DatasetStore; readonly samples: SampleStore },
  options: SampleOptions,
): Promise<SampleManifest> {
  const dataset = await deps.datasets.read();
  const chosen = selectUsers(dataset.ratings.userIds, options);
  const files = splitDataset(dataset, chosen, options);
  await deps.samples.write(files);
  return files.manifest;
}

/**
 * Splits the ratings of the chosen users.
 *
 * @param chosen shape [users of the data set], 1 for a user to keep
 * @throws NcfError `DATA_TOO_SMALL` when nobody could be tested
 */
export function splitDataset(dataset: StoredDataset, chosen: Uint8Array, options: SampleOptions): SampleFiles {
  const { sample, counts } = leaveOneOut(dataset.ratings, chosen, {
    tieRule: options.tieRule,
    seed: options.seed,
    listedItemIds: options.catalogue === "listed" ? dataset.items.map(({ id }) => id) : null,
  });
  if (counts.testedUsers === 0) {
    throw new NcfError(
      "DATA_TOO_SMALL",
      `expected at least one user with two ratings or more in the sample, found ${sample.userIds.length} users with ` +
        `${counts.ratings} ratings. Raise --fraction, or give more ratings`,
    );
  }
  return {
    sample,
    items: catalogueDetails(sample, dataset.items),
    manifest: {
      dataset: dataset.name,
      generated: dataset.generated,
      ratingsSha256: dataset.validation.ratingsSha256,
      options,
      counts: { ...counts, users: sample.userIds.length, items: sample.itemIds.length },
      sha256: sampleHash(sample),
    },
  };
}

/** Details of the catalogue's items only. */
export function catalogueDetails(sample: Sample, items: readonly ItemDetails[]): ItemDetails[] {
  const catalogue = new Set(sample.itemIds);
  return items.filter(({ id }) => catalogue.has(id));
}

/** sha256 over the split's arrays in a fixed order. */
export function sampleHash(sample: Sample): string {
  const hash = createHash("sha256");
  const { offsets, items, timestampsMs } = sample.train;
  for (const part of [sample.userIds, sample.itemIds, offsets, items, timestampsMs, sample.testItems]) {
    hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  }
  return hash.digest("hex");
}
