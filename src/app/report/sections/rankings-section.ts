/** Sampled against full ranking: whether the models come out in another order, and what the sampled ranks let one expect. */
import { dotChart } from "../charts/dots.ts";
import { toneOf } from "../charts/frame.ts";
import { axisFor } from "../charts/scale.ts";
import { type Html, html, prose } from "../html.ts";
import { axisPercent, grouped, percent } from "../number-text.ts";
import type { Report } from "../report.ts";
import { ranked } from "../verdicts.ts";
import { figure, paragraph, section } from "./section.ts";

export function rankingsSection(report: Report): Html {
  const { protocol, verdicts } = report;
  return section("rankings", "Sampled against full ranking", [
    paragraph(fullCatalogueText(report)),
    paragraph(verdicts.rankings.text),
    figure(
      html`<strong>HR@10 over the full catalogue</strong>, models in the order of the sampled ranking. ${prose(
        `Full dots: ranked against everything. Hollow dots: estimated from the ranks among ${protocol.candidates + 1}, as Krichene and Rendle correct them. Dots that do not move steadily to the left, from the first row down, say that sampling orders the models otherwise. Lines are 95 % intervals; the estimate's are wider, as few candidates tell little of the first ten places.`,
      )}`,
      html`<div class="plot">${chart(report)}</div>`,
    ),
  ]);
}

function chart({ models }: Report): Html {
  const names = models.map(({ name }) => name);
  const values = models.flatMap(({ fullCatalogue, corrected }) => [
    ...fullCatalogue.hrAt10Interval,
    ...corrected.hrAt10Interval,
  ]);
  return dotChart({
    text: {
      id: "full",
      title: "HR@10 over the full catalogue, ranked and estimated",
      description: ranked(models)
        .map(
          ({ name, fullCatalogue, corrected }) =>
            `${name} ${percent(fullCatalogue.hrAt10)}, estimated ${percent(corrected.hrAt10)}`,
        )
        .join("; "),
    },
    rows: ranked(models).map(({ name, fullCatalogue, corrected }) => ({
      label: name,
      value: fullCatalogue.hrAt10,
      interval: fullCatalogue.hrAt10Interval,
      tone: toneOf(name, names),
      second: { value: corrected.hrAt10, interval: corrected.hrAt10Interval },
    })),
    axis: axisFor([0, ...values.map((value) => Math.max(0, value))], { minSpan: 0.02, bounds: [0, 1] }),
    valueText: (value) => percent(value),
    tickText: axisPercent,
    reference: null,
  });
}

function fullCatalogueText({ dataset, models, protocol }: Report): string {
  const [{ cases, fullCatalogue }] = models;
  const whom =
    fullCatalogue.cases < cases
      ? `for ${grouped(fullCatalogue.cases)} of the tests, drawn by seed`
      : `for all ${grouped(cases)} tests`;
  return `Ranking among ${protocol.candidates + 1} is a much easier game than ranking everything. Here the held-out item stands against all ${grouped(dataset.sample.items)} but those the user knows, ${whom}. Figures from the two games must never be compared with each other.`;
}
