/** Dot-and-whisker: one row a model, its value as a dot and its interval as a line. */
import { type Html, html } from "../html.ts";
import { type ChartText, chartFrame } from "./frame.ts";
import { type Axis, across, position, shortLabel } from "./scale.ts";

export interface DotRow {
  readonly label: string;
  readonly value: number;
  readonly interval: readonly [number, number] | null;
  /** Class that carries the colour. */
  readonly tone: string;
  /** A second value, hollow and below the first. */
  readonly second?: { readonly value: number; readonly interval: readonly [number, number] };
}

export interface DotChart {
  readonly text: ChartText;
  readonly rows: readonly DotRow[];
  readonly axis: Axis;
  /** Text of a value beside its dot. */
  readonly valueText: (value: number) => string;
  /** Text of an axis tick. */
  readonly tickText: (value: number) => string;
  /** A value to compare with, drawn as a dashed line through all rows; an empty label where a row says what it is. */
  readonly reference: { readonly value: number; readonly label: string } | null;
}

const rowHeight = 50;
const top = 20;
const dotRadius = 5;
const longestLabel = 20;

export function dotChart(chart: DotChart): Html {
  const { axis, rows, reference } = chart;
  const bottom = top + rows.length * rowHeight;
  const grid = axis.ticks.map((tick) => {
    const x = across(position(axis, tick));
    return html`<line class="grid" x1="${x}" x2="${x}" y1="${top}" y2="${bottom}"/>
<text class="tick" x="${x}" y="${bottom + 18}" text-anchor="middle">${chart.tickText(tick)}</text>`;
  });
  const content = [grid, reference === null ? null : referenceLine(axis, reference, bottom)];
  const dots = rows.map((row, index) => dotRow(chart, row, top + index * rowHeight));
  return chartFrame(chart.text, bottom + 26, [...content, ...dots]);
}

function referenceLine(axis: Axis, { value, label }: { value: number; label: string }, bottom: number): Html {
  const at = position(axis, value);
  const x = across(at);
  return html`<line class="reference" x1="${x}" x2="${x}" y1="${top - 4}" y2="${bottom}"/>
${label === "" ? null : html`<text class="tick" x="${x}" y="${top - 8}" text-anchor="${anchorAt(at, label.length)}">${label}</text>`}`;
}

function dotRow({ axis, valueText }: DotChart, row: DotRow, y: number): Html {
  const at = position(axis, row.value);
  const x = across(at);
  const dotY = y + 34;
  const name = shortLabel(row.label, longestLabel);
  const value = valueText(row.value);
  return html`<g class="${row.tone}"><title>${row.label}: ${value}</title>
<text class="label" x="${x}" y="${y + 21}" text-anchor="${anchorAt(at, name.length + value.length)}"><tspan class="name">${name}</tspan> ${value}</text>
${row.interval === null ? null : whisker(axis, row.interval, dotY)}
<circle class="dot" cx="${x}" cy="${dotY}" r="${dotRadius}"/>${row.second === undefined ? null : secondMark(axis, row.second, dotY + 11)}</g>`;
}

function secondMark(axis: Axis, { value, interval }: NonNullable<DotRow["second"]>, y: number): Html {
  const [x1, x2] = interval.map((end) => across(position(axis, end)));
  return html`<line class="whisker second" x1="${x1}" x2="${x2}" y1="${y}" y2="${y}"/>
<circle class="hollow" cx="${across(position(axis, value))}" cy="${y}" r="${dotRadius - 1}"/>`;
}

function whisker(axis: Axis, [low, high]: readonly [number, number], y: number): Html {
  const x1 = across(position(axis, low));
  const x2 = across(position(axis, high));
  return html`<line class="whisker" x1="${x1}" x2="${x2}" y1="${y}" y2="${y}"/>
<line class="whisker" x1="${x1}" x2="${x1}" y1="${y - 4}" y2="${y + 4}"/><line class="whisker" x1="${x2}" x2="${x2}" y1="${y - 4}" y2="${y + 4}"/>`;
}

/** A label that would stick out of a phone's plot, about 290 pixels wide, grows inwards. */
function anchorAt(percent: number, characters: number): "start" | "middle" | "end" {
  const half = Math.min(50, (100 * 4.3 * characters) / 290);
  if (percent < half) return "start";
  return percent > 100 - half ? "end" : "middle";
}
