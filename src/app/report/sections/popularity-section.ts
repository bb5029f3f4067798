/** HR@10 by how well known the held-out item is, and by its genre. */
import { type Html, html, prose } from "../html.ts";
import { grouped } from "../number-text.ts";
import type { Report, ReportModel } from "../report.ts";
import { itemNoun, ranked } from "../verdicts.ts";
import { bothText, groupFigures, rangeText } from "./group-figures.ts";
import { numbersBehind, numberTable, section } from "./section.ts";

export function popularitySection({ models, dataset }: Report): Html | null {
  const noun = itemNoun(dataset);
  const figures = groupFigures(models, {
    id: "known",
    by: `popularity of the held-out ${noun}`,
    ends: ["little known", "well known"],
    groupsOf: ({ byPopularity }) =>
      byPopularity.map((g) => ({
        ...g,
        label: g.quartile === null ? "none" : rangeText(g.minTraining, g.maxTraining),
      })),
  });
  if (figures === null) return null;
  return section("known", `Well-known and little-known ${noun}s`, [
    html`<p>${prose(
      `Most candidates are obscure, so a well-known ${noun} is found easily among them, and an obscure one hardly ever. Here the held-out ${noun}s are in four equal groups by how many training interactions they have; those without any stand apart as “none”.`,
    )}</p>
`,
    figures,
    genreTable(models),
  ]);
}

function genreTable(models: readonly ReportModel[]): Html | null {
  const known = ranked(models).filter(({ byGenre }) => byGenre.length > 0);
  if (known.length === 0) return null;
  const rows = known[0].byGenre.map(({ genre, users }, index) => [
    genre,
    grouped(users),
    ...known.map(({ byGenre }) => bothText(byGenre[index])),
  ]);
  const caption =
    "HR@10 by genre of the held-out item, which counts in each of its genres; in brackets against the full catalogue";
  return numbersBehind(
    "The figures by genre",
    numberTable(caption, ["Genre", "Users", ...known.map(({ name }) => name)], rows),
  );
}
