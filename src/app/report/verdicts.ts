/** Turns a report's figures into plain sentences, the same ones in report.json, on the terminal and on the page. */
import { percent, points, pValueText } from "./number-text.ts";
import { rankingsVerdict } from "./rankings-verdict.ts";
import type { Report, ReportModel, ReportVerdicts } from "./report.ts";

type Comparison = Report["comparisons"][number];
type ActivityVerdict = ReportVerdicts["activeUsers"]["models"][number];

/** The level at which a difference counts as significant. */
const significanceLevel = 0.05;

/** The name under which the popularity baseline stands in a report. */
export const popularityName = "popularity";

/** What the items of a data set are called in a sentence: films where that is known. */
export function itemNoun(dataset: Report["dataset"]): "movie" | "item" {
  return dataset.generated || dataset.validation.format.startsWith("movielens") ? "movie" : "item";
}

/** All verdicts of a report, from its models and the comparisons between them. */
export function verdictsOf(models: readonly ReportModel[], comparisons: readonly Comparison[]): ReportVerdicts {
  return {
    ...headlineOf(models, comparisons),
    models: models.flatMap((model) => versusPopularity(model)),
    rankings: rankingsVerdict(models, comparisons),
    activeUsers: activeUsersVerdict(models),
  };
}

/** The models from the highest HR@10 down. */
export function ranked(models: readonly ReportModel[]): ReportModel[] {
  return [...models].sort((a, b) => b.hrAt10 - a.hrAt10);
}

/** The model that the headline already compares with popularity: then nobody needs to say it twice. */
export function comparedWithPopularityInHeadline(models: readonly ReportModel[]): string | null {
  const [first, second] = ranked(models);
  if (second === undefined) return null;
  if (first.name === popularityName) return second.name;
  return second.name === popularityName ? first.name : null;
}

function headlineOf(
  models: readonly ReportModel[],
  comparisons: readonly Comparison[],
): Pick<ReportVerdicts, "headline" | "winner" | "significant"> {
  const [first, second] = ranked(models);
  if (second === undefined) {
    const text = `${first.name} puts the held-out item among its first ten for ${percent(first.hrAt10)} of users; there is no other model to compare it with.`;
    return { headline: text, winner: null, significant: null };
  }
  const compared = comparisonOf(first, second, comparisons);
  const lead = `${first.name} leads ${second.name} by ${points(first.hrAt10 - second.hrAt10)}`;
  if (compared === null) {
    return {
      headline: `${lead} of HR@10; the difference was not tested.`,
      winner: first.name,
      significant: null,
    };
  }
  if (compared.difference === 0) {
    const level = `No winner: ${first.name} and ${second.name} hit equally often.`;
    return { headline: level, winner: first.name, significant: false };
  }
  const significant = compared.pValue < significanceLevel && compared.difference > 0;
  const headline = significant
    ? `${first.name} wins: its HR@10 is ${points(compared.difference)} above ${second.name}'s (${pValueText(compared.pValue)}).`
    : `No clear winner: ${lead} of HR@10, which may be chance (${pValueText(compared.pValue)}).`;
  return { headline, winner: first.name, significant };
}

/** The comparison of `model` with `other`, turned round where it was made the other way. */
function comparisonOf(
  model: ReportModel,
  other: ReportModel,
  comparisons: readonly Comparison[],
): { readonly difference: number; readonly pValue: number } | null {
  for (const c of comparisons) {
    if (c.model === model.name && c.other === other.name) return c;
    if (c.model === other.name && c.other === model.name) return { difference: -c.difference, pValue: c.pValue };
  }
  if (other.name === popularityName) return model.versusPopularity;
  if (model.name === popularityName && other.versusPopularity !== null) {
    return { difference: -other.versusPopularity.difference, pValue: other.versusPopularity.pValue };
  }
  return null;
}

function versusPopularity(model: ReportModel): ReportVerdicts["models"] {
  const versus = model.versusPopularity;
  if (versus === null) return [];
  const { difference, pValue } = versus;
  const chance = pValueText(pValue);
  if (pValue >= significanceLevel || difference === 0) {
    const side = difference < 0 ? "below" : "above";
    const text = `${model.name} cannot be told from popularity: ${points(difference)} ${side} it, which may be chance (${chance}).`;
    return [{ name: model.name, versusPopularity: "undecided", text }];
  }
  return difference > 0
    ? [
        {
          name: model.name,
          versusPopularity: "beats",
          text: `${model.name} beats popularity by ${points(difference)} (${chance}).`,
        },
      ]
    : [
        {
          name: model.name,
          versusPopularity: "loses",
          text: `${model.name} loses to popularity by ${points(difference)} (${chance}): recommending the same favourites to everybody does better.`,
        },
      ];
}

/**
 * Whether the most active quartile gets better hits than the least active one. The two are different users, so their
 * variances add; a hit's variance is at most h(1 − h).
 */
function activityVerdict(model: ReportModel): ActivityVerdict[] {
  const least = model.byActivity.find((q) => q.quartile === 1);
  const most = model.byActivity.find((q) => q.quartile === 4);
  if (least === undefined || most === undefined || least.users === 0 || most.users === 0) return [];
  const difference = most.hrAt10 - least.hrAt10;
  const variance = (q: typeof least): number => (q.hrAt10 * (1 - q.hrAt10)) / q.users;
  const halfWidth = 1.96 * Math.sqrt(variance(least) + variance(most));
  const holds = difference > halfWidth ? "yes" : difference < -halfWidth ? "no" : "undecided";
  return [
    {
      name: model.name,
      mostLessLeastActive: difference,
      interval: [difference - halfWidth, difference + halfWidth],
      holds,
    },
  ];
}

function activeUsersVerdict(models: readonly ReportModel[]): ReportVerdicts["activeUsers"] {
  const verdicts = models.flatMap((model) => activityVerdict(model));
  if (verdicts.length === 0) return { text: "Too few users to compare active with less active ones.", models: [] };
  return {
    text: `The paper's claim that active users get better hits ${claimOutcome(verdicts)}. ${changes(verdicts)}`,
    models: verdicts,
  };
}

/** The claim is about models that learn; popularity counts only where it stands alone. */
function claimOutcome(verdicts: readonly ActivityVerdict[]): string {
  const learnt = verdicts.filter((v) => v.name !== popularityName);
  const judged = learnt.length > 0 ? learnt : verdicts;
  const holding = judged.filter((v) => v.holds === "yes").length;
  if (holding === judged.length) return "holds here";
  if (holding > 0) return "holds here for some models only";
  return judged.some((v) => v.holds === "no") ? "does not hold here" : "is not confirmed here";
}

function changes(verdicts: readonly ActivityVerdict[]): string {
  const amounts = (holds: "yes" | "no"): string[] =>
    verdicts.filter((v) => v.holds === holds).map((v) => `${points(v.mostLessLeastActive)} for ${v.name}`);
  const flat = verdicts.filter((v) => v.holds === "undecided").map((v) => v.name);
  const parts = [
    ["rises by", amounts("yes")],
    ["falls by", amounts("no")],
    ["differs by no more than chance for", flat],
  ] as const;
  const said = parts.filter(([, list]) => list.length > 0).map(([verb, list]) => `${verb} ${enumeration(list)}`);
  return `From the least to the most active quarter of users, HR@10 ${said.join("; it ")}.`;
}

/** "a", "a and b", "a, b and c". */
export function enumeration(list: readonly string[]): string {
  return list.length < 2 ? list.join("") : `${list.slice(0, -1).join(", ")} and ${list[list.length - 1]}`;
}
