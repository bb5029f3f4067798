/** What all charts share: a named, described SVG that is as wide as its place on the page. */
import { type Html, type HtmlPart, html } from "../html.ts";
import { popularityName } from "../verdicts.ts";

export interface ChartText {
  /** Unique in the document. */
  readonly id: string;
  /** What the chart shows, in a few words. */
  readonly title: string;
  /** What a reader sees in it, with its figures, for those who cannot see it. */
  readonly description: string;
}

/** An SVG without a view box: x coordinates are percentages, y coordinates pixels, so text keeps its size on a phone. */
export function chartFrame(text: ChartText, heightPx: number, content: HtmlPart): Html {
  return html`<svg class="chart" role="img" width="100%" height="${heightPx}" aria-labelledby="${text.id}-t ${text.id}-d">
<title id="${text.id}-t">${text.title}</title><desc id="${text.id}-d">${text.description}</desc>
${content}</svg>`;
}

/** Which colour a model has everywhere on the page: popularity is grey, the others follow the order of the report. */
export function toneOf(name: string, names: readonly string[]): string {
  if (name === popularityName) return "pop";
  return `m${names.filter((n) => n !== popularityName).indexOf(name) % toneCount}`;
}

/** Colours in the style sheet: m0 … m8. */
const toneCount = 9;

/** A bar from zero inside a table cell; the number beside it says the value. */
export function bar(share: number): Html {
  const percent = Number((100 * Math.max(0, Math.min(1, share))).toFixed(2));
  return html`<svg class="bar" aria-hidden="true" width="100%" height="10"><rect width="${percent}%" height="10" rx="1"/></svg>`;
}
