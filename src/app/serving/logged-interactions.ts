/** Recorded interactions as records of the interaction log: what a client was told of outlives the service. */
import { NcfError } from "../../core/errors.ts";
import type { InteractionLog } from "../../ports/interaction-log.ts";
import { decodeRecord, encodeWireEvent } from "../../streaming/interaction-event.ts";
import { committedRecords } from "../stream/committed-records.ts";
import type { Interaction } from "./recommendation-service.ts";
import type { RecordedInteractions } from "./recorded-interactions.ts";

const recordsAtOnce = 1000;

/** Keyed by user, so that a user's interactions stay in order in one partition. @throws NcfError those of the log */
export async function logInteractions(
  log: InteractionLog,
  topic: string,
  interactions: readonly Interaction[],
): Promise<void> {
  if (interactions.length === 0) return;
  const records = interactions.map(({ userId, itemId, timestampMs }) => ({
    key: userId,
    value: encodeWireEvent({ userId, itemId, timestampMs }),
    timestampMs,
  }));
  await log.append(topic, records);
}

/**
 * Reads back what earlier services logged, making the topic where it is missing. Records that are no interactions are
 * left out: the stream tells of them.
 *
 * @throws NcfError `INTERACTIONS_FULL`, those of the log
 */
export async function restoreInteractions(
  log: InteractionLog,
  topic: string,
  recorded: RecordedInteractions,
): Promise<void> {
  const partitions = await partitionsOf(log, topic);
  for (let partition = 0; partition < partitions; partition++) {
    const from = await log.startOffset(topic, partition);
    const to = await log.endOffset(topic, partition);
    for await (const { value } of committedRecords(log, { topic, partition }, { from, to, atOnce: recordsAtOnce })) {
      const decoded = decodeRecord(value);
      if (decoded.kind !== "event") continue;
      const { userText, itemText, timestampMs } = decoded.event;
      if (recorded.has(userText, itemText)) continue;
      recorded.checkRoom(1);
      recorded.add(userText, { itemId: itemText, timestampMs });
    }
  }
}

/** As many as the topic has; one where it is new. */
async function partitionsOf(log: InteractionLog, topic: string): Promise<number> {
  try {
    return await log.partitions(topic);
  } catch (error) {
    if (!(error instanceof NcfError && error.code === "TOPIC_UNKNOWN")) throw error;
    await log.createTopic(topic, 1, { timestamps: "append" });
    return 1;
  }
}
