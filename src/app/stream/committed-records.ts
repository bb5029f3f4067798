import type { InteractionLog, LogRecord } from "../../ports/interaction-log.ts";

/** The records from one offset up to another, read some at a time: what a worker that takes over catches up on. */
export async function* committedRecords(
  log: InteractionLog,
  { topic, partition }: { readonly topic: string; readonly partition: number },
  { from, to, atOnce }: { readonly from: number; readonly to: number; readonly atOnce: number },
): AsyncGenerator<LogRecord, void, undefined> {
  for (let offset = from; offset < to; ) {
    const batch = await log.read(topic, partition, offset, atOnce);
    for (const record of batch.records) if (record.offset < to) yield record;
    offset = batch.nextOffset;
  }
}
