/** Window reports of an hourly stream. */
import type { NewRecord } from "../../src/ports/interaction-log.ts";
import type { WindowReport } from "../../src/streaming/window-report.ts";
import { reportWith } from "../app/http-api/window-reports.ts";

export const hour = 3_600_000;
const firstMs = Date.UTC(2026, 10, 25);

/** The report of the i-th hour, final and of version 000001-a but for the changes. */
export function streamedReport(i: number, changes: Partial<Omit<WindowReport, "popularity">> = {}): WindowReport {
  const hrAt10 = 0.6 + 0.1 * Math.sin(i / 5);
  const report = reportWith({
    startMs: firstMs + i * hour,
    endMs: firstMs + (i + 1) * hour,
    cases: 100 + i,
    users: 50,
    hrAt10,
    hrAt10Interval: [hrAt10 - 0.07, hrAt10 + 0.07],
    popularityHrAt10: 0.5,
    late: i % 4,
    repeats: 2 * (i % 3),
    unknownItems: i % 7,
    versions: { "000001-a": 100 },
  });
  const groupOf = (share: number) => ({ ...report.byKind.cold, cases: 30, hrAt10: share });
  return {
    ...report,
    decayedPopularity: { ...report.decayedPopularity, hrAt10: 0.53 },
    byKind: { cold: groupOf(hrAt10 - 0.1), foldedIn: groupOf(hrAt10), warm: groupOf(hrAt10 + 0.05) },
    ...changes,
  };
}

/** As the stream writes it to its topic. */
export function encodedReport(report: WindowReport): NewRecord {
  return { key: String(report.startMs), value: new TextEncoder().encode(JSON.stringify(report)) };
}
