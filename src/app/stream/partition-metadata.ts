/** The metadata of a partition's commit: what a successor needs beside the offset to rank exactly as its predecessor would have. */
import { z } from "zod";
import { NcfError } from "../../core/errors.ts";
import type { PartitionEvaluator } from "../../streaming/partition-evaluator.ts";
import type { StreamModel } from "../../streaming/stream-model.ts";
import { type Promotion, VersionSchedule } from "../../streaming/version-schedule.ts";
import type { OrSetAside } from "./set-aside.ts";
import type { StreamDeps, StreamSettings } from "./stream-settings.ts";

/** Version, from which event time, from which offset: short, as a commit's metadata is. */
const promotion = z.tuple([z.string().nullable(), z.int(), z.int().nullable()]);

const metadataSchema = z.object({
  streamTimeMs: z.int().nullable(),
  /** Model updates that had been taken up. */
  updates: z.int().min(0).default(0),
  promotions: z.array(promotion).default([]),
  challengers: z.array(promotion).default([]),
});

export function commitMetadata(
  streamTimeMs: number | null,
  updates: number,
  { promotions, challengers }: Pick<PartitionEvaluator, "promotions" | "challengers">,
): string {
  const short = ({ model, fromMs, fromOffset }: Promotion<StreamModel | null>): z.infer<typeof promotion> => [
    model?.version ?? null,
    fromMs,
    fromOffset,
  ];
  const all = { streamTimeMs, updates, promotions: promotions.map(short), challengers: challengers.map(short) };
  return JSON.stringify(all satisfies z.infer<typeof metadataSchema>);
}

/**
 * The versions in force and beside as the commit left them.
 *
 * @param orSetAside loads challengers
 * @param metadata undefined before the first commit
 * @throws NcfError `METADATA_INVALID`, those of loading a version
 */
export async function promotedVersions(
  { promotions }: StreamDeps,
  { schedule, group }: StreamSettings,
  orSetAside: OrSetAside,
  metadata?: string,
) {
  let challengers = new VersionSchedule<StreamModel | null>(null);
  if (promotions === undefined || metadata === undefined) return { schedule, challengers, updates: 0 };
  const found = metadataOf(group, metadata);
  let promoted = schedule;
  for (const [version, fromMs, fromOffset] of found.promotions) {
    if (version === null) continue;
    promoted = promoted.with({ model: await promotions.versions.load(version), fromMs, fromOffset });
  }
  for (const [version, fromMs, fromOffset] of found.challengers) {
    const model = version === null ? null : await orSetAside(version, () => promotions.versions.load(version));
    challengers = challengers.with({ model, fromMs, fromOffset });
  }
  return { schedule: promoted, challengers, updates: found.updates };
}

function metadataOf(group: string, metadata: string): z.infer<typeof metadataSchema> {
  try {
    return metadataSchema.parse(JSON.parse(metadata));
  } catch (cause) {
    throw new NcfError(
      "METADATA_INVALID",
      `group ${group}: expected offsets that this program committed, found others, with metadata "${metadata.slice(0, 100)}". ` +
        "Another program uses this group: start a new one (--group)",
      { cause },
    );
  }
}
