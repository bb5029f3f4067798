/** What the workers of one stream share. */
import { NcfError } from "../../core/errors.ts";
import type { InteractionLog, TopicSettings } from "../../ports/interaction-log.ts";
import type { ModelRegistry } from "../../ports/model-registry.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { EventMapping } from "../../streaming/event-mapping.ts";
import type { LeakRule, PartitionOptions } from "../../streaming/partition-state.ts";
import type { PromotionSettings } from "../../streaming/promotion-rule.ts";
import type { TimeWindows } from "../../streaming/time-windows.ts";
import type { UserHistories } from "../../streaming/user-histories.ts";
import type { VersionSchedule } from "../../streaming/version-schedule.ts";
import type { ModelUpdates } from "./model-updates.ts";
import type { StreamEvent } from "./stream-events.ts";
import type { StreamVersions } from "./stream-versions.ts";

export interface StreamDeps {
  readonly log: InteractionLog;
  /** Takes snapshots and reports. */
  readonly store: ObjectStore;
  /** Absent where the version in force never changes, as in a replay. */
  readonly promotions?: {
    readonly registry: ModelRegistry;
    readonly versions: Pick<StreamVersions, "load">;
    readonly updates: ModelUpdates;
  };
  readonly onEvent?: ((event: StreamEvent) => void) | undefined;
}

export interface StreamTopics {
  readonly interactions: string;
  readonly outcomes: string;
  readonly late: string;
  readonly deadLetters: string;
  /** A single partition: what stage 1 adds to windows, and all that stage 2 reads. */
  readonly windowPartials: string;
  readonly windows: string;
  /** A single partition: which version is in force from when. */
  readonly modelUpdates: string;
}

export const defaultTopics: StreamTopics = {
  interactions: "interactions",
  outcomes: "outcomes",
  late: "late",
  deadLetters: "dead-letters",
  windowPartials: "window-partials",
  windows: "hit-ratio-windows",
  modelUpdates: "model-updates",
};

export interface StreamSettings {
  /** The consumer group; begins the names of snapshots and transactional ids. */
  readonly group: string;
  readonly topics: StreamTopics;
  readonly windows: TimeWindows;
  readonly schedule: VersionSchedule;
  /** Snapshot 0: what users did before the stream. */
  readonly base: { readonly id: string; readonly histories: UserHistories };
  readonly seed: number;
  /** How far an event's time may lie beyond its record's. */
  readonly maxAheadMs: number;
  readonly mapping?: EventMapping;
  readonly endOfStream: NonNullable<PartitionOptions["endOfStream"]>;
  readonly leak: LeakRule;
  /** When a challenger takes over; `promotionDefaults` by default. */
  readonly promotion?: PromotionSettings | undefined;
  /** By partition, where a group that has committed nothing begins; the log's start by default. */
  readonly startOffsets?: readonly number[] | undefined;
  /** Records of a transaction at most. */
  readonly commitRecords: number;
  /** Records between two snapshots of a partition. */
  readonly snapshotRecords: number;
  /** Partials between two snapshots of the windows. */
  readonly snapshotPartials: number;
}

export interface CreatedTopic {
  readonly topic: string;
  readonly partitions: number;
  /** False for one that was there. */
  readonly made: boolean;
}

/**
 * Creates our topics but the input where they are missing.
 *
 * @throws NcfError `PARTITION_COUNT_CHANGED`; `TOPIC_UNKNOWN` without the input
 */
export async function createTopics(log: InteractionLog, topics: StreamTopics): Promise<CreatedTopic[]> {
  const asInput = await log.partitions(topics.interactions);
  const created: CreatedTopic[] = [];
  const create = async (topic: string, partitions: number, settings: TopicSettings = {}): Promise<void> => {
    created.push({ topic, partitions, made: await log.createTopic(topic, partitions, settings) });
  };
  for (const topic of [topics.outcomes, topics.late, topics.deadLetters]) await create(topic, asInput);
  await create(topics.windowPartials, 1);
  // A window's latest report says all that the earlier ones said.
  await create(topics.windows, 1, { cleanup: "compact" });
  await create(topics.modelUpdates, 1);
  return created;
}

/** The way out of what a group cannot go on with. */
export const newGroup =
  "start a new group (--group) with topics of its own (--topic-prefix), which tests the topic's events anew";

/** What a worker answers after a step that failed: its state is ahead of what was committed. */
export function workerFailed(which: string, cause: unknown): NcfError {
  return new NcfError(
    "WORKER_FAILED",
    `${which}: expected a worker whose steps have all succeeded, found one of which a step failed, so that it stands beyond ` +
      "what was committed. Close it and open another, which goes on from there",
    { cause },
  );
}
