/** Draws users from a data set and splits their ratings. */
import { createHash } from "node:crypto";
import { NcfError } from "../core/errors.ts";
import { leaveOneOut } from "../core/leave-one-out.ts";
import type { ItemDetails } from "../core/ratings.ts";
import type { Sample } from "../core/sample.ts";
import { holdOutNext, type TestPeriod } from "../core/temporal-hold-out.ts";
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
 * @param period of the test items; each user's latest is held out without it
 * @throws NcfError `DATA_TOO_SMALL` when nobody could be tested
 */
export function splitDataset(
  dataset: StoredDataset,
  chosen: Uint8Array,
  options: SampleOptions,
  period?: TestPeriod,
): SampleFiles {
  const splitting = {
    tieRule: options.tieRule,
    seed: options.seed,
    listedItemIds: options.catalogue === "listed" ? dataset.items.map(({ id }) => id) : null,
  };
  const { sample, counts, newUsers } =
    period === undefined
      ? { ...leaveOneOut(dataset.ratings, chosen, splitting), newUsers: 0 }
      : holdOutNext(dataset.ratings, chosen, period, splitting);
  if (counts.testedUsers === 0) throw nobodyTested(sample, counts.ratings, period);
  return {
    sample,
    items: catalogueDetails(sample, dataset.items),
    manifest: {
      dataset: dataset.name,
      generated: dataset.generated,
      ratingsSha256: dataset.validation.ratingsSha256,
      options,
      ...(period && {
        testPeriod: { fromMs: period.fromMs, toMs: Number.isFinite(period.toMs) ? period.toMs : null, newUsers },
      }),
      counts: { ...counts, users: sample.userIds.length, items: sample.itemIds.length },
      sha256: sampleHash(sample),
    },
  };
}

function nobodyTested(sample: Sample, ratings: number, period: TestPeriod | undefined): NcfError {
  const found = `found ${sample.userIds.length} users with ${ratings} ratings`;
  return new NcfError(
    "DATA_TOO_SMALL",
    period === undefined
      ? `expected at least one user with two ratings or more in the sample, ${found}. Raise --fraction, or give more ratings`
      : `expected at least one user with ratings before ${new Date(period.fromMs).toISOString()} and new ones in the ` +
          `period from then on, ${found}. Lower --split-share or --split-cuts, or give more ratings`,
  );
}

/** Details of the catalogue's items only. */
export function catalogueDetails(sample: Sample, items: readonly ItemDetails[]): ItemDetails[] {
  const catalogue = new Set(sample.itemIds);
  return items.filter(({ id }) => catalogue.has(id));
}

/** Shape [items]: the genres of the sample's items; none for an item that the source does not list. */
export function genresOf({ sample, items }: Pick<SampleFiles, "sample" | "items">): readonly (readonly string[])[] {
  const byId = new Map(items.map(({ id, genres }) => [id, genres]));
  return Array.from(sample.itemIds, (id) => byId.get(id) ?? []);
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
