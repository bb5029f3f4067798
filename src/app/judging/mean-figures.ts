/** Means without intervals: of one split, or of one seed. */
import { summarize } from "../../core/evaluation.ts";
import { poolStandings } from "./pooled-cases.ts";
import type { RankedSplit } from "./rank-models.ts";

export interface MeanFigures {
  readonly name: string;
  readonly hrAt10: number;
  readonly ndcgAt10: number;
  readonly fullCatalogueHrAt10: number;
}

/** Each model's means over all cases of the splits. */
export function meanFigures(splits: readonly RankedSplit[]): MeanFigures[] {
  return splits[0].models.map(({ name }) => {
    const { hrAt10, ndcgAt10 } = summarize(poolStandings(splits, name, ({ sampled }) => sampled));
    const full = summarize(poolStandings(splits, name, (model) => model.full));
    return { name, hrAt10, ndcgAt10, fullCatalogueHrAt10: full.hrAt10 };
  });
}

export interface Spread {
  readonly mean: number;
  /** Of the sample: with n − 1. */
  readonly standardDeviation: number;
  readonly values: readonly number[];
}

export interface SeedSpread {
  readonly seeds: readonly number[];
  readonly hrAt10: Spread;
  readonly ndcgAt10: Spread;
  readonly fullCatalogueHrAt10: Spread;
}

/** How far a model's figures lie apart, by model, where it was judged under two seeds or more. */
export function seedSpreads(
  runs: readonly { readonly seed: number; readonly splits: readonly RankedSplit[] }[],
): ReadonlyMap<string, SeedSpread> {
  const figures = runs.flatMap(({ seed, splits }) => meanFigures(splits).map((model) => ({ seed, ...model })));
  const spreads = new Map<string, SeedSpread>();
  for (const name of new Set(figures.map((model) => model.name))) {
    const own = figures.filter((model) => model.name === name);
    if (own.length < 2) continue;
    spreads.set(name, {
      seeds: own.map(({ seed }) => seed),
      hrAt10: spreadOf(own.map(({ hrAt10 }) => hrAt10)),
      ndcgAt10: spreadOf(own.map(({ ndcgAt10 }) => ndcgAt10)),
      fullCatalogueHrAt10: spreadOf(own.map(({ fullCatalogueHrAt10 }) => fullCatalogueHrAt10)),
    });
  }
  return spreads;
}

function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0);
  return { mean, standardDeviation: Math.sqrt(squares / (values.length - 1)), values };
}
