/** Two figures of each model against each other, with its name at the right edge and a thin line to it. */
import { type Html, html } from "../html.ts";
import { type ChartText, chartFrame } from "./frame.ts";
import { type Axis, across, position, shortLabel, spread } from "./scale.ts";

export interface ScatterPoint {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly tone: string;
}

export interface ScatterChart {
  readonly text: ChartText;
  readonly points: readonly ScatterPoint[];
  readonly xAxis: Axis;
  readonly yAxis: Axis;
  /** What the x axis says, below its ticks. */
  readonly xName: string;
  readonly tickText: (value: number) => string;
}

const top = 14;
const labelGap = 16;
/** Lines to the names end here, just before them. */
const lineEnd = 100;

export function scatterChart({ text, points, xAxis, yAxis, xName, tickText }: ScatterChart): Html {
  const plotHeight = Math.max(220, labelGap * points.length);
  const bottom = top + plotHeight;
  const y = (value: number): number => Number((top + (plotHeight * (100 - position(yAxis, value))) / 100).toFixed(1));
  const rows = yAxis.ticks.map(
    (tick) => html`<line class="grid" x1="0" x2="100%" y1="${y(tick)}" y2="${y(tick)}"/>
<text class="tick" x="0" dx="-8" y="${y(tick) + 4}" text-anchor="end">${tickText(tick)}</text>`,
  );
  const columns = xAxis.ticks.map((tick) => {
    const x = across(position(xAxis, tick));
    return html`<line class="grid" x1="${x}" x2="${x}" y1="${top}" y2="${bottom}"/>
<text class="tick" x="${x}" y="${bottom + 18}" text-anchor="middle">${tickText(tick)}</text>`;
  });
  const name = html`<text class="tick" x="100%" y="${bottom + 36}" text-anchor="end">${xName}</text>`;
  const heights = within(
    spread(
      points.map((point) => y(point.y)),
      labelGap,
    ),
    top,
    bottom,
  );
  const lines = points.map(
    (point, i) =>
      html`<line class="leader ${point.tone}" x1="${across(position(xAxis, point.x))}" y1="${y(point.y)}" x2="${across(lineEnd)}" y2="${heights[i]}"/>`,
  );
  const marks = points.map(
    (
      point,
      i,
    ) => html`<g class="${point.tone}"><circle class="dot" cx="${across(position(xAxis, point.x))}" cy="${y(point.y)}" r="5.5"><title>${point.name}: ${tickText(point.x)}, ${tickText(point.y)}</title></circle>
<text class="label" x="100%" dx="6" y="${heights[i] + 4}"><tspan class="name">${shortLabel(point.name, 15)}</tspan></text></g>`,
  );
  return chartFrame(text, bottom + 44, [rows, columns, name, lines, marks]);
}

/** All moved alike so that the lowest and the highest lie within, as far as there is room. */
function within(heights: readonly number[], least: number, greatest: number): number[] {
  const [first, last] = [Math.min(...heights), Math.max(...heights)];
  const shift = last > greatest ? greatest - last : first < least ? least - first : 0;
  return heights.map((height) => Number((height + shift).toFixed(1)));
}
