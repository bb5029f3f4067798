/** A window's report as it lies in the object store: `reports/<group>/<start>.json`. */
import { z } from "zod";
import { windowReportSchema } from "../../streaming/window-report.ts";

export const archivedReportSchema = z.object({
  /** Of the report in its topic: a later one never gives way to an earlier one. */
  offset: z.int().min(0),
  report: windowReportSchema,
});

export type ArchivedReport = z.infer<typeof archivedReportSchema>;

export function reportsPrefix(group: string): string {
  return `reports/${group}/`;
}

export function reportKey(group: string, startMs: number): string {
  return `${reportsPrefix(group)}${startMs}.json`;
}
