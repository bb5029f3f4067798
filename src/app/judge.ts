/** Judges models side by side on the same users and candidates, as docs/protocol.md says. */
import type { ListQuality } from "../core/list-quality.ts";
import type { Recommender } from "../core/recommender.ts";
import type { Sample } from "../core/sample.ts";
import type { Interval } from "../core/significance.ts";
import type { Progress } from "../ports/progress.ts";
import { compareModels } from "./judging/compare-models.ts";
import { judgementOf } from "./judging/judgement.ts";
import { Corrections, modelSeries } from "./judging/model-series.ts";
import { poolCases } from "./judging/pooled-cases.ts";
import { type RankedSplit, rankModels } from "./judging/rank-models.ts";

export interface JudgeOptions {
  readonly seed: number;
  /** Unseen items beside the test item. */
  readonly candidates: number;
  readonly withReplacement: boolean;
  /** Tested users also ranked against the full catalogue. */
  readonly fullCatalogueUsers: number;
  readonly bootstrapResamples: number;
  readonly permutations: number;
  /** How much variance counts against bias in what is estimated from sampled ranks; see `correctSampledMetrics`. */
  readonly correctionGamma: number;
}

export const defaultJudgeOptions = {
  candidates: 99,
  withReplacement: false,
  fullCatalogueUsers: 2000,
  bootstrapResamples: 1000,
  permutations: 10_000,
  correctionGamma: 0.01,
} as const;

/** What a judgement takes from elsewhere, beside models and sample. */
export interface JudgeInputs {
  /** The candidates of a tested user, the test item first, where they are given rather than drawn by seed. */
  readonly candidatesOf?: (user: number) => Int32Array;
  /** Shape [items]; without them nothing is said by genre. */
  readonly genres?: readonly (readonly string[])[];
}

/** What a listener is told of each ranked user; see `--per-user`. */
export interface RankedCase {
  readonly model: string;
  /** Index into the sample's users. */
  readonly user: number;
  /** Item indices, the test item first. Reused between calls, as are the scores: copy what is kept. */
  readonly candidates: Int32Array;
  readonly scores: Float64Array;
}

export interface JudgeListeners {
  readonly progress?: Progress;
  readonly onCase?: (ranked: RankedCase) => void;
  readonly signal?: AbortSignal | undefined;
  /** A clock to time the models by. */
  readonly monotonicMs?: () => number;
}

/** HR@10 and NDCG@10 over the full catalogue, ranked or estimated. */
export interface CatalogueMetrics {
  readonly cases: number;
  readonly hrAt10: number;
  readonly hrAt10Interval: Interval;
  readonly ndcgAt10: number;
  readonly ndcgAt10Interval: Interval;
}

/** One model's figures; the fields are those of report.json. */
export interface Judgement {
  readonly name: string;
  readonly cases: number;
  readonly hrAt10: number;
  readonly hrAt10Interval: Interval;
  readonly hrAt10Optimistic: number;
  readonly hrAt10Pessimistic: number;
  readonly ndcgAt10: number;
  readonly ndcgAt10Interval: Interval;
  readonly fullCatalogue: CatalogueMetrics;
  /** What the candidates' ranks let one expect of the full catalogue. */
  readonly corrected: CatalogueMetrics;
  readonly byActivity: readonly ActivityQuartile[];
  readonly byPopularity: readonly PopularityGroup[];
  readonly byGenre: readonly GenreGroup[];
  /** Of the lists of the users who were ranked against the full catalogue; the mean over splits. */
  readonly lists: ListQuality;
  /** The median time to score all items for one user; null where no clock was given. */
  readonly millisecondsPerRequest: number | null;
}

/** HR@10 of some of the cases. */
export interface GroupHits {
  readonly users: number;
  readonly hrAt10: number;
  readonly interval: Interval;
  /** Of those of them who were ranked against the full catalogue; null where there is none. */
  readonly fullCatalogueHrAt10: number | null;
}

export interface ActivityQuartile extends GroupHits {
  /** 1 (least active) to 4. */
  readonly quartile: number;
  readonly minTraining: number;
  readonly maxTraining: number;
}

export interface PopularityGroup extends GroupHits {
  /** 1 (least popular) to 4; null for test items without a training interaction. */
  readonly quartile: number | null;
  readonly minTraining: number;
  readonly maxTraining: number;
}

export interface GenreGroup extends GroupHits {
  readonly genre: string;
}

/** A difference of HR@10 on the same users. */
export interface Difference {
  readonly difference: number;
  readonly interval: Interval;
  readonly pValue: number;
}

export interface PairComparison extends Difference {
  readonly model: string;
  readonly other: string;
  readonly fullCatalogue: Difference;
}

export interface JudgeResult {
  readonly judgements: readonly Judgement[];
  /** Every pair of models once, the one that comes first in the input as `model`. */
  readonly comparisons: readonly PairComparison[];
  /** Tested users with fewer unseen items than candidates asked for. */
  readonly shortCandidateUsers: number;
}

/** @throws NcfError `SCORE_NAN` naming the model; the signal's reason when aborted */
export async function judgeModels(
  models: readonly Recommender[],
  sample: Sample,
  options: JudgeOptions,
  listeners: JudgeListeners = {},
  inputs: JudgeInputs = {},
): Promise<JudgeResult> {
  return judgeRanked([await rankModels(models, sample, options, listeners, inputs)], options, listeners);
}

/**
 * Sums up what ranking gave, over all splits together.
 *
 * @param splits one or more, each with the same models
 * @throws the signal's reason when aborted
 */
export async function judgeRanked(
  splits: readonly RankedSplit[],
  options: JudgeOptions,
  listeners: JudgeListeners = {},
): Promise<JudgeResult> {
  const pooled = poolCases(splits);
  const series = modelSeries(splits, pooled, new Corrections(options));
  const groups = [...pooled.byActivity, ...pooled.byPopularity, ...pooled.byGenre].map(({ positions }) => positions);
  const { intervals, comparisons } = await compareModels(series, pooled, groups, options, listeners);
  return {
    judgements: series.map((model, m) => judgementOf(splits, pooled, model, intervals[m])),
    comparisons,
    shortCandidateUsers: series[0]?.standings.candidates.filter((count) => count <= options.candidates).length ?? 0,
  };
}
