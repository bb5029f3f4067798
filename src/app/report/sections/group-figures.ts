/** Panels of HR@10 by group, one a model, and the table with all figures. */

import { toneOf } from "../charts/frame.ts";
import { type GroupMark, groupPanel } from "../charts/group-panel.ts";
import { axisFor } from "../charts/scale.ts";
import { type Html, html } from "../html.ts";
import { grouped, percent } from "../number-text.ts";
import type { ReportModel } from "../report.ts";
import { popularityName, ranked } from "../verdicts.ts";
import { numbersBehind, numberTable } from "./section.ts";

/** One group of cases, as a model has it. */
export interface Group {
  /** Short: it stands below the plot. */
  readonly label: string;
  readonly users: number;
  readonly hrAt10: number;
  readonly interval: readonly [number, number] | null;
  readonly fullCatalogueHrAt10: number | null;
}

export interface GroupFigures {
  /** Begins the ids of the charts. */
  readonly id: string;
  /** Such as "user activity". */
  readonly by: string;
  /** What the first and the last group are. */
  readonly ends: readonly [string, string];
  readonly groupsOf: (model: ReportModel) => readonly Group[];
}

/** Panels beyond this many models are left to the table. */
const mostPanels = 6;

/** Null where no model has a group. */
export function groupFigures(models: readonly ReportModel[], figures: GroupFigures): Html | null {
  const { id, by, ends, groupsOf } = figures;
  const known = ranked(models).filter((model) => groupsOf(model).length > 0);
  if (known.length === 0) return null;
  const popularity = known.find(({ name }) => name === popularityName) ?? null;
  const others = known.length > 1 ? known.filter((model) => model !== popularity) : known;
  const shown = others.slice(0, mostPanels);
  const groups = [...shown, ...(popularity === null ? [] : [popularity])].flatMap((model) => groupsOf(model));
  const axis = axisFor(
    groups.flatMap(({ hrAt10, interval }) => [hrAt10, ...(interval ?? [])]),
    { minSpan: 0.2, bounds: [0, 1] },
  );
  const names = models.map(({ name }) => name);
  const panels = shown.map((model, index) => {
    const beside = model === popularity ? null : popularity;
    const description = [model, ...(beside === null ? [] : [beside])]
      .map(
        (m) =>
          `${m.name}, from ${ends[0]} to ${ends[1]}: ${groupsOf(m)
            .map((g) => percent(g.hrAt10))
            .join(", ")}`,
      )
      .join("; ");
    const tone = toneOf(model.name, names);
    const marks = (m: ReportModel): readonly GroupMark[] => groupsOf(m);
    return html`<figure class="${tone}"><figcaption><span class="name">${model.name}</span>, HR@10</figcaption>
${groupPanel({
  text: {
    id: `${id}${index}`,
    title: `HR@10 of ${model.name} by ${by}${beside === null ? "" : ", with popularity beside"}`,
    description,
  },
  model: marks(model),
  tone,
  popularity: beside === null ? null : marks(beside),
  axis,
  ends,
})}</figure>
`;
  });
  const rest =
    others.length > shown.length ? ` The other ${others.length - shown.length} models are in the table.` : "";
  const grey = popularity === null || shown[0] === popularity ? "" : " The grey line is popularity on the same users.";
  return html`<p class="note">Lines are 95 % intervals, values in percent.${grey}${rest}</p>
<div class="panels">${panels}</div>${numbersBehind("The figures by group", groupTable(known, figures))}`;
}

function groupTable(models: readonly ReportModel[], { by, groupsOf }: GroupFigures): Html {
  const head = ["Training interactions", "Users", ...models.map(({ name }) => name)];
  const rows = groupsOf(models[0]).map((group, index) => [
    group.label,
    grouped(group.users),
    ...models.map((model) => bothText(groupsOf(model)[index])),
  ]);
  return numberTable(`HR@10 by ${by}; in brackets against the full catalogue`, head, rows);
}

/** Among the candidates, and against the full catalogue where that was ranked. */
export function bothText({ hrAt10, fullCatalogueHrAt10: full }: Pick<Group, "hrAt10" | "fullCatalogueHrAt10">): string {
  return full === null ? percent(hrAt10) : `${percent(hrAt10)} (${percent(full)})`;
}

/** A range of counts: "16–31", or the one count that there is. */
export function rangeText(least: number, most: number): string {
  return least === most ? grouped(least) : `${grouped(least)}–${grouped(most)}`;
}
