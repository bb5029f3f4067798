/** Training loss over epochs, one line a model, named where it ends. */
import { log } from "../../../core/math.ts";
import { type Html, html } from "../html.ts";
import type { ReportTraining } from "../report.ts";
import { type ChartText, chartFrame } from "./frame.ts";
import { type Axis, across, axisFor, position, shortLabel, spread } from "./scale.ts";

export interface LossSeries {
  readonly name: string;
  readonly tone: string;
  readonly training: ReportTraining;
}

interface Point {
  readonly epoch: number;
  readonly loss: number;
}

const top = 16;
const plotHeight = 210;
const labelGap = 15;
/** Lines that end beyond this, in percent of the plot, have their names beside one another. */
const nearEdge = 80;

/**
 * The loss of a model that always answers the share of positives, p = 1 / (1 + negatives):
 * −p log p − (1 − p) log(1 − p).
 */
export function baseRateLoss(negatives: number): number {
  const p = 1 / (1 + negatives);
  return p === 1 ? 0 : -p * log(p) - (1 - p) * log(1 - p);
}

export function lossChart(text: ChartText, series: readonly LossSeries[], negatives: number): Html {
  const baseRate = baseRateLoss(negatives);
  const lines = series.map((s) => ({ ...s, points: pointsOf(s.training) }));
  const xAxis: Axis = { low: 0, high: Math.max(1, ...series.map((s) => s.training.epochs)), ticks: [] };
  const yAxis = axisFor([0, baseRate, ...lines.flatMap((l) => l.points.map((p) => p.loss))]);
  const y = (loss: number): number => Number((top + (plotHeight * (100 - position(yAxis, loss))) / 100).toFixed(1));
  const grid = yAxis.ticks.map(
    (tick) => html`<line class="grid" x1="0" x2="100%" y1="${y(tick)}" y2="${y(tick)}"/>
<text class="tick" x="0" dx="-8" y="${y(tick) + 4}" text-anchor="end">${tick.toFixed(1)}</text>`,
  );
  const reference = html`<line class="reference" x1="0" x2="100%" y1="${y(baseRate)}" y2="${y(baseRate)}"/>`;
  const curves = lines.map((l) => curve(l.tone, l.points, xAxis, yAxis));
  // An epoch's mean stands in the middle of the epoch, where the loss was about that.
  const dots = lines.map(
    (l) =>
      html`<g class="${l.tone}">${l.training.losses.map((p) => html`<circle class="dot" cx="${across(position(xAxis, p.epoch - 0.5))}" cy="${y(p.loss)}" r="3"><title>${l.name}, epoch ${p.epoch}: ${p.loss.toFixed(4)}</title></circle>`)}</g>`,
  );
  return chartFrame(text, top + plotHeight + 28, [
    grid,
    epochTicks(xAxis),
    reference,
    curves,
    dots,
    endLabels(lines, baseRate, xAxis, y),
  ]);
}

/** The fine curve where there is one, else the epochs' means. */
function pointsOf({ curve, losses, steps, epochs }: ReportTraining): Point[] {
  if (curve.length < 2 || steps === 0) return losses.map((p) => ({ epoch: p.epoch - 0.5, loss: p.loss }));
  return curve.map((p) => ({ epoch: (p.step * epochs) / steps, loss: p.loss }));
}

/** A line cannot have percentages, so it lies in a nested picture of 100 by 100 that is stretched to the plot. */
function curve(tone: string, points: readonly Point[], xAxis: Axis, yAxis: Axis): Html {
  const path = points
    .map((p) => `${position(xAxis, p.epoch).toFixed(2)},${(100 - position(yAxis, p.loss)).toFixed(2)}`)
    .join(" ");
  return html`<svg class="${tone}" x="0" y="${top}" width="100%" height="${plotHeight}" viewBox="0 0 100 100" preserveAspectRatio="none"><polyline class="curve" points="${path}"/></svg>`;
}

function epochTicks(xAxis: Axis): Html[] {
  const step = Math.ceil(xAxis.high / 10);
  const ticks: Html[] = [];
  for (let epoch = step; epoch <= xAxis.high; epoch += step) {
    ticks.push(
      html`<text class="tick" x="${across(position(xAxis, epoch - 0.5))}" y="${top + plotHeight + 18}" text-anchor="middle">${epoch}</text>`,
    );
  }
  const name = html`<text class="tick" x="100%" dx="8" y="${top + plotHeight + 18}">${xAxis.high === 1 ? "epoch" : "epochs"}</text>`;
  return [...ticks, name];
}

/** Names where the lines end; those at the right edge, the reference's among them, keep clear of one another. */
function endLabels(
  lines: readonly (LossSeries & { readonly points: readonly Point[] })[],
  baseRate: number,
  xAxis: Axis,
  y: (loss: number) => number,
): Html[] {
  const ends = lines.flatMap(({ name, tone, points }) =>
    points.length === 0 ? [] : [{ name, tone, ...points[points.length - 1] }],
  );
  const labels = [...ends, { name: "knowing nothing", tone: "pop", epoch: xAxis.high, loss: baseRate }].map(
    (label) => ({
      ...label,
      percent: position(xAxis, label.epoch),
      height: y(label.loss),
    }),
  );
  const atEdge = labels.filter((label) => label.percent > nearEdge);
  const moved = spread(
    atEdge.map((label) => label.height),
    labelGap,
  );
  return labels.map((label) => {
    const height = label.percent > nearEdge ? moved[atEdge.indexOf(label)] : label.height;
    return html`<g class="${label.tone}"><text class="label" x="${across(label.percent)}" dx="8" y="${(height + 4).toFixed(1)}"><tspan class="name">${shortLabel(label.name, 15)}</tspan><tspan class="wide"> ${label.loss.toFixed(3)}</tspan></text></g>`;
  });
}
