/** HR@10 by how active a user is, and what becomes of the paper's claim about it. */
import { activityPanel } from "../charts/activity.ts";
import { toneOf } from "../charts/frame.ts";
import { type Axis, axisFor } from "../charts/scale.ts";
import { type Html, html } from "../html.ts";
import { grouped, percent } from "../number-text.ts";
import type { Report, ReportModel } from "../report.ts";
import { popularityName, ranked } from "../verdicts.ts";
import { numbersBehind, numberTable, paragraph, section } from "./section.ts";

export function activitySection({ models, verdicts }: Report): Html | null {
  const shown = ranked(models).filter((m) => m.byActivity.length > 0);
  if (shown.length === 0) return null;
  const popularity = shown.find((m) => m.name === popularityName) ?? null;
  const panels = shown.length > 1 ? shown.filter((m) => m !== popularity) : shown;
  const axis = axisFor(
    shown.flatMap((m) => m.byActivity.flatMap((q) => [q.hrAt10, ...(q.interval ?? [])])),
    { minSpan: 0.2, bounds: [0, 1] },
  );
  const names = models.map((m) => m.name);
  return section("activity", "Active and less active users", [
    paragraph(verdicts.activeUsers.text),
    html`<p class="note">Users in four equal groups by how many training interactions they have (the ranges under each group). ${
      popularity === null || panels[0] === popularity ? "" : "The grey line is popularity on the same users. "
    }Lines are 95 % intervals, values in percent.</p>
<div class="panels">${panels.map((m, i) => panel(m, i, popularity, toneOf(m.name, names), axis))}</div>`,
    numbersBehind("The figures by quartile", quartileTable(shown)),
  ]);
}

function panel(model: ReportModel, index: number, popularity: ReportModel | null, tone: string, axis: Axis): Html {
  const beside = model === popularity ? null : popularity;
  return html`<figure class="${tone}"><figcaption><span class="name">${model.name}</span>, HR@10</figcaption>
${activityPanel({
  text: {
    id: `activity${index}`,
    title: `HR@10 of ${model.name} by user activity${beside === null ? "" : ", with popularity beside"}`,
    description: [model, ...(beside === null ? [] : [beside])]
      .map(
        (m) => `${m.name}, from the least to the most active: ${m.byActivity.map((q) => percent(q.hrAt10)).join(", ")}`,
      )
      .join("; "),
  },
  model,
  tone,
  popularity: beside,
  axis,
})}</figure>
`;
}

function quartileTable(models: readonly ReportModel[]): Html {
  const head = ["Training interactions", "Users", ...models.map((m) => m.name)];
  const rows = models[0].byActivity.map((q) => [
    `${grouped(q.minTraining)} to ${grouped(q.maxTraining)}`,
    grouped(q.users),
    ...models.map((m) => percent(m.byActivity.find((other) => other.quartile === q.quartile)?.hrAt10 ?? Number.NaN)),
  ]);
  return numberTable("HR@10 by user activity", head, rows);
}
