/** A model's hits and gains, one value a case: what means, intervals and tests are made of. */
import { perCase, type Standings } from "../../core/evaluation.ts";
import { expectedHit, expectedNdcg } from "../../core/ranking-metrics.ts";
import { type CorrectedMetrics, correctSampledMetrics } from "../../core/sampled-metric-correction.ts";
import type { JudgeOptions } from "../judge.ts";
import { type PooledCases, poolStandings } from "./pooled-cases.ts";
import type { RankedSplit } from "./rank-models.ts";

export interface HitsAndGains {
  readonly hits: Float64Array;
  readonly gains: Float64Array;
}

export interface ModelSeries {
  readonly name: string;
  readonly standings: Standings;
  /** Shape [cases], among the candidates. */
  readonly sampled: HitsAndGains;
  /** Shape [cases]: their means estimate the full catalogue's metrics. */
  readonly corrected: HitsAndGains;
  /** Shape [cases ranked against the full catalogue]. */
  readonly full: HitsAndGains;
}

export function modelSeries(
  splits: readonly RankedSplit[],
  pooled: PooledCases,
  corrections: Corrections,
): ModelSeries[] {
  return splits[0].models.map(({ name }) => {
    const standings = poolStandings(splits, name, ({ sampled }) => sampled);
    const full = poolStandings(splits, name, (model) => model.full);
    return {
      name,
      standings,
      sampled: { hits: perCase(standings, expectedHit), gains: perCase(standings, expectedNdcg) },
      corrected: corrections.of(standings, pooled),
      full: { hits: perCase(full, expectedHit), gains: perCase(full, expectedNdcg) },
    };
  });
}

/** Corrects sampled ranks, with one table for each number of candidates. */
export class Corrections {
  readonly #options: JudgeOptions;
  readonly #tables = new Map<string, CorrectedMetrics>();

  constructor(options: JudgeOptions) {
    this.#options = options;
  }

  /**
   * Whoever was ranked among all unseen items has exact ranks. The others' catalogues differ a little, by what their users
   * know: a table takes the mean of those that it is for.
   */
  of({ above, tied, candidates }: Standings, { cases, unseen }: PooledCases): HitsAndGains {
    const { withReplacement } = this.#options;
    const isExact = (position: number): boolean => !withReplacement && candidates[position] >= unseen[position];
    const catalogues = new Map<number, { sum: number; cases: number }>();
    for (let position = 0; position < cases; position++) {
      if (isExact(position)) continue;
      const { sum, cases: counted } = catalogues.get(candidates[position]) ?? { sum: 0, cases: 0 };
      catalogues.set(candidates[position], { sum: sum + unseen[position], cases: counted + 1 });
    }
    const tables = new Map<number, CorrectedMetrics>();
    for (const [count, { sum, cases: counted }] of catalogues) tables.set(count, this.#table(sum / counted, count));
    const hits = new Float64Array(cases);
    const gains = new Float64Array(cases);
    for (let position = 0; position < cases; position++) {
      const standing = { above: above[position], tied: tied[position] };
      const table = isExact(position) ? undefined : tables.get(candidates[position]);
      hits[position] = table === undefined ? expectedHit(standing) : table.hit(standing);
      gains[position] = table === undefined ? expectedNdcg(standing) : table.ndcg(standing);
    }
    return { hits, gains };
  }

  #table(meanCatalogue: number, candidates: number): CorrectedMetrics {
    const catalogue = Math.round(meanCatalogue);
    const key = `${catalogue} ${candidates}`;
    const { withReplacement, correctionGamma: gamma } = this.#options;
    const table = this.#tables.get(key) ?? correctSampledMetrics({ catalogue, candidates, withReplacement, gamma });
    this.#tables.set(key, table);
    return table;
  }
}
