/** What the models recommend, apart from being right: how much of the catalogue, how well known, how mixed. */

import { toneOf } from "../charts/frame.ts";
import { axisFor } from "../charts/scale.ts";
import { scatterChart } from "../charts/scatter.ts";
import { type Html, html, prose } from "../html.ts";
import { axisPercent, grouped, percent } from "../number-text.ts";
import type { Report, ReportModel } from "../report.ts";
import { itemNoun, ranked } from "../verdicts.ts";
import { cardTable, figure, paragraph, section } from "./section.ts";

export function listsSection(report: Report): Html {
  const { models, dataset } = report;
  const noun = itemNoun(dataset);
  const [{ lists }] = models;
  return section("lists", "What is recommended", [
    paragraph(
      `A hit is not everything: a model that shows the same favourites to all leaves most of the catalogue in the dark. These are the lists of ten for ${grouped(lists.lists)} users, each the best of all that the user does not know.`,
    ),
    figure(
      html`<strong>Coverage against accuracy.</strong> ${prose(
        `Up: the share of the ${grouped(dataset.sample.items)} ${noun}s that is in somebody's list. To the right: HR@10 over the full catalogue.`,
      )}`,
      html`<div class="plot named">${coverageChart(models)}</div>`,
    ),
    listTable(models, noun),
  ]);
}

function coverageChart(models: readonly ReportModel[]): Html {
  const names = models.map(({ name }) => name);
  const points = ranked(models).map(({ name, lists, fullCatalogue }) => ({
    name,
    x: fullCatalogue.hrAt10,
    y: lists.coverage,
    tone: toneOf(name, names),
  }));
  return scatterChart({
    text: {
      id: "coverage",
      title: "Share of the catalogue that is recommended, against HR@10 over the full catalogue",
      description: points.map(({ name, x, y }) => `${name} covers ${percent(y)} at ${percent(x)}`).join("; "),
    },
    points,
    xAxis: axisFor([0, ...points.map(({ x }) => x)], { minSpan: 0.02, bounds: [0, 1], steps: 4 }),
    yAxis: axisFor([0, ...points.map(({ y }) => y)], { minSpan: 0.02, bounds: [0, 1], steps: 4 }),
    xName: "HR@10, all items",
    tickText: axisPercent,
  });
}

function listTable(models: readonly ReportModel[], noun: string): Html {
  const names = models.map(({ name }) => name);
  const head = ["Model", "Coverage", "Gini", "Popularity", "Novelty", "Diversity"];
  const rows = ranked(models).map(({ name, lists }) => ({
    tone: toneOf(name, names),
    cells: [
      name,
      html`<b>${percent(lists.coverage)}</b>`,
      lists.gini.toFixed(3),
      grouped(lists.meanPopularity),
      html`${lists.novelty.toFixed(2)} bits`,
      lists.diversity === null ? "–" : lists.diversity.toFixed(3),
    ],
  }));
  return html`${cardTable("The lists of every model", head, rows)}
<p class="note">${prose(
    `Gini: 0 where every ${noun} is recommended equally often, 1 where it is one alone. Popularity: training interactions of a recommended ${noun}, on average. Novelty: how surprising it is that a user has it, in bits. Diversity: how little the genres of two ${noun}s of a list have in common (mean Jaccard distance).`,
  )}</p>
`;
}
