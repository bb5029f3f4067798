/**
 * Estimates what a metric over the full catalogue would be from ranks among sampled candidates: the bias-variance
 * estimator of Krichene and Rendle, "On Sampled Metrics for Item Recommendation" (KDD 2020), section 6.
 *
 * An item of rank r among n has, among m = 1 + negatives candidates, the sampled rank 1 + X, where X is hypergeometric
 * (distinct negatives) or binomial (with replacement) with success share (r − 1) / (n − 1). A sampled metric gives each
 * sampled rank s a value; the corrected one gives it the value v(s) that minimizes, over ranks r that are equally likely,
 *
 *     Σ_r (1/n) · [ (1 − γ) · (E[v(s) | r] − metric(r))² + γ · (bias² + Var[v(s) | r]) ]
 *
 * With p_r(s) = P(s | r), that is the linear system ((1 − γ) Σ p_r p_rᵀ / n + γ diag(Σ p_r / n)) v = Σ p_r metric(r) / n.
 * v may be negative: only its mean over many users is an estimate. A small γ leaves little bias and much variance.
 */
import { factorize, solveFactorized } from "./linear-algebra.ts";
import { expectedHit, expectedNdcg, listLength, type Standing } from "./ranking-metrics.ts";

export interface CorrectionOptions {
  /** Items that the test item would be ranked among, itself included; at least `candidates`. */
  readonly catalogue: number;
  /** Items that it was ranked among, itself included; at least 1. */
  readonly candidates: number;
  readonly withReplacement: boolean;
  /** How much variance counts against bias, above 0 to 1. */
  readonly gamma: number;
}

/** The corrected metrics of sampled ranks, averaged over a random order of the tied. */
export interface CorrectedMetrics {
  hit(standing: Standing): number;
  ndcg(standing: Standing): number;
}

/** Ranks looked at for each candidate: in a larger catalogue, the sum over ranks takes equally wide cells by their middle. */
const cellsPerCandidate = 32;

/** Takes about candidates² · min(catalogue, 32 · candidates) / 2 multiplications. */
export function correctSampledMetrics(options: CorrectionOptions): CorrectedMetrics {
  const { catalogue, candidates, gamma } = options;
  const system = new Float64Array(candidates * candidates);
  // An odd width, so that the middle is a rank.
  const width = Math.floor(catalogue / (cellsPerCandidate * candidates)) | 1;
  for (let from = 1; from <= catalogue; from += width) {
    const to = Math.min(from + width, catalogue + 1);
    const chances = sampledRankChances((from + to - 1) >>> 1, options);
    const weight = (to - from) / catalogue;
    for (let i = 0; i < candidates; i++) {
      if (chances[i] === 0) continue;
      const scaled = (1 - gamma) * weight * chances[i];
      for (let j = 0; j <= i; j++) system[i * candidates + j] += scaled * chances[j];
      system[i * candidates + i] += gamma * weight * chances[i];
    }
  }
  factorize(system, candidates);
  const solve = (metric: (standing: Standing) => number): ((standing: Standing) => number) => {
    const values = new Float64Array(candidates);
    for (let rank = 1; rank <= Math.min(listLength, catalogue); rank++) {
      const gain = metric({ above: rank - 1, tied: 0 }) / catalogue;
      sampledRankChances(rank, options).forEach((chance, i) => {
        values[i] += gain * chance;
      });
    }
    solveFactorized(system, values, candidates);
    return ({ above, tied }) => values.subarray(above, above + tied + 1).reduce((a, b) => a + b, 0) / (tied + 1);
  };
  return { hit: solve(expectedHit), ndcg: solve(expectedNdcg) };
}

/**
 * P(sampled rank = i + 1 | rank), shape [candidates]: from the likeliest value outwards by the ratio of neighbours, so
 * that nothing underflows, then normalized.
 */
function sampledRankChances(rank: number, { catalogue, candidates, withReplacement }: CorrectionOptions): Float64Array {
  const [above, below, draws] = [rank - 1, catalogue - rank, candidates - 1];
  const chances = new Float64Array(candidates);
  /** P(x + 1) / P(x) for x drawn from above. */
  const ratio = (x: number): number =>
    withReplacement
      ? ((draws - x) * above) / ((x + 1) * below)
      : ((draws - x) * (above - x)) / ((x + 1) * (below - draws + x + 1));
  const likeliest = withReplacement
    ? Math.min(draws, Math.floor(((draws + 1) * above) / Math.max(1, catalogue - 1)))
    : Math.min(draws, above, Math.floor(((draws + 1) * (above + 1)) / (catalogue + 1)));
  chances[likeliest] = 1;
  let sum = 1;
  for (let x = likeliest; x < draws && chances[x] > 0; x++) sum += chances[x + 1] = chances[x] * ratio(x);
  for (let x = likeliest; x > 0 && chances[x] > 0; x--) sum += chances[x - 1] = chances[x] / ratio(x - 1);
  return chances.map((chance) => chance / sum);
}
