/** HR@10 window by window, with popularity beside it: as a picture, and as a table of its figures. */
import { counted, element, isoDate, svgElement } from "./dom.js";

const top = 14;
const plotHeight = 200;
const mostDates = 4;

/** @param {object[]} windows window reports, oldest first */
export function windowsView(windows) {
  const tested = windows.filter(({ cases, hrAt10 }) => cases > 0 && hrAt10 !== null);
  if (tested.length === 0) return [noWindows()];
  const last = tested[tested.length - 1];
  return [
    element(
      "figure",
      {},
      element(
        "figcaption",
        {},
        element(
          "span",
          { class: "m0" },
          element("span", { class: "key" }),
          element("span", { class: "name" }, "The model"),
        ),
        " and ",
        element(
          "span",
          { class: "pop" },
          element("span", { class: "key" }),
          element("span", { class: "name" }, "popularity"),
        ),
        `, share of interactions that were among the ten best of 100 candidates (HR@10) before they were learnt from. Whiskers: 95 % intervals. ${lastWords(last)}`,
      ),
      element("div", { class: "plot windows" }, chart(tested)),
    ),
    table(tested),
  ];
}

function noWindows() {
  return element(
    "p",
    {},
    "No windows yet: no stream of interactions has been tested against this model. Once one is, its hit ratio stands here, window by window, beside that of popularity.",
  );
}

function lastWords({ hrAt10, popularity, cases }) {
  return `In the latest, ${percent(hrAt10)} against ${percent(popularity.hrAt10)} in ${counted(cases, "case", "cases")}.`;
}

function chart(windows) {
  const highest = Math.max(
    ...windows.map(({ hrAt10, hrAt10Interval, popularity }) =>
      Math.max(hrAt10, hrAt10Interval?.[1] ?? 0, popularity.hrAt10 ?? 0),
    ),
  );
  const tickStep = highest > 0.5 ? 0.2 : highest > 0.2 ? 0.1 : 0.05;
  const scale = Math.min(1, Math.max(tickStep, Math.ceil(highest / tickStep - 1e-9) * tickStep));
  const y = (share) => Number((top + plotHeight * (1 - share / scale)).toFixed(1));
  const x = (index) => Number(((100 * (index + 0.5)) / windows.length).toFixed(2));
  const svg = svgElement(
    "svg",
    {
      class: "chart",
      role: "img",
      width: "100%",
      height: top + plotHeight + 28,
      "aria-labelledby": "windows-title windows-text",
    },
    svgElement("title", { id: "windows-title" }, "HR@10 by window"),
    svgElement(
      "desc",
      { id: "windows-text" },
      `${counted(windows.length, "window", "windows")}. ${lastWords(windows[windows.length - 1])}`,
    ),
  );
  for (let tick = 0; tick <= scale + 1e-9; tick += tickStep) {
    svg.append(
      svgElement("line", { class: "grid", x1: 0, x2: "100%", y1: y(tick), y2: y(tick) }),
      svgElement("text", { class: "tick", x: 0, dx: -8, y: y(tick) + 4, "text-anchor": "end" }, tick.toFixed(2)),
    );
  }
  svg.append(...dateTicks(windows, x));
  svg.append(
    series(
      "pop",
      windows.map(({ popularity }) => ({ value: popularity.hrAt10, interval: null })),
      x,
      y,
    ),
  );
  svg.append(
    series(
      "m0",
      windows.map(({ hrAt10, hrAt10Interval }) => ({ value: hrAt10, interval: hrAt10Interval })),
      x,
      y,
    ),
  );
  return svg;
}

function dateTicks(windows, x) {
  const step = Math.max(1, Math.ceil(windows.length / mostDates));
  return windows.flatMap(({ startMs }, index) =>
    index % step === Math.floor(((windows.length - 1) % step) / 2)
      ? [
          svgElement(
            "text",
            { class: "tick", x: `${x(index)}%`, y: top + plotHeight + 20, "text-anchor": "middle" },
            isoDate(startMs).slice(0, 7),
          ),
        ]
      : [],
  );
}

/** A line cannot have percentages, so it lies in a nested picture of 100 by its height that is stretched to the plot. */
function series(tone, values, x, y) {
  const known = values.map((entry, index) => ({ ...entry, index })).filter(({ value }) => value !== null);
  const group = svgElement("g", { class: tone });
  group.append(
    svgElement(
      "svg",
      { width: "100%", height: top + plotHeight, viewBox: `0 0 100 ${top + plotHeight}`, preserveAspectRatio: "none" },
      svgElement("polyline", {
        class: "curve",
        points: known.map(({ value, index }) => `${x(index)},${y(value)}`).join(" "),
      }),
    ),
  );
  for (const { value, interval, index } of known) {
    const at = `${x(index)}%`;
    if (interval !== null) {
      group.append(svgElement("line", { class: "whisker", x1: at, x2: at, y1: y(interval[0]), y2: y(interval[1]) }));
    }
    group.append(svgElement("circle", { class: "dot", cx: at, cy: y(value), r: tone === "pop" ? 3 : 4.5 }));
  }
  return group;
}

function table(windows) {
  const rows = windows
    .toReversed()
    .map(({ startMs, endMs, final, hrAt10, hrAt10Interval, popularity, cases }) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, `${isoDate(startMs)} to ${isoDate(endMs)}${final ? "" : " (open)"}`),
        element("td", {}, percent(hrAt10)),
        element(
          "td",
          {},
          hrAt10Interval === null ? "" : `${percent(hrAt10Interval[0])} to ${percent(hrAt10Interval[1])}`,
        ),
        element("td", {}, percent(popularity.hrAt10)),
        element("td", {}, cases.toLocaleString("en")),
      ),
    );
  const heads = ["Window", "HR@10", "95 % interval", "Popularity", "Cases"].map((head) =>
    element("th", { scope: "col" }, head),
  );
  return element(
    "details",
    {},
    element("summary", {}, "The figures"),
    element(
      "div",
      { class: "scroll" },
      element(
        "table",
        { class: "numbers" },
        element("thead", {}, element("tr", {}, ...heads)),
        element("tbody", {}, ...rows),
      ),
    ),
  );
}

function percent(share) {
  return share === null ? "–" : `${(100 * share).toFixed(1)} %`;
}
