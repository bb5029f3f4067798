import { RunningTotal } from "../../../src/streaming/running-total.ts";
import { type WindowReport, windowReport } from "../../../src/streaming/window-report.ts";
import { emptySums } from "../../../src/streaming/window-sums.ts";

type Changes = Partial<Omit<WindowReport, "popularity">> & { readonly popularityHrAt10?: number | null };

/** The report of a window without events, but for the changes. */
export function reportWith({ popularityHrAt10 = null, ...changes }: Changes): WindowReport {
  const window = { startMs: changes.startMs ?? 0, endMs: changes.endMs ?? 1 };
  const report = windowReport(window, emptySums(), { final: true, revision: 0 }, new RunningTotal());
  return { ...report, ...changes, popularity: { ...report.popularity, hrAt10: popularityHrAt10 } };
}
