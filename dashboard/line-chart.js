/** Lines over windows: one point a window, at equal distances, with bands of uncertainty and vertical marks. */
import { isoDate, svgElement } from "./dom.js";

const top = 18;
const below = 28;
const mostDates = 4;
/** Marks nearer than this, in hundredths of the width, share a label. */
const labelDistance = 5;
const dayMs = 86_400_000;

/**
 * @typedef {object} Series
 * @property {string} tone class that gives the colour
 * @property {(number | null)[]} values one a window
 * @property {([number, number] | null)[]} [intervals] drawn as a band
 */

/**
 * @param {object} chart
 * @param {string} chart.id
 * @param {string} chart.title
 * @param {string} chart.description
 * @param {object[]} chart.windows reports, oldest first
 * @param {Series[]} chart.series the first is drawn on top
 * @param {[number, number]} chart.range of values
 * @param {number[]} chart.ticks
 * @param {(value: number) => string} chart.format of ticks
 * @param {number} [chart.height]
 * @param {{ index: number, label: string, text: string }[]} [chart.marks] each before the window of its index
 */
export function lineChart({ id, title, description, windows, series, range, ticks, format, height = 200, marks = [] }) {
  const [low, high] = range;
  const y = (value) => Number((top + (height * (high - value)) / (high - low)).toFixed(1));
  const x = (index) => Number(((100 * (index + 0.5)) / windows.length).toFixed(2));
  const svg = svgElement(
    "svg",
    {
      class: "chart",
      role: "img",
      width: "100%",
      height: top + height + below,
      "aria-labelledby": `${id}-title ${id}-text`,
    },
    svgElement("title", { id: `${id}-title` }, title),
    svgElement("desc", { id: `${id}-text` }, description),
  );
  for (const tick of ticks) {
    svg.append(
      svgElement("line", { class: tick === 0 ? "axis" : "grid", x1: 0, x2: "100%", y1: y(tick), y2: y(tick) }),
      svgElement("text", { class: "tick", x: 0, dx: -8, y: y(tick) + 4, "text-anchor": "end" }, format(tick)),
    );
  }
  svg.append(...dates(windows, x, top + height + 20), ...verticals(marks, windows.length, height));
  const open = windows.map(({ final }) => !final);
  for (const one of series.toReversed()) svg.append(drawn(one, { open, x, y, bottom: top + height }));
  return svg;
}

/** Round numbers from `low` to `high` or a little beyond, four to seven. */
export function ticksOver(low, high) {
  const rough = Math.max(high - low, 1e-9) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  const [first, last] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function dates(windows, x, y) {
  const step = Math.max(1, Math.ceil(windows.length / mostDates));
  const text = dateText(windows);
  return windows.flatMap(({ startMs }, index) =>
    index % step === Math.floor(((windows.length - 1) % step) / 2)
      ? [svgElement("text", { class: "tick", x: `${x(index)}%`, y, "text-anchor": "middle" }, text(startMs))]
      : [],
  );
}

/** As short as tells the windows apart. */
function dateText(windows) {
  const spanMs = windows[windows.length - 1].endMs - windows[0].startMs;
  if (spanMs <= 2 * dayMs) return (ms) => new Date(ms).toISOString().slice(11, 16);
  return spanMs > 300 * dayMs ? (ms) => isoDate(ms).slice(0, 7) : (ms) => isoDate(ms).slice(5);
}

function verticals(marks, count, height) {
  let labelled = Number.NEGATIVE_INFINITY;
  return marks.flatMap(({ index, label, text }) => {
    const at = (100 * index) / count;
    const line = { class: "mark", x1: `${at}%`, x2: `${at}%`, y1: top, y2: top + height };
    const drawnLine = svgElement("line", line, svgElement("title", {}, text));
    if (at - labelled < labelDistance) return [drawnLine];
    labelled = at;
    return [drawnLine, svgElement("text", { class: "tick", x: `${at}%`, y: top - 6, "text-anchor": "middle" }, label)];
  });
}

function drawn({ tone, values, intervals = [] }, { open, x, y, bottom }) {
  const known = values.flatMap((value, index) => (value === null ? [] : [{ value, index }]));
  const group = svgElement("g", { class: tone });
  // Lines cannot have percentages, so they lie in a picture of 100 by its height that is stretched to the plot.
  const stretched = { width: "100%", height: bottom, viewBox: `0 0 100 ${bottom}`, preserveAspectRatio: "none" };
  const points = known.map(({ value, index }) => `${x(index)},${y(value)}`).join(" ");
  const bands = runs(intervals).map((run) => {
    const [lows, highs] = [0, 1].map((side) => run.map((index) => `${x(index)},${y(intervals[index][side])}`));
    return svgElement("polygon", { class: "band", points: [...highs, ...lows.toReversed()].join(" ") });
  });
  group.append(svgElement("svg", stretched, ...bands, svgElement("polyline", { class: "curve", points })));
  for (const [index] of runs(intervals).filter(({ length }) => length === 1)) {
    const [low, high] = intervals[index];
    const at = `${x(index)}%`;
    group.append(svgElement("line", { class: "whisker", x1: at, x2: at, y1: y(low), y2: y(high) }));
  }
  const radius = (intervals.length > 0 ? 4.5 : 3) * (values.length > 120 ? 0.4 : values.length > 40 ? 0.65 : 1);
  for (const { value, index } of known) {
    const kind = open[index] ? "dot open" : "dot";
    const r = open[index] ? Math.max(radius, 3.5) : radius;
    group.append(svgElement("circle", { class: kind, cx: `${x(index)}%`, cy: y(value), r }));
  }
  return group;
}

/** Indices of neighbours that have an interval. */
function runs(intervals) {
  const found = [];
  intervals.forEach((interval, index) => {
    if (interval === null) return;
    if (index > 0 && intervals[index - 1] !== null) found[found.length - 1].push(index);
    else found.push([index]);
  });
  return found;
}
