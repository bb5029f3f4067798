/**
 * Copies window reports from their topic into the object store, for readers without a log: `reports/<group>/<start>.json`, the
 * latest of each window. It follows the topic by an offset of its own, which moves once a report is stored: so a store that does
 * not answer holds nothing back, and what it refuses is stored later, by whoever follows the topic then. A window's report changes
 * with each commit, and a store may want money for each object: so they are stored now and then.
 */
import { NcfError } from "../../core/errors.ts";
import { decodeJson, encodeJsonFile } from "../../core/json.ts";
import type { LogRecord } from "../../ports/interaction-log.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { type WindowReport, windowReportSchema } from "../../streaming/window-report.ts";
import { putWhere } from "../put-where.ts";
import { type ArchivedReport, archivedReportSchema, reportKey } from "./archived-report.ts";
import { nextRecords } from "./committed-records.ts";
import { longestWaitMs, type StreamMemberDeps, type StreamMemberSettings } from "./member-settings.ts";
import { takeOver } from "./take-over.ts";

/**
 * Follows the topic until the signal is given.
 *
 * @throws NcfError `REPORT_INVALID`, `PRODUCER_FENCED`, those of the log and of the store
 */
export async function archiveReports(
  { log, store, sleep }: StreamMemberDeps,
  { group, topics, commitRecords, reportIntervalMs }: StreamMemberSettings,
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
      const latest = new Map<number, ArchivedReport>();
      for (const record of records) {
        const report = reportOf(place.topic, record);
        latest.set(report.startMs, { offset: record.offset, report });
      }
      for (const [startMs, stored] of latest) {
        // A slow store would hold up the member's end.
        if (signal.aborted) break;
        await storeReport(store, reportKey(group, startMs), stored);
      }
      if (signal.aborted) break;
      offset = nextOffset;
      await producer.commit({ records: [], offsets: [{ group, ...place, offset, metadata: "" }] });
      progressed();
      await sleep(reportIntervalMs, signal);
    }
    await producer.close();
  });
}

/** Unless a later one is there already: whoever was taken over may still be writing. */
async function storeReport(store: ObjectStore, key: string, stored: ArchivedReport): Promise<void> {
  await putWhere(store, key, encodeJsonFile(stored), (document) => {
    const found = archivedReportSchema.safeParse(document);
    return !found.success || found.data.offset < stored.offset;
  });
}

/** @throws NcfError `REPORT_INVALID` */
function reportOf(topic: string, { offset, value }: LogRecord): WindowReport {
  try {
    return windowReportSchema.parse(decodeJson(value ?? new Uint8Array()));
  } catch (cause) {
    throw new NcfError(
      "REPORT_INVALID",
      `topic ${topic}: expected a window's report at offset ${offset}, found something else. Only the stream may write there: ` +
        "start a new group with topics of its own (--topic-prefix)",
      { cause },
    );
  }
}
