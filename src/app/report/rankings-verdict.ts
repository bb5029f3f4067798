/** Whether the sampled, the full and the estimated ranking order the models alike. */
import { pValueText } from "./number-text.ts";
import type { Report, ReportModel, ReportVerdicts } from "./report.ts";

type Rankings = ReportVerdicts["rankings"];

/** Pairs that are named in the sentence. */
const mostNamed = 3;

export function rankingsVerdict(models: readonly ReportModel[], comparisons: Report["comparisons"]): Rankings {
  const byName = new Map(models.map((model) => [model.name, model]));
  const reversed: Rankings["reversed"][number][] = [];
  let reversedByEstimate = 0;
  for (const { model: first, other: second, fullCatalogue } of comparisons) {
    const [model, other] = [byName.get(first), byName.get(second)];
    if (model === undefined || other === undefined) continue;
    const full = model.fullCatalogue.hrAt10 - other.fullCatalogue.hrAt10;
    const sampled = model.hrAt10 - other.hrAt10;
    if ((model.corrected.hrAt10 - other.corrected.hrAt10) * full < 0) reversedByEstimate += 1;
    if (sampled * full >= 0) continue;
    const [ahead, behind] = sampled > 0 ? [first, second] : [second, first];
    reversed.push({ model: ahead, other: behind, pValue: fullCatalogue.pValue });
  }
  reversed.sort((a, b) => a.pValue - b.pValue);
  return { text: textOf(reversed, reversedByEstimate, comparisons.length), reversed, reversedByEstimate };
}

function textOf(reversed: Rankings["reversed"], reversedByEstimate: number, pairs: number): string {
  if (pairs === 0) return "There is one model only, hence no order of models.";
  const estimate =
    reversedByEstimate === 0
      ? "the estimate from the sampled ranks agrees with the full catalogue"
      : `the estimate from the sampled ranks orders ${ofPairs(reversedByEstimate, pairs)} otherwise than the full catalogue`;
  if (reversed.length === 0) {
    return `The full catalogue orders the models as the sampled candidates do; ${estimate}.`;
  }
  const named = reversed
    .slice(0, mostNamed)
    .map(({ model, other, pValue }) => `${other} before ${model} (${pValueText(pValue)})`);
  const rest = reversed.length > mostNamed ? ` and ${reversed.length - mostNamed} more` : "";
  return (
    `The full catalogue orders ${ofPairs(reversed.length, pairs)} of models otherwise than the sampled candidates: ` +
    `${named.join(", ")}${rest}; ${estimate}.`
  );
}

function ofPairs(count: number, pairs: number): string {
  return pairs === 1 ? "the pair" : `${count} of ${pairs} pairs`;
}
