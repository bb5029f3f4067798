import { type InteractionLog, type LogBatch, type LogRecord, offsetOutOfRange } from "../../ports/interaction-log.ts";

export interface LogPlace {
  readonly topic: string;
  readonly partition: number;
}

/**
 * The records from one offset up to another, read some at a time: what a worker that takes over catches up on.
 *
 * @throws NcfError `OFFSET_OUT_OF_RANGE` where the log ends before; those of the log
 */
export async function* committedRecords(
  log: InteractionLog,
  { topic, partition }: LogPlace,
  { from, to, atOnce }: { readonly from: number; readonly to: number; readonly atOnce: number },
): AsyncGenerator<LogRecord, void, undefined> {
  for (let offset = from; offset < to; ) {
    const batch = await log.read(topic, partition, offset, atOnce);
    if (batch.nextOffset <= offset) {
      // A new leader of the partition learns a moment late how much is committed; it tells the end only when it knows.
      if ((await log.endOffset(topic, partition)) >= to) continue;
      // Committed, but not there: the topic is not the one that was read before.
      throw offsetOutOfRange(topic, partition, to, await log.startOffset(topic, partition), offset);
    }
    for (const record of batch.records) if (record.offset < to) yield record;
    offset = batch.nextOffset;
  }
}

/** The next records from an offset on: none only at the log's end, also where offsets before it hold no record. */
export async function nextRecords(
  log: InteractionLog,
  { topic, partition }: LogPlace,
  fromOffset: number,
  maxRecords: number,
): Promise<LogBatch> {
  for (let offset = fromOffset; ; ) {
    const batch = await log.read(topic, partition, offset, maxRecords);
    if (batch.records.length > 0 || batch.nextOffset <= offset) return batch;
    offset = batch.nextOffset;
  }
}
