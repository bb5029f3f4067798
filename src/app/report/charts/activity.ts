/** HR@10 by activity quartile: a model's line with its intervals, popularity's in grey beside it. */
import { type Html, html } from "../html.ts";
import { grouped, percent } from "../number-text.ts";
import type { ReportModel } from "../report.ts";
import { type ChartText, chartFrame } from "./frame.ts";
import { type Axis, across, position } from "./scale.ts";

export interface ActivityPanel {
  readonly text: ChartText;
  readonly model: ReportModel;
  readonly tone: string;
  /** Drawn beside it; null on popularity's own panel. */
  readonly popularity: ReportModel | null;
  readonly axis: Axis;
}

const top = 14;
const plotHeight = 170;
/** Popularity's marks stand this much left of the model's, so that whiskers do not cover each other. */
const dodge = 10;

export function activityPanel({ text, model, tone, popularity, axis }: ActivityPanel): Html {
  const y = (value: number): number => Number((top + (plotHeight * (100 - position(axis, value))) / 100).toFixed(1));
  const grid = axis.ticks.map(
    (tick) => html`<line class="grid" x1="0" x2="100%" y1="${y(tick)}" y2="${y(tick)}"/>
<text class="tick" x="0" y="${y(tick) - 4}">${percent(tick, 0)}</text>`,
  );
  const quartiles = model.byActivity.map((q) => {
    const x = across(quartileAt(q.quartile));
    const range =
      q.minTraining === q.maxTraining ? grouped(q.minTraining) : `${grouped(q.minTraining)}–${grouped(q.maxTraining)}`;
    return html`<text class="tick" x="${x}" y="${top + plotHeight + 18}" text-anchor="middle">${range}</text>`;
  });
  const ends = html`<text class="tick" x="0" y="${top + plotHeight + 36}">← least active</text>
<text class="tick" x="100%" y="${top + plotHeight + 36}" text-anchor="end">most active →</text>`;
  const marks = [
    popularity === null ? null : quartileMarks(popularity, "pop", -dodge / 2, y),
    quartileMarks(model, tone, popularity === null ? 0 : dodge / 2, y),
    valueLabels(model, popularity, y),
  ];
  return chartFrame(text, top + plotHeight + 44, [grid, quartiles, ends, marks]);
}

function quartileAt(quartile: number): number {
  return 16 + 24 * (quartile - 1);
}

function quartileMarks(model: ReportModel, tone: string, shift: number, y: (value: number) => number): Html {
  const marks = model.byActivity.map((q, index) => {
    const x = across(quartileAt(q.quartile));
    const next = model.byActivity[index + 1];
    const line =
      next === undefined
        ? null
        : html`<line class="line" x1="${x}" y1="${y(q.hrAt10)}" x2="${across(quartileAt(next.quartile))}" y2="${y(next.hrAt10)}"/>`;
    const whisker =
      q.interval === null
        ? null
        : html`<line class="whisker" x1="${x}" x2="${x}" y1="${y(q.interval[0])}" y2="${y(q.interval[1])}"/>`;
    return { line, whisker, dot: html`<circle class="dot" cx="${x}" cy="${y(q.hrAt10)}" r="4"/>` };
  });
  return html`<g class="${tone}" transform="translate(${shift} 0)">${marks.map((m) => m.line)}${marks.map((m) => m.whisker)}${marks.map((m) => m.dot)}</g>`;
}

/** The model's values in percent, on the side of its line where popularity's is not. */
function valueLabels(model: ReportModel, popularity: ReportModel | null, y: (value: number) => number): Html[] {
  return model.byActivity.map((q) => {
    const other = popularity?.byActivity.find((p) => p.quartile === q.quartile);
    const below = other !== undefined && other.hrAt10 > q.hrAt10 && y(q.hrAt10) < top + plotHeight - 16;
    const x = across(quartileAt(q.quartile));
    return html`<text class="value" x="${x}" dx="${popularity === null ? 7 : 7 + dodge / 2}" y="${y(q.hrAt10) + (below ? 13 : -5)}">${(100 * q.hrAt10).toFixed(0)}</text>`;
  });
}
