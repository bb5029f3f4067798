/** All models side by side: ranking quality, lead over popularity, and a table with every figure. */
import { dotChart } from "../charts/dots.ts";
import { toneOf } from "../charts/frame.ts";
import { axisFor } from "../charts/scale.ts";
import { type Html, html, prose } from "../html.ts";
import { grouped, percent, pValueText, signedPoints } from "../number-text.ts";
import type { Report, ReportModel } from "../report.ts";
import { popularityName, ranked } from "../verdicts.ts";
import { cardTable, figure, paragraph, section } from "./section.ts";

export function modelsSection(report: Report): Html {
  const { models } = report;
  const content = [
    html`<div class="pair">${ndcgFigure(models)}${leadFigure(models)}</div>`,
    modelTable(models),
    paragraph(fullCatalogueText(report)),
    tiesText(models),
  ];
  return section("models", "Side by side", content);
}

function ndcgFigure(models: readonly ReportModel[]): Html {
  const names = models.map((m) => m.name);
  const chart = dotChart({
    text: {
      id: "ndcg",
      title: "NDCG@10 of each model with its 95 % interval",
      description: models
        .map((m) => `${m.name} ${m.ndcgAt10.toFixed(3)}, interval ${intervalText(m.ndcgAt10Interval)}`)
        .join("; "),
    },
    rows: ranked(models).map((m) => ({
      label: m.name,
      value: m.ndcgAt10,
      interval: m.ndcgAt10Interval,
      tone: toneOf(m.name, names),
    })),
    axis: axisFor(
      models.flatMap((m) => [...m.ndcgAt10Interval]),
      { minSpan: 0.1, bounds: [0, 1], steps: 4 },
    ),
    valueText: (value) => value.toFixed(3),
    tickText: (value) => value.toFixed(2),
    reference: null,
  });
  return figure(
    html`<strong>NDCG@10.</strong> Like the hit ratio, but a hit counts more the higher it stands: 1 on the first place, 0.29 on the tenth.`,
    html`<div class="plot">${chart}</div>`,
  );
}

function leadFigure(models: readonly ReportModel[]): Html | null {
  const compared = ranked(models).flatMap((m) =>
    m.versusPopularity === null ? [] : [{ name: m.name, ...m.versusPopularity }],
  );
  if (compared.length === 0) return null;
  const names = models.map((m) => m.name);
  const chart = dotChart({
    text: {
      id: "lead",
      title: "Lead over popularity in HR@10, in points, with its 95 % interval",
      description: compared.map((c) => `${c.name} ${signedPoints(c.difference)}, ${pValueText(c.pValue)}`).join("; "),
    },
    rows: compared.map((c) => ({
      label: c.name,
      value: c.difference,
      interval: c.interval,
      tone: toneOf(c.name, names),
    })),
    axis: axisFor([0, ...compared.flatMap((c) => [c.difference, ...(c.interval ?? [])])], { minSpan: 0.05, steps: 4 }),
    valueText: signedPoints,
    tickText: signedPoints0,
    reference: { value: 0, label: popularityName },
  });
  return figure(
    html`<strong>Lead over popularity</strong>, in points of HR@10, on the same users and candidates. An interval that holds zero may be chance.`,
    html`<div class="plot">${chart}</div>`,
  );
}

function signedPoints0(value: number): string {
  return value === 0 ? "0" : signedPoints(value).replace(/\.0$/, "");
}

const columns = ["Model", "HR@10", "NDCG@10", "Full catalogue HR@10", "Full catalogue NDCG@10", "Lead over popularity"];

function modelTable(models: readonly ReportModel[]): Html {
  const names = models.map((m) => m.name);
  const rows = ranked(models).map((m) => ({
    tone: toneOf(m.name, names),
    cells: [
      m.name,
      html`<b>${percent(m.hrAt10)}</b> <small>${(100 * m.hrAt10Interval[0]).toFixed(1)}–${(100 * m.hrAt10Interval[1]).toFixed(1)}</small>`,
      html`<b>${m.ndcgAt10.toFixed(3)}</b> <small>${intervalText(m.ndcgAt10Interval)}</small>`,
      percent(m.fullCatalogue.hrAt10),
      m.fullCatalogue.ndcgAt10.toFixed(3),
      leadCell(m),
    ],
  }));
  return cardTable("Every model, with 95 % intervals", columns, rows);
}

function leadCell({ versusPopularity: versus }: ReportModel): Html {
  if (versus === null) return html`–`;
  const interval =
    versus.interval === null ? "" : `${signedPoints(versus.interval[0])} to ${signedPoints(versus.interval[1])}, `;
  return html`<b>${signedPoints(versus.difference)}</b> <small>${interval}${prose(pValueText(versus.pValue))}</small>`;
}

function intervalText([low, high]: readonly [number, number]): string {
  return `${low.toFixed(3)}–${high.toFixed(3)}`;
}

function fullCatalogueText({ dataset, models, protocol }: Report): string {
  const cases = models[0].fullCatalogue.cases;
  const whom =
    cases < dataset.sample.testedUsers
      ? `for ${grouped(cases)} of the tested users, drawn by seed`
      : `for all ${grouped(cases)} tested users`;
  return `Ranking among ${protocol.candidates + 1} is a much easier game than ranking everything: the full-catalogue columns rank the held-out item against all ${grouped(dataset.sample.items)} but those the user knows, ${whom}. Figures from the two games must never be compared with each other.`;
}

/** Ties matter where the best and the worst order differ by half a point or more. */
function tiesText(models: readonly ReportModel[]): Html | null {
  const tied = models.filter((m) => m.hrAt10Optimistic - m.hrAt10Pessimistic >= 0.005);
  if (tied.length === 0) return null;
  const list = tied
    .map((m) => `${m.name} ${percent(m.hrAt10Pessimistic)} to ${percent(m.hrAt10Optimistic)}`)
    .join(", ");
  return html`<p>${prose(`Equal scores are counted as a random order would have them. Broken all against or all for the model, HR@10 would range: ${list}.`)}</p>
`;
}
