/** How training went: the loss and what it cost. */
import { toneOf } from "../charts/frame.ts";
import { baseRateLoss, type LossSeries, lossChart } from "../charts/loss.ts";
import { type Html, html, prose } from "../html.ts";
import { compact, duration, grouped } from "../number-text.ts";
import type { Report } from "../report.ts";
import { cardTable, figure, numbersBehind, numberTable, section } from "./section.ts";

export function trainingSection({ models, protocol }: Report): Html | null {
  const names = models.map((m) => m.name);
  const series = models.flatMap((m): LossSeries[] =>
    m.training === null ? [] : [{ name: m.name, tone: toneOf(m.name, names), training: m.training }],
  );
  if (series.length === 0) return null;
  const text = {
    id: "loss",
    title: "Training loss over epochs",
    description: series
      .map((s) => {
        const first = s.training.losses[0];
        const last = s.training.losses.at(-1);
        if (first === undefined || last === undefined) return `${s.name} has no epoch yet`;
        return `${s.name} goes from ${first.loss.toFixed(3)} to ${last.loss.toFixed(3)} in ${s.training.losses.length} epochs`;
      })
      .join("; "),
  };
  const caption = html`<strong>Training loss</strong> ${prose(
    `(binary cross-entropy, mean since the point before; dots are whole epochs). With ${protocol.negatives} negatives for each positive, a model that knows nothing but that share stays at ${baseRateLoss(protocol.negatives).toFixed(3)}. A low loss is no proof of good recommendations: only the held-out items are.`,
  )}`;
  return section("training", "Training", [
    figure(caption, html`<div class="plot named">${lossChart(text, series, protocol.negatives)}</div>`),
    costTable(series),
    numbersBehind("The loss by epoch", lossTable(series)),
  ]);
}

function costTable(series: readonly LossSeries[]): Html {
  return cardTable(
    "What training took",
    ["Model", "Parameters", "Epochs", "Samples", "Time", "Samples/s", "Arithmetic", "Threads"],
    series.map(({ name, tone, training: t }) => ({
      tone,
      cells: [
        name,
        grouped(t.parameters),
        t.epochs,
        compact(t.samples),
        duration(t.seconds),
        compact(t.samplesPerSecond),
        t.arithmetic,
        t.threads,
      ],
    })),
  );
}

function lossTable(series: readonly LossSeries[]): Html {
  const epochs = Math.max(...series.map((s) => s.training.losses.length));
  const rows = Array.from({ length: epochs }, (_, i) => [
    i + 1,
    ...series.map((s) => s.training.losses[i]?.loss.toFixed(4) ?? "–"),
  ]);
  return numberTable("Mean loss by epoch", ["Epoch", ...series.map((s) => s.name)], rows);
}
