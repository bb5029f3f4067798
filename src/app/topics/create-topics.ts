/** Makes the topics of a stream where they are missing. */
import { NcfError } from "../../core/errors.ts";
import type { InteractionLog } from "../../ports/interaction-log.ts";
import { type CreatedTopic, createTopics, type StreamTopics } from "../stream/stream-settings.ts";

export interface CreateStreamTopicsRequest {
  readonly topics: StreamTopics;
  /** Of `interactions`, and of the topics that lie beside it. */
  readonly partitions: number;
  /** Whether `interactions` is a topic of one's own, which is taken as it is. */
  readonly ownInput: boolean;
}

/**
 * Makes `interactions`, whose records the log stamps, so that no producer's clock counts, and the topics beside it.
 *
 * @throws NcfError `PARTITION_COUNT_CHANGED` for a topic that is there with another number; `TOPIC_UNKNOWN` without one's
 *   own input; `USAGE` for one name twice; those of the log
 */
export async function createStreamTopics(
  log: InteractionLog,
  { topics, partitions, ownInput }: CreateStreamTopicsRequest,
): Promise<readonly CreatedTopic[]> {
  const names = Object.values<string>({ ...topics });
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new NcfError("USAGE", `expected a name of its own for each topic, found ${twice} twice`);
  }
  if (ownInput) return createTopics(log, topics);
  const { interactions } = topics;
  const made = await log.createTopic(interactions, partitions, { timestamps: "append" });
  return [{ topic: interactions, partitions, made }, ...(await createTopics(log, topics))];
}
