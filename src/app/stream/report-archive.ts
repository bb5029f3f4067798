/**
 * Copies window reports from their topic into the object store, for readers without a log: `reports/<group>/<start>.json`, the
 * latest of each window. It follows the topic by an offset of its own, so a store that does not answer holds nothing back.
 */
import { z } from "zod";
import { decodeJson, encodeJsonFile } from "../../core/json.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { type WindowReport, windowReportSchema } from "../../streaming/window-report.ts";
import { putWhere } from "../put-where.ts";
import { nextRecords } from "./committed-records.ts";
import type { StreamDeps, StreamSettings } from "./stream-settings.ts";
import { takeOver } from "./take-over.ts";

const storedSchema = z.object({
  /** Of the report in its topic: a later one never gives way to an earlier one. */
  offset: z.int().min(0),
  report: windowReportSchema,
});

const longestWaitMs = 1_000;

/** Follows the topic until the signal is given. @throws NcfError `PRODUCER_FENCED`, those of the log and of the store */
export async function archiveReports(
  { log, store }: StreamDeps,
  { group, topics, commitRecords }: StreamSettings,
  signal: AbortSignal,
  progressed: () => void,
): Promise<void> {
  const place = { topic: topics.windows, partition: 0 };
  await takeOver(log, `${group}-reports`, async (producer) => {
    let offset =
      (await log.committed(group, place.topic, 0))?.offset ?? (await log.startOffset(place.topic, place.partition));
    while (!signal.aborted) {
      const { records, nextOffset } = await nextRecords(log, place, offset, commitRecords);
      if (records.length === 0) {
        progressed();
        await log.waitForRecords(place.topic, 0, offset, { timeoutMs: longestWaitMs, signal });
        continue;
      }
      const latest = new Map<number, { readonly offset: number; readonly report: WindowReport }>();
      for (const record of records) {
        const report = windowReportSchema.parse(decodeJson(record.value ?? new Uint8Array()));
        latest.set(report.startMs, { offset: record.offset, report });
      }
      for (const [startMs, stored] of latest) await storeReport(store, reportKey(group, startMs), stored);
      offset = nextOffset;
      await producer.commit({ records: [], offsets: [{ group, ...place, offset, metadata: "" }] });
      progressed();
    }
    await producer.close();
  });
}

function reportKey(group: string, startMs: number): string {
  return `reports/${group}/${startMs}.json`;
}

/** Unless a later one is there already: whoever was taken over may still be writing. */
async function storeReport(store: ObjectStore, key: string, stored: z.infer<typeof storedSchema>): Promise<void> {
  await putWhere(store, key, encodeJsonFile(stored), (document) => {
    const found = storedSchema.safeParse(document);
    return !found.success || found.data.offset < stored.offset;
  });
}
