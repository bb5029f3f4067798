/** Pictures of windows: HR@10 beside popularity, a challenger beside the champion, kinds of users, events not tested. */
import { counted, element } from "./dom.js";
import { lineChart, ticksOver } from "./line-chart.js";
import { challengerText, momentText, percent, points } from "./windows-table.js";

const kinds = [
  ["m2", "cold", "cold (no history)"],
  ["m3", "foldedIn", "folded in (history, but no training)"],
  ["m0", "warm", "warm (known from training)"],
];
const untested = [
  ["m1", "late", "late"],
  ["m4", "repeats", "repeats"],
  ["pop", "unknownItems", "on unknown movies"],
];

/** @param {object[]} windows reports with a tested event, oldest first; at least one */
export function windowsFigures(windows) {
  const last = windows[windows.length - 1];
  const inLatest = `In the latest, ${percent(last.hrAt10)} against ${percent(last.popularity.hrAt10)} in ${counted(last.cases, "case", "cases")}.`;
  const marks = versionMarks(windows);
  const hits = figure({
    id: "windows-hits",
    names: [
      ["m0", "The model"],
      ["pop", "popularity"],
      ["m1", "popularity of late"],
    ],
    text: `: share of interactions that were among the ten best of 100 candidates (HR@10) before they were learnt from. Band: 95 % intervals. A ring is a window that is still open. ${inLatest}`,
    chart: shareChart({
      id: "windows-hits",
      title: "HR@10 by window",
      description: `${counted(windows.length, "window", "windows")}. ${inLatest}`,
      windows,
      series: [
        {
          tone: "m0",
          values: windows.map(({ hrAt10 }) => hrAt10),
          intervals: windows.map(({ hrAt10Interval }) => hrAt10Interval),
        },
        { tone: "pop", values: windows.map(({ popularity }) => popularity.hrAt10) },
        { tone: "m1", values: windows.map(({ decayedPopularity }) => decayedPopularity.hrAt10) },
      ],
      marks,
    }),
    more: [versionNote(marks, windows)],
  });
  const challenged = windows.filter(({ challenger }) => challenger !== null && challenger.difference !== null);
  const pair = element("div", { class: "pair" }, kindsFigure(windows), untestedFigure(windows));
  return [hits, ...(challenged.length === 0 ? [] : [challengerFigure(challenged)]), pair];
}

/** The version with the most cases. */
function inForce({ versions }) {
  return Object.keys(versions).sort((a, b) => versions[b] - versions[a])[0];
}

/** Where another version is in force than in the window before. */
function versionMarks(windows) {
  const names = windows.map(inForce);
  const changes = names.flatMap((version, index) =>
    index > 0 && version !== names[index - 1] ? [{ index, version }] : [],
  );
  return changes.map(({ index, version }, i) => ({
    index,
    label: String(i + 1),
    text: `${i + 1}: version ${version}`,
  }));
}

function versionNote(marks, windows) {
  if (marks.length === 0) return element("p", { class: "note versions" }, `Version ${inForce(windows[0])} throughout.`);
  const texts = marks.map(({ index, text }) => `${text} from ${momentText(windows[index].startMs)} on`);
  return element("p", { class: "note versions" }, `Marks: ${texts.slice(-6).join("; ")}.`);
}

function challengerFigure(windows) {
  const values = windows.map(({ challenger }) => challenger.difference);
  const intervals = windows.map(({ challenger }) => challenger.differenceInterval);
  const most = Math.max(0.01, ...values.map(Math.abs), ...intervals.flatMap((one) => (one ?? []).map(Math.abs)));
  const ticks = ticksOver(-most, most);
  const last = windows[windows.length - 1];
  const text = `HR@10 of the challenger less that of the version in force, on the same events. Band: 95 % intervals. In the latest, ${challengerText(last.challenger)} in ${counted(last.challenger.cases, "case", "cases")}.`;
  return figure({
    id: "windows-challenger",
    names: [["m3", "Challenger against champion"]],
    text: `: ${text}`,
    chart: lineChart({
      id: "windows-challenger",
      title: "Challenger against champion by window",
      description: text,
      windows,
      series: [{ tone: "m3", values, intervals }],
      range: [ticks[0], ticks[ticks.length - 1]],
      ticks,
      format: (value) => (value === 0 ? "0" : points(value).replace(".0", "")),
      height: 130,
    }),
  });
}

function kindsFigure(windows) {
  const series = kinds.map(([tone, kind]) => ({ tone, values: windows.map(({ byKind }) => byKind[kind].hrAt10) }));
  const description = "HR@10 by what is known of the user.";
  const chart = { id: "windows-kinds", title: "HR@10 by kind of user", description, windows, series, height: 130 };
  const names = kinds.map(([tone, , name]) => [tone, name]);
  return figure({ id: "windows-kinds", names, text: `: ${description}`, chart: shareChart(chart) });
}

function untestedFigure(windows) {
  const series = untested.map(([tone, field]) => ({ tone, values: windows.map((report) => report[field]) }));
  const ticks = ticksOver(0, Math.max(1, ...series.flatMap(({ values }) => values)));
  const description = "events that were counted, but not tested.";
  return figure({
    id: "windows-untested",
    names: untested.map(([tone, , name]) => [tone, name]),
    text: `: ${description}`,
    chart: lineChart({
      id: "windows-untested",
      title: "Events not tested, by window",
      description,
      windows,
      series,
      range: [0, ticks[ticks.length - 1]],
      ticks: ticks.filter(Number.isInteger),
      format: (value) => value.toLocaleString("en", { notation: "compact" }),
      height: 130,
    }),
  });
}

/** From 0 to what the values need, at most 1. */
function shareChart(chart) {
  const highest = Math.max(
    0.05,
    ...chart.series.flatMap(({ values, intervals = [] }) => [...values, ...intervals.map((one) => one?.[1] ?? 0)]),
  );
  const ticks = ticksOver(0, Math.min(1, highest)).filter((tick) => tick <= 1);
  const format = (tick) => tick.toFixed(2);
  return lineChart({ ...chart, range: [0, Math.max(ticks[ticks.length - 1], Math.min(1, highest))], ticks, format });
}

function figure({ id, names, text, chart, more = [] }) {
  const keys = names.flatMap(([tone, name], i) => [
    ...(i === 0 ? [] : [", "]),
    element("span", { class: tone }, element("span", { class: "key" }), element("span", { class: "name" }, name)),
  ]);
  return element(
    "figure",
    { id },
    element("figcaption", {}, ...keys, text),
    element("div", { class: "plot windows" }, chart),
    ...more,
  );
}
