/** What a member needs before it can join: the group's settings, its model version, and the histories before the stream. */
import { NcfError } from "../../core/errors.ts";
import type { InteractionLog } from "../../ports/interaction-log.ts";
import type { ModelRegistry } from "../../ports/model-registry.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { EventMapping } from "../../streaming/event-mapping.ts";
import { historiesOf } from "../../streaming/sample-histories.ts";
import { VersionSchedule } from "../../streaming/version-schedule.ts";
import { readPublished } from "../published-model.ts";
import { inspectTopic } from "../topics/inspect-topic.ts";
import { nextRecords } from "./committed-records.ts";
import { checkTerms, claimOutputs, type GroupDescriptor, makeGroup, readGroup } from "./group-descriptor.ts";
import type { StreamMemberSettings } from "./member-settings.ts";
import { createTopics } from "./stream-settings.ts";
import type { StreamVersions } from "./stream-versions.ts";

export interface StreamStartDeps {
  readonly log: InteractionLog;
  readonly store: ObjectStore;
  readonly registry: ModelRegistry;
  readonly versions: StreamVersions;
}

/** Where a new group begins: at the topic's start or end, or at the first record of that time or later. */
export type StreamFrom = "earliest" | "latest" | { readonly timeMs: number };

/** What a member asks for; the rest is the group's, or follows from its version. */
export interface StreamRequest
  extends Omit<StreamMemberSettings, "schedule" | "base" | "leak" | "endOfStream" | "startOffsets" | "mapping"> {
  readonly mapping: EventMapping;
  readonly from: StreamFrom;
}

/** Of each partition, at a group's beginning. */
const checkedRecords = 2_000;
/** A few may lie where they lay before the topic got more partitions. */
const mostScattered = 0.01;

/**
 * Makes our topics and the group where they are missing, and loads the group's version.
 *
 * @throws NcfError `GROUP_CHANGED` for settings that are not the group's; `PARTITION_COUNT_CHANGED`, `TOPIC_UNKNOWN`, `NO_CHAMPION`,
 *   `INPUT_UNREADABLE`, `INPUT_NOT_KEYED`;
 *   those of the log, of the store and of `readPublished`
 */
export async function startStream(deps: StreamStartDeps, request: StreamRequest): Promise<StreamMemberSettings> {
  const { log, registry, versions } = deps;
  await createTopics(log, request.topics);
  const { version, startOffsets } = await groupOf(deps, request);
  const published = await readPublished(registry, version);
  const { mapping, from: _, ...settings } = request;
  return {
    ...settings,
    mapping,
    startOffsets,
    schedule: new VersionSchedule(versions.modelOf(published)),
    base: { id: published.card.snapshot0?.sha256 ?? version, histories: historiesOf(published.sample) },
    leak: "skip",
    endOfStream: "deadLetter",
  };
}

async function groupOf({ log, store, registry }: StreamStartDeps, request: StreamRequest): Promise<GroupDescriptor> {
  const { group, topics, windows, mapping, seed, maxAheadMs } = request;
  const topic = topics.interactions;
  const partitions = await log.partitions(topic);
  const { sizeMs: windowMs, advanceMs, graceMs } = windows;
  const terms = { topic, partitions, windowMs, advanceMs, graceMs, seed, maxAheadMs, mapping: JSON.stringify(mapping) };
  let found = await readGroup(store, group);
  if (found === null) {
    const champion = await registry.champion();
    if (champion === null) throw noChampion();
    await checkInput(log, request);
    const startOffsets: number[] = [];
    for (let p = 0; p < partitions; p++) startOffsets.push(await offsetFrom(log, topic, p, request.from));
    found = await makeGroup(store, group, terms, { version: champion.version, startOffsets });
  }
  checkTerms(group, found, terms);
  await claimOutputs(store, group, topics);
  return found;
}

/** Looks at the newest records of the input, so that a group is not begun in vain. */
async function checkInput(log: InteractionLog, { topics, mapping, maxAheadMs }: StreamRequest): Promise<void> {
  const topic = topics.interactions;
  const { statistics } = await inspectTopic({ log }, { topic, mapping, sample: checkedRecords, maxAheadMs });
  const { events, invalid, reasons, users, usersInSeveralPartitions: scattered } = statistics;
  if (events === 0 && invalid > 0) {
    throw new NcfError(
      "INPUT_UNREADABLE",
      `topic ${topic}: expected interactions, found none among its newest ${invalid} records (${reasons[0]?.reason}). Say where ` +
        `the fields lie (--field, --time-format); ncf stream inspect --topic ${topic} suggests how`,
    );
  }
  if (scattered > mostScattered * users) {
    throw new NcfError(
      "INPUT_NOT_KEYED",
      `topic ${topic}: expected a topic keyed by user, so that one user's events stay in order in one partition, found ` +
        `${scattered} of ${users} users in several. Copy it into one that is: ncf stream rekey --topic ${topic}`,
    );
  }
}

function noChampion(): NcfError {
  return new NcfError(
    "NO_CHAMPION",
    "expected a champion in the registry, whose hits the stream is to count, found none. Publish one with ncf run --publish, " +
      "or promote a version",
    // The first training of a deployment ends after its processors have started.
    { retriable: true },
  );
}

async function offsetFrom(log: InteractionLog, topic: string, partition: number, from: StreamFrom): Promise<number> {
  if (from === "earliest") return log.startOffset(topic, partition);
  if (from === "latest") return log.endOffset(topic, partition);
  // Records' own times ascend where the log stamps them; elsewhere about so, as for Kafka's own search by time.
  let [low, high] = [await log.startOffset(topic, partition), await log.endOffset(topic, partition)];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const { records } = await nextRecords(log, { topic, partition }, middle, 1);
    if (records.length > 0 && records[0].timestampMs < from.timeMs) low = records[0].offset + 1;
    else high = middle;
  }
  return low;
}
