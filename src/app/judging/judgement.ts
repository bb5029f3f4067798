/** Puts one model's series, intervals and lists into a judgement. */
import { summarize } from "../../core/evaluation.ts";
import { type ListQuality, listQuality } from "../../core/list-quality.ts";
import type { CatalogueMetrics, GroupHits, Judgement } from "../judge.ts";
import type { MetricIntervals, ModelIntervals } from "./compare-models.ts";
import type { HitsAndGains, ModelSeries } from "./model-series.ts";
import type { PooledCases } from "./pooled-cases.ts";
import type { RankedSplit } from "./rank-models.ts";

export function judgementOf(
  splits: readonly RankedSplit[],
  pooled: PooledCases,
  series: ModelSeries,
  intervals: ModelIntervals,
): Judgement {
  const { name, standings, sampled, full, corrected } = series;
  const ranked = splits.flatMap(({ sample, genres, models }) =>
    models.filter((model) => model.name === name).map((model) => ({ sample, genres, model })),
  );
  const fullAt = new Map(Array.from(pooled.fullPositions, (position, i) => [position, i]));
  let group = 0;
  /** In the order in which the intervals of groups come. */
  const hitsOf = <G extends { positions: Int32Array }>({ positions, ...rest }: G): Omit<G, "positions"> & GroupHits => {
    const fullHits = Array.from(positions, (p) => fullAt.get(p)).flatMap((i) =>
      i === undefined ? [] : [full.hits[i]],
    );
    return {
      ...rest,
      users: positions.length,
      hrAt10: mean(Array.from(positions, (position) => sampled.hits[position])),
      interval: intervals.groups[group++],
      fullCatalogueHrAt10: fullHits.length === 0 ? null : mean(fullHits),
    };
  };
  return {
    name,
    ...summarize(standings),
    hrAt10Interval: intervals.sampled.hrAt10,
    ndcgAt10Interval: intervals.sampled.ndcgAt10,
    fullCatalogue: catalogueMetrics(full, intervals.full),
    corrected: catalogueMetrics(corrected, intervals.corrected),
    byActivity: pooled.byActivity.map(hitsOf),
    byPopularity: pooled.byPopularity.map(hitsOf),
    byGenre: pooled.byGenre.map(hitsOf),
    lists: meanQuality(ranked.map(({ sample, genres, model }) => listQuality(sample, genres, model.lists))),
    millisecondsPerRequest: meanOrNull(ranked.map(({ model }) => model.millisecondsPerRequest)),
  };
}

function catalogueMetrics({ hits, gains }: HitsAndGains, intervals: MetricIntervals): CatalogueMetrics {
  return {
    cases: hits.length,
    hrAt10: mean(hits),
    hrAt10Interval: intervals.hrAt10,
    ndcgAt10: mean(gains),
    ndcgAt10Interval: intervals.ndcgAt10,
  };
}

function meanQuality(parts: readonly ListQuality[]): ListQuality {
  const of = (pick: (part: ListQuality) => number): number => mean(parts.map(pick));
  return {
    lists: parts.reduce((sum, { lists }) => sum + lists, 0),
    coverage: of(({ coverage }) => coverage),
    gini: of(({ gini }) => gini),
    meanPopularity: of(({ meanPopularity }) => meanPopularity),
    novelty: of(({ novelty }) => novelty),
    diversity: meanOrNull(parts.map(({ diversity }) => diversity)),
  };
}

function meanOrNull(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : mean(known);
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / Math.max(1, values.length);
}
