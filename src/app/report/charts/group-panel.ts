/** HR@10 by groups in an order: a model's line with its intervals, popularity's in grey beside it. */
import { type Html, html } from "../html.ts";
import { percent } from "../number-text.ts";
import { type ChartText, chartFrame } from "./frame.ts";
import { type Axis, across, position } from "./scale.ts";

export interface GroupMark {
  /** Told below the plot. */
  readonly label: string;
  readonly hrAt10: number;
  readonly interval: readonly [number, number] | null;
}

export interface GroupPanel {
  readonly text: ChartText;
  readonly model: readonly GroupMark[];
  readonly tone: string;
  /** The same groups, drawn beside it; null on popularity's own panel. */
  readonly popularity: readonly GroupMark[] | null;
  readonly axis: Axis;
  /** What the first and the last group are. */
  readonly ends: readonly [string, string];
}

const top = 14;
const plotHeight = 170;
/** Popularity's marks stand this much left of the model's, so that whiskers do not cover each other. */
const dodge = 10;

export function groupPanel({ text, model, tone, popularity, axis, ends }: GroupPanel): Html {
  const y = (value: number): number => Number((top + (plotHeight * (100 - position(axis, value))) / 100).toFixed(1));
  const grid = axis.ticks.map(
    (tick) => html`<line class="grid" x1="0" x2="100%" y1="${y(tick)}" y2="${y(tick)}"/>
<text class="tick" x="0" y="${y(tick) - 4}">${percent(tick, 0)}</text>`,
  );
  const labels = model.map(
    ({ label }, group) =>
      html`<text class="tick" x="${across(groupAt(group, model.length))}" y="${top + plotHeight + 18}" text-anchor="middle">${label}</text>`,
  );
  const sides = html`<text class="tick" x="0" y="${top + plotHeight + 36}">← ${ends[0]}</text>
<text class="tick" x="100%" y="${top + plotHeight + 36}" text-anchor="end">${ends[1]} →</text>`;
  const marks = [
    popularity === null ? null : groupMarks(popularity, "pop", -dodge / 2, y),
    groupMarks(model, tone, popularity === null ? 0 : dodge / 2, y),
    valueLabels(model, popularity, y),
  ];
  return chartFrame(text, top + plotHeight + 44, [grid, labels, sides, marks]);
}

/** Four groups lie at 16, 40, 64 and 88 %, others as evenly. */
function groupAt(group: number, groups: number): number {
  return groups === 1 ? 50 : 16 + (72 * group) / (groups - 1);
}

function groupMarks(groups: readonly GroupMark[], tone: string, shift: number, y: (value: number) => number): Html {
  const marks = groups.map(({ hrAt10, interval }, group) => {
    const x = across(groupAt(group, groups.length));
    const next = groups[group + 1];
    const line =
      next === undefined
        ? null
        : html`<line class="line" x1="${x}" y1="${y(hrAt10)}" x2="${across(groupAt(group + 1, groups.length))}" y2="${y(next.hrAt10)}"/>`;
    const whisker =
      interval === null
        ? null
        : html`<line class="whisker" x1="${x}" x2="${x}" y1="${y(interval[0])}" y2="${y(interval[1])}"/>`;
    return { line, whisker, dot: html`<circle class="dot" cx="${x}" cy="${y(hrAt10)}" r="4"/>` };
  });
  return html`<g class="${tone}" transform="translate(${shift} 0)">${marks.map((m) => m.line)}${marks.map((m) => m.whisker)}${marks.map((m) => m.dot)}</g>`;
}

/** The model's values in percent, on the side of its line where popularity's is not. */
function valueLabels(
  model: readonly GroupMark[],
  popularity: readonly GroupMark[] | null,
  y: (value: number) => number,
): Html[] {
  return model.map(({ hrAt10 }, group) => {
    const other = popularity?.[group];
    const below = other !== undefined && other.hrAt10 > hrAt10 && y(hrAt10) < top + plotHeight - 16;
    const x = across(groupAt(group, model.length));
    return html`<text class="value" x="${x}" dx="${popularity === null ? 7 : 7 + dodge / 2}" y="${y(hrAt10) + (below ? 13 : -5)}">${(100 * hrAt10).toFixed(0)}</text>`;
  });
}
