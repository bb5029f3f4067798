/** The top of the page: who won, in words and in one chart. */
import { dotChart } from "../charts/dots.ts";
import { toneOf } from "../charts/frame.ts";
import { axisFor } from "../charts/scale.ts";
import { type Html, html, prose } from "../html.ts";
import { grouped, percent } from "../number-text.ts";
import { popularitySentences } from "../popularity-sentences.ts";
import type { Report } from "../report.ts";
import { itemNoun, popularityName, ranked } from "../verdicts.ts";
import { figure } from "./section.ts";

export function verdictHeader(report: Report): Html {
  const { dataset, verdicts } = report;
  return html`<header class="verdict">
<p class="kicker">${report.generatedBy.name} <span aria-hidden="true">/</span> how well it recommends on <strong>${dataset.name}</strong></p>
<h1>${prose(verdicts.headline)}</h1>
${popularitySentences(report).map(
  ({ outcome, text }) => html`<p class="also ${outcome}">${prose(text)}</p>
`,
)}<p class="facts">${facts(report)}</p>
</header>
`;
}

function facts({ dataset, protocol, splits }: Report): string {
  const { sample, validation } = dataset;
  const noun = itemNoun(dataset);
  const parts = [
    `${grouped(splits.reduce((sum, { testedUsers }) => sum + testedUsers, 0))} ${protocol.split === "rolling" ? "tests" : "users tested"}`,
    `${grouped(sample.items)} ${noun}s`,
    `${grouped(sample.interactions)} ${noun === "movie" ? "ratings" : "interactions"}`,
  ];
  const { firstTimestampMs: first, lastTimestampMs: last } = validation;
  if (first !== null && last !== null) parts.push(years(first, last));
  return parts.join(" · ");
}

function years(firstMs: number, lastMs: number): string {
  const [first, last] = [firstMs, lastMs].map((ms) => new Date(ms).getUTCFullYear());
  return first === last ? String(first) : `${first} to ${last}`;
}

export function verdictFigure(report: Report): Html {
  const { dataset, models, protocol } = report;
  const names = models.map((m) => m.name);
  const popularity = models.find((m) => m.name === popularityName);
  const axis = axisFor(
    models.flatMap((m) => [...m.hrAt10Interval]),
    { minSpan: 0.1, bounds: [0, 1] },
  );
  const chart = dotChart({
    text: {
      id: "hr",
      title: "HR@10 of each model with its 95 % interval",
      description: models
        .map(
          (m) =>
            `${m.name} ${percent(m.hrAt10)}, interval ${percent(m.hrAt10Interval[0])} to ${percent(m.hrAt10Interval[1])}`,
        )
        .join("; "),
    },
    rows: ranked(models).map((m) => ({
      label: m.name,
      value: m.hrAt10,
      interval: m.hrAt10Interval,
      tone: toneOf(m.name, names),
    })),
    axis,
    valueText: (value) => percent(value),
    tickText: (value) => percent(value, 0),
    reference: popularity === undefined || models.length === 1 ? null : { value: popularity.hrAt10, label: "" },
  });
  const noun = itemNoun(dataset);
  const chance = percent(10 / (protocol.candidates + 1), 0);
  const cropped = axis.low > 0 ? ` The axis starts at ${percent(axis.low, 0)}.` : "";
  return figure(
    html`<strong>Hit ratio at 10.</strong> ${prose(
      `How many users find the ${noun} that was held out from them among a model's first ten, ranked against ${protocol.candidates} ${noun}s that they never rated. Guessing gets ${chance}. Lines are 95 % intervals.${cropped}`,
    )}`,
    html`<div class="plot">${chart}</div>`,
  );
}
