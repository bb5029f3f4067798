/** All figures of the windows, for those who read rather than look. */
import { element, isoDate } from "./dom.js";

const dayMs = 86_400_000;

const columns = [
  ["HR@10", ({ hrAt10 }) => percent(hrAt10)],
  ["95 % interval", ({ hrAt10Interval }) => range(hrAt10Interval, percent)],
  ["Popularity", ({ popularity }) => percent(popularity.hrAt10)],
  ["Popularity of late", ({ decayedPopularity }) => percent(decayedPopularity.hrAt10)],
  ["Cases", ({ cases }) => count(cases)],
  ["Cold", ({ byKind }) => percent(byKind.cold.hrAt10)],
  ["Folded in", ({ byKind }) => percent(byKind.foldedIn.hrAt10)],
  ["Warm", ({ byKind }) => percent(byKind.warm.hrAt10)],
  ["Late", ({ late }) => count(late)],
  ["Repeats", ({ repeats }) => count(repeats)],
  ["Unknown items", ({ unknownItems }) => count(unknownItems)],
  ["Version", ({ versions }) => versionsText(versions)],
  ["Challenger", ({ challenger }) => (challenger === null ? "" : challengerText(challenger))],
];

/** @returns {{ view: Element, show: (windows: object[]) => void }} `show` takes reports, oldest first */
export function windowsTable() {
  const body = element("tbody", {});
  const heads = ["Window", ...columns.map(([head]) => head)].map((head) => element("th", { scope: "col" }, head));
  const table = element(
    "table",
    { class: "numbers", "aria-label": "Windows" },
    element("thead", {}, element("tr", {}, ...heads)),
    body,
  );
  // A keyboard scrolls what has the focus.
  const scroll = element("div", { class: "scroll", role: "region", "aria-label": "The figures", tabindex: 0 }, table);
  const view = element("details", {}, element("summary", {}, "The figures"), scroll);
  let shown = [];
  const fill = () => {
    if (view.open) body.replaceChildren(...shown.toReversed().map(row));
  };
  view.addEventListener("toggle", fill);
  return {
    view,
    show(windows) {
      shown = windows;
      fill();
    },
  };
}

function row(report) {
  const remark = report.final ? (report.revision > 0 ? ` (revision ${report.revision})` : "") : " (open)";
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, `${windowText(report)}${remark}`),
    ...columns.map(([, text]) => element("td", {}, text(report))),
  );
}

/** Dates, with times of day (UTC) where the window is no whole days. */
export function windowText({ startMs, endMs }) {
  const start = momentText(startMs);
  if (startMs % dayMs === 0 && endMs % dayMs === 0) {
    return endMs - startMs === dayMs ? start : `${start} to ${momentText(endMs)}`;
  }
  const date = isoDate(startMs);
  // The end of a day is that day's.
  if (endMs % dayMs === 0 && isoDate(endMs - 1) === date) return `${start} to 24:00`;
  return `${start} to ${isoDate(endMs) === date ? timeOfDay(endMs) : `${isoDate(endMs)} ${timeOfDay(endMs)}`}`;
}

/** The date, with the time of day (UTC) where it is not midnight. */
export function momentText(timestampMs) {
  const date = isoDate(timestampMs);
  return timestampMs % dayMs === 0 ? date : `${date} ${timeOfDay(timestampMs)}`;
}

function timeOfDay(timestampMs) {
  return new Date(timestampMs).toISOString().slice(11, 16);
}

export function percent(share) {
  return share === null ? "–" : `${(100 * share).toFixed(1)} %`;
}

/** A difference of shares. */
export function points(difference) {
  return `${difference < 0 ? "−" : "+"}${(100 * Math.abs(difference)).toFixed(1)}`;
}

function range(interval, format) {
  return interval === null ? "" : `${format(interval[0])} to ${format(interval[1])}`;
}

function count(value) {
  return value.toLocaleString("en");
}

function versionsText(versions) {
  const names = Object.keys(versions);
  return names.length < 2 ? names.join("") : names.map((name) => `${name}: ${count(versions[name])}`).join(", ");
}

export function challengerText({ version, difference, differenceInterval }) {
  if (difference === null) return `${version}: no case yet`;
  const interval = differenceInterval === null ? "" : ` [${range(differenceInterval, points)}]`;
  return `${version}: ${points(difference)} points${interval}`;
}
