/** All models side by side: ranking quality, lead over popularity, and a table with every figure. */
import { dotChart } from "../charts/dots.ts";
import { toneOf } from "../charts/frame.ts";
import { axisFor } from "../charts/scale.ts";
import { type Html, html, prose } from "../html.ts";
import { percent, pValueText, signedPoints } from "../number-text.ts";
import type { Report, ReportModel } from "../report.ts";
import { popularityName, ranked } from "../verdicts.ts";
import { cardTable, figure, section } from "./section.ts";

export function modelsSection(report: Report): Html {
  const { models } = report;
  const content = [
    html`<div class="pair">${ndcgFigure(models)}${leadFigure(models)}</div>`,
    modelTable(models),
    tiesText(models),
    seedsPart(models),
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

const columns = [
  "Model",
  "HR@10",
  "NDCG@10",
  "Full catalogue HR@10",
  "its estimate",
  "Full catalogue NDCG@10",
  "Lead over popularity",
];

function modelTable(models: readonly ReportModel[]): Html {
  const names = models.map((m) => m.name);
  const rows = ranked(models).map((m) => ({
    tone: toneOf(m.name, names),
    cells: [
      m.name,
      html`<b>${percent(m.hrAt10)}</b> <small>${percentRange(m.hrAt10Interval)}</small>`,
      html`<b>${m.ndcgAt10.toFixed(3)}</b> <small>${intervalText(m.ndcgAt10Interval)}</small>`,
      html`${percent(m.fullCatalogue.hrAt10)} <small>${percentRange(m.fullCatalogue.hrAt10Interval)}</small>`,
      html`${percent(m.corrected.hrAt10)} <small>${percentRange(m.corrected.hrAt10Interval)}</small>`,
      html`${m.fullCatalogue.ndcgAt10.toFixed(3)} <small>${intervalText(m.fullCatalogue.ndcgAt10Interval)}</small>`,
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

/** In percent; an estimate's may go below zero. */
function percentRange(interval: readonly [number, number]): string {
  return interval.map((end) => (100 * end).toFixed(1).replace("-", "−")).join("–");
}

function intervalText([low, high]: readonly [number, number]): string {
  return `${low.toFixed(3)}–${high.toFixed(3)}`;
}

/** Mean and spread of what was trained under several seeds. */
function seedsPart(models: readonly ReportModel[]): Html | null {
  const names = models.map((m) => m.name);
  const seeded = ranked(models).flatMap((m) => (m.seeds === null ? [] : [{ name: m.name, ...m.seeds }]));
  if (seeded.length === 0) return null;
  const text = (spread: NonNullable<ReportModel["seeds"]>["hrAt10"]): Html =>
    html`<b>${spread.mean.toFixed(3)}</b> <small>± ${spread.standardDeviation.toFixed(3)}</small>`;
  const rows = seeded.map(({ name, seeds, hrAt10, ndcgAt10, fullCatalogueHrAt10 }) => ({
    tone: toneOf(name, names),
    cells: [name, seeds.length, text(hrAt10), text(ndcgAt10), text(fullCatalogueHrAt10)],
  }));
  return html`${cardTable("Trained under several seeds: mean and standard deviation", ["Model", "Seeds", "HR@10", "NDCG@10", "Full catalogue HR@10"], rows)}
<p class="note">${prose(`All other figures are those of the first seed, ${seeded[0].seeds[0]}. A model that draws nothing at random is fitted once.`)}</p>
`;
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
