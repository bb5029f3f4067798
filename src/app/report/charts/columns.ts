/** Columns from zero: how often each rating was given. */
import { type Html, html } from "../html.ts";
import { type ChartText, chartFrame } from "./frame.ts";
import { across } from "./scale.ts";

export interface Column {
  readonly label: string;
  readonly count: number;
}

const top = 20;
const plotHeight = 150;
const mostColumns = 12;

export function columnChart(text: ChartText, columns: readonly Column[]): Html {
  const total = Math.max(
    1,
    columns.reduce((sum, c) => sum + c.count, 0),
  );
  const highest = Math.max(1, ...columns.map((c) => c.count));
  const slot = 100 / columns.length;
  const drawn = columns.map((column, index) => {
    const height = Number(((plotHeight * column.count) / highest).toFixed(1));
    const y = top + plotHeight - height;
    const middle = across((index + 0.5) * slot);
    return html`<rect class="column" x="${across((index + 0.09) * slot)}" width="${across(0.82 * slot)}" y="${y}" height="${height}" rx="1"/>
<text class="value" x="${middle}" y="${y - 6}" text-anchor="middle">${shareText(column.count / total)}</text>
<text class="tick" x="${middle}" y="${top + plotHeight + 17}" text-anchor="middle">${column.label}</text>`;
  });
  const base = html`<line class="axis" x1="0" x2="100%" y1="${top + plotHeight}" y2="${top + plotHeight}"/>`;
  return chartFrame(text, top + plotHeight + 26, [drawn, base]);
}

/** A histogram as columns: a column a value, or a dozen equal ranges where there are more values than that. */
export function histogramColumns(histogram: readonly { readonly rating: number; readonly count: number }[]): Column[] {
  if (histogram.length <= mostColumns) return histogram.map((h) => ({ label: String(h.rating), count: h.count }));
  const low = histogram[0].rating;
  const span = histogram[histogram.length - 1].rating - low;
  const counts = new Array<number>(mostColumns).fill(0);
  for (const { rating, count } of histogram) {
    counts[Math.min(mostColumns - 1, Math.floor(((rating - low) / span) * mostColumns))] += count;
  }
  return counts.map((count, i) => ({ label: `${shortNumber(low + (i * span) / mostColumns)}+`, count }));
}

function shareText(share: number): string {
  return share > 0 && share < 0.005 ? "<1" : (100 * share).toFixed(0);
}

function shortNumber(value: number): string {
  return String(Number(value.toPrecision(2)));
}
