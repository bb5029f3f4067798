/** What each model costs: to fit, to keep, to ask. */
import { toneOf } from "../charts/frame.ts";
import type { Html } from "../html.ts";
import { duration, grouped, millisecondsText } from "../number-text.ts";
import type { Report } from "../report.ts";
import { ranked } from "../verdicts.ts";
import { cardTable, paragraph, section } from "./section.ts";

export function costSection({ models, dataset, machine }: Report): Html | null {
  if (models.every(({ cost }) => Object.values(cost).every((value) => value === null))) return null;
  const names = models.map(({ name }) => name);
  const rows = ranked(models).map(({ name, cost }) => ({
    tone: toneOf(name, names),
    cells: [
      name,
      cost.fitSeconds === null ? "–" : duration(cost.fitSeconds),
      cost.modelBytes === null ? "–" : bytesText(cost.modelBytes),
      cost.millisecondsPerRequest === null ? "–" : `${millisecondsText(cost.millisecondsPerRequest)} ms`,
    ],
  }));
  return section("cost", "What it costs", [
    paragraph(
      `Measured in this run, on ${machine.cores} ${machine.cores === 1 ? "core" : "cores"}. A request scores all ${grouped(dataset.sample.items)} items for one user; the median over the users ranked against the full catalogue, on one core.`,
    ),
    cardTable("What every model costs", ["Model", "Fitting", "Model file", "Request"], rows),
  ]);
}

/** A file's size with 1 MB = 2^20 bytes: "1.4 MB", "157 kB". */
function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1000 * 1024) return `${(bytes / 1024).toFixed(0)} kB`;
  const megabytes = bytes / 2 ** 20;
  return `${megabytes < 9.95 ? megabytes.toFixed(1) : grouped(megabytes)} MB`;
}
