/** Windows' reports as lines for people. */
import type { WindowReport } from "../streaming/window-report.ts";
import { grouped, signedPoints } from "./report/number-text.ts";
import { printable } from "./report/printable.ts";

const columns = [16, 7, 6, 22, 11, 8, 8, 8, 5] as const;

function aligned(cells: readonly string[]): string {
  return cells.map((cell, i) => cell.padStart(columns[i])).join(" ");
}

/** Above the lines of `windowLine`. */
export const windowHeader = aligned([
  "window of",
  "events",
  "users",
  "HR@10 [95 % interval]",
  "popularity",
  "of late",
  "unknown",
  "repeats",
  "late",
]);

/**
 * One window: its start (UTC), tested events, HR@10 beside popularity and decayed popularity on the same candidates, and
 * events that were not tested: on items that the model does not know, repeats, late ones. Then what is special about it.
 */
export function windowLine(report: WindowReport): string {
  const { popularity, decayedPopularity, hrAt10Interval } = report;
  const interval = hrAt10Interval === null ? "" : ` [${hrAt10Interval.map((x) => x.toFixed(3)).join(", ")}]`;
  const cells = aligned([
    startText(report.startMs),
    grouped(report.cases),
    grouped(report.users),
    `${share(report.hrAt10)}${interval}`,
    share(popularity.hrAt10),
    share(decayedPopularity.hrAt10),
    grouped(report.unknownItems),
    grouped(report.repeats),
    grouped(report.late),
  ]);
  return [cells, ...remarks(report)].join("  ");
}

/** The date, with the time of day where it is not midnight. */
function startText(startMs: number): string {
  const [date, time] = new Date(startMs).toISOString().split("T");
  return time === "00:00:00.000Z" ? date : `${date} ${time.slice(0, 5)}`;
}

function remarks({ final, revision, challenger }: WindowReport): string[] {
  return [
    ...(final ? [] : ["(open)"]),
    ...(revision > 0 ? [`(revision ${revision})`] : []),
    ...(challenger === null ? [] : [`${printable(challenger.version)} ${challengerText(challenger)}`]),
  ];
}

function challengerText({ difference, differenceInterval }: NonNullable<WindowReport["challenger"]>): string {
  if (difference === null) return "has no case yet";
  const interval = differenceInterval === null ? "" : ` [${differenceInterval.map(signedPoints).join(", ")}]`;
  return `${signedPoints(difference)} points${interval}`;
}

/** All windows together, and whether the model beat popularity. */
export function windowsText(reports: readonly WindowReport[]): string {
  const total = reports.at(-1)?.total;
  if (total === undefined || total.cases === 0) return "No event could be tested.";
  const { popularity, decayedPopularity } = total;
  return (
    `${grouped(total.windows)} windows, ${grouped(total.cases)} tested events: HR@10 ${share(total.hrAt10)}, ` +
    `${versus("popularity", popularity)}, ${versus("popularity of late", decayedPopularity)}.`
  );
}

function versus(name: string, { hrAt10, difference, differenceInterval }: WindowReport["popularity"]): string {
  const interval = differenceInterval === null ? "" : ` [${differenceInterval.map(signedPoints).join(", ")}]`;
  return `${name} ${share(hrAt10)} (${signedPoints(difference ?? 0)} points${interval})`;
}

function share(value: number | null): string {
  return value === null ? "–" : value.toFixed(3);
}
