/**
 * What is said of a window. The schema is the single source: the type and the check on reading come from it. Shares and
 * metrics are numbers from 0 to 1 and null where there is no case; intervals are [low, high] at 95 %.
 */
import { z } from "zod";
import { type Interval, intervalAround, standardError } from "./bootstrap-interval.ts";
import type { PairedSums } from "./paired-sums.ts";
import type { RunningTotal, ScoreSums } from "./running-total.ts";
import type { TimeWindow } from "./time-windows.ts";
import type { GroupSums, WindowSums } from "./window-sums.ts";

/** Raised when a reader of an older report could misread a newer one. */
const windowReportFormatVersion = 1;

const count = z.int().min(0);
const share = z.number().min(0).max(1).nullable();
const interval = z.tuple([z.number(), z.number()]).nullable().describe("[low, high]; null for fewer than two users");

const baseline = z.object({
  hrAt10: share,
  ndcgAt10: share,
  difference: z.number().nullable().describe("HR@10 of the model less that of this baseline, on the same candidates"),
  differenceInterval: interval,
});

const metrics = z.object({
  cases: count.describe("Tested events"),
  users: count.describe("Users with a tested event"),
  hrAt10: share,
  hrAt10Interval: interval,
  hrAt10StandardError: z.number().min(0).nullable().describe("Over users, by the bootstrap; null for fewer than two"),
  ndcgAt10: share,
  ndcgAt10Interval: interval,
  popularity: baseline,
  decayedPopularity: baseline,
});

const challenger = z.object({
  version: z.string(),
  cases: count.describe("Events that it and the version in force ranked, among the same candidates"),
  users: count.describe("Whose first tested event in the window is one of them"),
  hrAt10: share.describe("Of the challenger on these events"),
  championHrAt10: share.describe("Of the version in force on these events"),
  difference: z.number().nullable().describe("HR@10 of the challenger less that of the version in force"),
  differenceInterval: interval,
});

const group = z.object({
  cases: count,
  users: count.describe("Whose first tested event in the window is in this group"),
  hrAt10: share,
  ndcgAt10: share,
  popularityHrAt10: share,
});

export const windowReportSchema = z.object({
  formatVersion: z.literal(windowReportFormatVersion),
  startMs: z.int(),
  endMs: z.int(),
  final: z.boolean().describe("Whether every partition has closed the window or was declared idle"),
  revision: count.describe("0, and one more each time that an idle partition's return changed a final report"),
  ...metrics.shape,
  coldUserShare: share.describe("Users who had no history at their first tested event in the window"),
  coldItemShare: share.describe("Cases whose item had no training interaction"),
  repeats: count.describe("Events on an item that the user had touched: not tested"),
  late: count.describe("Events that came while the stream was in this window, after all of their own had closed"),
  unknownItems: count.describe("Events on items outside the catalogue: not tested"),
  learnt: count.default(0).describe("Events that the version may have learnt from: not tested by a live stream"),
  shortCandidates: count.describe("Cases with fewer unseen items than the protocol asks for"),
  leaked: count.describe("Cases that the version may have learnt from; 0 unless leaks are allowed"),
  versions: z.record(z.string(), count).describe("Cases by model version"),
  byKind: z.object({
    cold: group.describe("No earlier event of the user"),
    foldedIn: group.describe("Earlier events, but the version has not learnt the user"),
    warm: group.describe("The version has learnt the user"),
  }),
  challenger: challenger
    .nullable()
    .default(null)
    .describe("A version tested beside the one in force; of several, the one with the most cases"),
  byQuartile: z.array(group).length(4).describe("By the user's training interactions, least active first"),
  total: z
    .object({ windows: count, throughMs: z.int().nullable(), ...metrics.shape })
    .describe("Over final windows; of hopping windows, those that do not overlap. A user counts once a window"),
});

export type WindowReport = z.infer<typeof windowReportSchema>;

