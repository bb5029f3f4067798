/** The data: the paper's two figures, and what reading the source found. */
import { columnChart, histogramColumns } from "../charts/columns.ts";
import { bar } from "../charts/frame.ts";
import { type Html, html, prose } from "../html.ts";
import { compact, grouped, percent } from "../number-text.ts";
import type { Report } from "../report.ts";
import { itemNoun } from "../verdicts.ts";
import { figure, numbersBehind, numberTable, paragraph, section } from "./section.ts";

type Validation = Report["dataset"]["validation"];

/** More genres than this are summed up in a last row. */
const mostGenres = 30;

export function dataSection(report: Report): Html {
  const { dataset } = report;
  return section("data", "The data", [
    paragraph(sampleText(report)),
    ratingFigure(dataset.validation),
    genreFigure(dataset.genres),
    validationPart(dataset.validation, itemNoun(dataset)),
  ]);
}

function sampleText({ dataset, protocol }: Report): string {
  const { sample, validation, paperSampleMatched } = dataset;
  const noun = itemNoun(dataset);
  const parts = [
    `${dataset.name} was read from ${dataset.source} (${validation.format}): ${grouped(validation.rowsKept)} ratings by ${grouped(validation.users)} users of ${grouped(validation.items)} ${noun}s${timeRange(validation)}.`,
    `${protocol.split === "rolling" ? "At the last moment the" : "The"} sample has ${grouped(sample.users)} users and ${grouped(sample.items)} ${noun}s; ${grouped(sample.trainingInteractions)} interactions are for training and ${grouped(sample.testedUsers)} are held out.`,
  ];
  if (sample.coldTestItems > 0) {
    parts.push(
      `${grouped(sample.coldTestItems)} held-out ${noun}s have no training interaction, so no model that learns from history alone can know them.`,
    );
  }
  if (paperSampleMatched !== null) {
    parts.push(
      paperSampleMatched
        ? "This is the paper's own sample: 41,547 users and 6,027,314 ratings, as it reports."
        : "This is not the paper's sample: its 41,547 users and 6,027,314 ratings were not met.",
    );
  }
  return parts.join(" ");
}

function timeRange({ firstTimestampMs: first, lastTimestampMs: last }: Validation): string {
  if (first === null || last === null) return "";
  const [from, to] = [first, last].map((ms) => new Date(ms).toISOString().slice(0, 10));
  return `, from ${from} to ${to}`;
}

function ratingFigure({ ratingHistogram, rowsKept }: Validation): Html {
  if (ratingHistogram.length === 0) return paragraph("The source has no ratings, only interactions.");
  const columns = histogramColumns(ratingHistogram);
  const chart = columnChart(
    {
      id: "ratings",
      title: "Share of ratings by value",
      description: columns.map((c) => `${c.label}: ${grouped(c.count)}`).join("; "),
    },
    columns,
  );
  return html`${figure(
    html`<strong>How people rate</strong>, in percent of ${grouped(rowsKept)} ratings. The models do not see it: every rating counts as one interaction.`,
    chart,
  )}${numbersBehind(
    "The ratings by value",
    numberTable(
      "Ratings by value",
      ["Rating", "Count"],
      ratingHistogram.slice(0, 200).map((h) => [h.rating, grouped(h.count)]),
    ),
  )}`;
}

function genreFigure(genres: Report["dataset"]["genres"]): Html | null {
  if (genres.length === 0) return null;
  const ordered = [...genres].sort((a, b) => b.movies - a.movies || b.ratings - a.ratings);
  const shown = ordered.slice(0, mostGenres);
  const rest = ordered.slice(mostGenres);
  const rows = [...shown];
  if (rest.length > 0) {
    const sum = (pick: (g: (typeof rest)[number]) => number): number => rest.reduce((total, g) => total + pick(g), 0);
    rows.push({ genre: `${rest.length} more`, movies: sum((g) => g.movies), ratings: sum((g) => g.ratings) });
  }
  const mostMovies = Math.max(1, ...rows.map((g) => g.movies));
  const mostRatings = Math.max(1, ...rows.map((g) => g.ratings));
  const cell = (value: number, most: number): Html =>
    html`<td><span class="n">${value < 100_000 ? grouped(value) : compact(value)}</span>${bar(value / most)}</td>`;
  return figure(
    html`<strong>Genres</strong>, by listed movies and by ratings. A movie counts in each of its genres.`,
    html`<table class="bars"><thead><tr><th scope="col">Genre</th><th scope="col"><span class="n">Movies</span></th><th scope="col"><span class="n">Ratings</span></th></tr></thead>
<tbody>${rows.map(
      (g) => html`<tr><th scope="row">${g.genre}</th>${cell(g.movies, mostMovies)}${cell(g.ratings, mostRatings)}</tr>
`,
    )}</tbody></table>`,
  );
}

function validationPart(v: Validation, noun: string): Html {
  const rejectedShare = v.rowsRead === 0 ? 0 : v.rowsRejected / v.rowsRead;
  const findings: (readonly [string, number | null])[] = [
    ["Rows read", v.rowsRead],
    ["Rows kept", v.rowsKept],
    ["Rows rejected", v.rowsRejected],
    ["Repeated user and item pairs", v.repeatedPairs],
    ["Ratings outside 0.5 to 5", v.ratingsOutsideScale],
    ["Rows without a rating", v.ratingsMissing],
    [`Listed ${noun}s without a rating`, v.itemsWithoutRatings],
    [`Rated ${noun}s missing from the list`, v.itemsNotListed],
    ["Ids that hashed to the same number", v.idCollisions],
  ];
  const known = findings.flatMap(([name, count]) => (count === null ? [] : [[name, grouped(count)]]));
  const lead =
    v.rowsRejected === 0
      ? "Every row could be read."
      : `${grouped(v.rowsRejected)} of ${grouped(v.rowsRead)} rows (${rejectedShare < 0.0001 ? "under 0.01 %" : percent(rejectedShare, 2)}) could not be read and were left out.`;
  return html`<h3>What reading it found</h3>
${paragraph(lead)}${numberTable("Validation of the source", ["Finding", "Count"], known)}${v.rejected.map((r) => rejectedRows(r))}`;
}

function rejectedRows({ reason, count, examples }: Validation["rejected"][number]): Html {
  const shown = examples.length < count ? `, the first ${examples.length} shown` : "";
  return html`<details><summary>${prose(`Rejected: ${reason} (${grouped(count)}${shown})`)}</summary>
<table class="lines"><thead><tr><th scope="col">Line</th><th scope="col">Text</th></tr></thead>
<tbody>${examples.map(
    (e) => html`<tr><th scope="row">${grouped(e.line)}</th><td><code>${e.text}</code></td></tr>
`,
  )}</tbody></table></details>
`;
}
