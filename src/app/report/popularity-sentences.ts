/** How models stand to popularity, in few sentences where there are many models. */
import { points, pValueText } from "./number-text.ts";
import type { Report, ReportModel, ReportVerdicts } from "./report.ts";
import { comparedWithPopularityInHeadline, enumeration } from "./verdicts.ts";

type Outcome = ReportVerdicts["models"][number]["versusPopularity"];

export interface Sentence {
  readonly outcome: Outcome;
  readonly text: string;
}

/** One sentence for each outcome but those that the headline tells; models that agree share one. */
export function popularitySentences({ models, verdicts }: Pick<Report, "models" | "verdicts">): Sentence[] {
  const told = comparedWithPopularityInHeadline(models);
  const others = verdicts.models.filter(({ name }) => name !== told);
  return (["beats", "loses", "undecided"] as const).flatMap((outcome) => {
    const alike = others.filter(({ versusPopularity }) => versusPopularity === outcome);
    if (alike.length === 0) return [];
    const text =
      alike.length === 1
        ? alike[0].text
        : together(
            outcome,
            alike.map(({ name }) => name),
            models,
          );
    return [{ outcome, text }];
  });
}

function together(outcome: Outcome, names: readonly string[], models: readonly ReportModel[]): string {
  const versus = models.flatMap((model) =>
    model.versusPopularity === null || !names.includes(model.name) ? [] : [model.versusPopularity],
  );
  const sizes = versus.map(({ difference }) => Math.abs(difference));
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)].map((size) => points(size));
  const range = least === most ? most : `${least.split(" ")[0]} to ${most}`;
  const list = enumeration(names);
  const all = names.length === 2 ? "Both" : `All ${names.length}`;
  const likeliest = pValueText(Math.min(...versus.map(({ pValue }) => pValue)));
  switch (outcome) {
    case "beats":
      return `${list} beat popularity by ${range}. ${all} leads are significant.`;
    case "loses":
      return `${list} lose to popularity by ${range}: recommending the same favourites to everybody does better.`;
    case "undecided":
      return `${list} cannot be told from popularity: they lie ${range} off it, which may be chance (${likeliest} at the least).`;
  }
}