export function windowReport(
  window: TimeWindow,
  sums: WindowSums,
  state: { final: boolean; revision: number },
  total: RunningTotal,
): WindowReport {
  const { repeats, late, unknownItems, learnt, shortCandidates, leaked, versions, byKind } = sums;
  return {
    formatVersion: windowReportFormatVersion,
    startMs: window.startMs,
    endMs: window.endMs,
    final: state.final,
    revision: state.revision,
    ...metricsOf(sums),
    coldUserShare: ratio(byKind.cold.users, sums.users),
    coldItemShare: ratio(sums.coldItems, sums.cases),
    repeats,
    late,
    unknownItems,
    learnt,
    shortCandidates,
    leaked,
    versions: { ...versions },
    byKind: { cold: groupOf(byKind.cold), foldedIn: groupOf(byKind.foldedIn), warm: groupOf(byKind.warm) },
    challenger: challengerOf(sums.challengers),
    byQuartile: sums.byQuartile.map(groupOf),
    total: { windows: total.windows, throughMs: total.throughMs, ...metricsOf(total.sums()) },
  };
}

function metricsOf(sums: ScoreSums): z.infer<typeof metrics> {
  const { cases, users, model, replicates } = sums;
  const errorOf = (replicated: readonly number[]): number | null =>
    users < 2 ? null : standardError(replicated, replicates.cases);
  const intervalOf = (sum: number, replicated: readonly number[], least: number): Interval =>
    intervalAround(sum / (1e9 * cases), errorOf(replicated), least);
  const versus = (other: "popularity" | "decayedPopularity"): z.infer<typeof baseline> => {
    const difference = model.hits - sums[other].hits;
    const replicated = replicates.model.map((hits, r) => hits - replicates[other][r]);
    return {
      hrAt10: ratio(sums[other].hits, 1e9 * cases),
      ndcgAt10: ratio(sums[other].ndcg, 1e9 * cases),
      difference: ratio(difference, 1e9 * cases),
      differenceInterval: intervalOf(difference, replicated, -1),
    };
  };
  return {
    cases,
    users,
    hrAt10: ratio(model.hits, 1e9 * cases),
    hrAt10Interval: intervalOf(model.hits, replicates.model, 0),
    hrAt10StandardError: errorOf(replicates.model),
    ndcgAt10: ratio(model.ndcg, 1e9 * cases),
    ndcgAt10Interval: intervalOf(model.ndcg, replicates.modelNdcg, 0),
    popularity: versus("popularity"),
    decayedPopularity: versus("decayedPopularity"),
  };
}

function challengerOf(byVersion: WindowSums["challengers"]): WindowReport["challenger"] {
  const versions = Object.keys(byVersion).sort();
  const most = versions.reduce((cases, version) => Math.max(cases, byVersion[version].cases), 0);
  const version = versions.find((each) => byVersion[each].cases === most);
  return version === undefined ? null : { version, ...pairOf(byVersion[version]) };
}

function pairOf({ cases, users, champion, challenger: tested, replicates }: PairedSums) {
  const difference = tested.hits - champion.hits;
  const error = users < 2 ? null : standardError(replicates.difference, replicates.cases);
  return {
    cases,
    users,
    hrAt10: ratio(tested.hits, 1e9 * cases),
    championHrAt10: ratio(champion.hits, 1e9 * cases),
    difference: ratio(difference, 1e9 * cases),
    differenceInterval: intervalAround(difference / (1e9 * cases), error, -1),
  };
}

function groupOf({ cases, users, hits, ndcg, popularityHits }: GroupSums): z.infer<typeof group> {
  return {
    cases,
    users,
    hrAt10: ratio(hits, 1e9 * cases),
    ndcgAt10: ratio(ndcg, 1e9 * cases),
    popularityHrAt10: ratio(popularityHits, 1e9 * cases),
  };
}

function ratio(numerator: number, denominator: number): number | null {
  return denominator === 0 ? null : numerator / denominator;
}
