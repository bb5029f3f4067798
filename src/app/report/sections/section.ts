/** The page's building blocks: a section with its heading in the margin, a figure, a list of facts. */
import { type Html, type HtmlPart, html, prose } from "../html.ts";

export function section(id: string, title: string, content: HtmlPart): Html {
  return html`<section id="${id}" aria-labelledby="${id}-h">
<h2 id="${id}-h">${title}</h2>
<div class="body">${content}</div>
</section>
`;
}

/** A chart with what it shows said above it. */
export function figure(caption: HtmlPart, content: HtmlPart): Html {
  return html`<figure><figcaption>${caption}</figcaption>
${content}</figure>
`;
}

export function paragraph(text: string): Html {
  return html`<p>${prose(text)}</p>
`;
}

/** Terms with their explanations. */
export function terms(entries: readonly (readonly [term: string, text: HtmlPart])[]): Html {
  return html`<dl>${entries.map(
    ([term, text]) => html`<div><dt>${term}</dt><dd>${typeof text === "string" ? prose(text) : text}</dd></div>
`,
  )}</dl>
`;
}

/** A table that may be opened, with the numbers behind a chart. */
export function numbersBehind(summary: string, table: Html): Html {
  return html`<details><summary>${summary}</summary>
${table}</details>
`;
}

/**
 * A table whose rows turn into blocks of named values on a phone. The first cell names the row. The change of display
 * would take the table's meaning from a screen reader: hence the roles.
 */
export function cardTable(
  caption: string,
  head: readonly string[],
  rows: readonly { readonly tone: string; readonly cells: readonly HtmlPart[] }[],
): Html {
  return html`<table class="cards" role="table"><caption>${caption}</caption>
<thead role="rowgroup"><tr role="row">${head.map((h) => html`<th role="columnheader" scope="col">${h}</th>`)}</tr></thead>
<tbody role="rowgroup">${rows.map(
    ({
      tone,
      cells: [name, ...cells],
    }) => html`<tr role="row" class="${tone}"><th role="rowheader" scope="row"><span class="name">${name}</span></th>${cells.map(
      (cell, index) => html`<td role="cell" data-label="${head[index + 1]}"><span>${cell}</span></td>`,
    )}</tr>
`,
  )}</tbody></table>
`;
}

/** A plain table: the first column names the row, the others are numbers. */
export function numberTable(caption: string, head: readonly string[], rows: readonly (readonly HtmlPart[])[]): Html {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table class="numbers"><caption>${caption}</caption>
<thead><tr>${head.map((h) => html`<th scope="col">${h}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([name, ...cells]) => html`<tr><th scope="row">${name}</th>${cells.map((c) => html`<td>${c}</td>`)}</tr>
`,
  )}</tbody></table></div>
`;
}
