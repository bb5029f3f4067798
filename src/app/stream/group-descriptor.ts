/**
 * What a group was started with, `streams/<group>.json` in the object store. Its snapshots and outcomes hang on it, so a member
 * with other settings is refused rather than let in to mix two streams.
 */
import { z } from "zod";
import { NcfError } from "../../core/errors.ts";
import { decodeJson, encodeJsonFile } from "../../core/json.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { newGroup, type StreamTopics } from "./stream-settings.ts";

const descriptorSchema = z.object({
  formatVersion: z.literal(1),
  topic: z.string(),
  partitions: z.int().min(1),
  windowMs: z.int(),
  advanceMs: z.int(),
  graceMs: z.int(),
  seed: z.int(),
  maxAheadMs: z.int(),
  /** How events are read from the topic's records, as JSON. */
  mapping: z.string(),
  /** The model version that is in force before any promotion, and whose snapshot 0 the histories start from. */
  version: z.string(),
  /** Shape [partitions]: where the group began. */
  startOffsets: z.array(z.int().min(0)),
});

const ownerSchema = z.object({ group: z.string() });

export type GroupDescriptor = z.infer<typeof descriptorSchema>;
/** What a member asks for; version and start offsets are decided when the group is made. */
export type GroupTerms = Omit<GroupDescriptor, "formatVersion" | "version" | "startOffsets">;

/** Null where there is no such group. @throws NcfError `FILE_DAMAGED` */
export async function readGroup(store: ObjectStore, group: string): Promise<GroupDescriptor | null> {
  const key = keyOf(group);
  if ((await store.head(key)) === null) return null;
  try {
    return descriptorSchema.parse(decodeJson(await store.get(key)));
  } catch (cause) {
    const way = "Start a new group (--group)";
    throw new NcfError(
      "FILE_DAMAGED",
      `${key}: expected the settings of group ${group}, found something else. ${way}`,
      {
        cause,
      },
    );
  }
}

/**
 * The only group that was made with this store; null where there is none yet.
 *
 * @throws NcfError `GROUP_AMBIGUOUS`
 */
export async function onlyGroup(store: ObjectStore): Promise<string | null> {
  const groups = (await store.list("streams/")).flatMap((key) => /^streams\/([^/]+)\.json$/.exec(key)?.slice(1) ?? []);
  if (groups.length <= 1) return groups[0] ?? null;
  throw new NcfError(
    "GROUP_AMBIGUOUS",
    `expected one stream's group in the store, found ${groups.join(", ")}. Name the one that is meant`,
  );
}

/** Makes the group, or takes the one that another member made at the same time. */
export async function makeGroup(
  store: ObjectStore,
  group: string,
  terms: GroupTerms,
  start: Pick<GroupDescriptor, "version" | "startOffsets">,
): Promise<GroupDescriptor> {
  await store.putIfAbsent(keyOf(group), encodeJsonFile({ formatVersion: 1, ...terms, ...start }));
  return (await readGroup(store, group)) as GroupDescriptor;
}

/** @throws NcfError `GROUP_CHANGED`, naming the settings that differ */
export function checkTerms(group: string, found: GroupDescriptor, asked: GroupTerms): void {
  const differences = (Object.keys(asked) as (keyof GroupTerms)[])
    .filter((name) => asked[name] !== found[name])
    .map((name) => `${name} ${found[name]}, not ${asked[name]}`);
  if (differences.length === 0) return;
  throw new NcfError(
    "GROUP_CHANGED",
    `group ${group}: expected the settings that it was started with (${differences.join("; ")}). Give those, or ${newGroup}`,
  );
}

/**
 * Makes the topics that a group writes its own: two groups' records in them could not be told apart.
 *
 * @throws NcfError `OUTPUTS_TAKEN`
 */
export async function claimOutputs(store: ObjectStore, group: string, { windowPartials }: StreamTopics): Promise<void> {
  const key = `streams/outputs/${windowPartials}.json`;
  await store.putIfAbsent(key, encodeJsonFile({ group }));
  const owner = ownerSchema.parse(decodeJson(await store.get(key)));
  if (owner.group === group) return;
  throw new NcfError(
    "OUTPUTS_TAKEN",
    `group ${group}: expected topics that no other group writes, found that group ${owner.group} writes to ${windowPartials}. ` +
      "Give this group topics of its own (--topic-prefix)",
  );
}

function keyOf(group: string): string {
  return `streams/${group}.json`;
}
