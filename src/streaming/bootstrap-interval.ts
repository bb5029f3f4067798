/** Intervals from the replicates of a bootstrap over users, whose sums of metrics are in units of 1e-9. */

export type Interval = [low: number, high: number] | null;

/** Of the ratio of the two sums: the standard deviation over replicates; null where too few have a case. */
export function standardError(numerators: readonly number[], cases: readonly number[]): number | null {
  // A replicate in which no user weighs anything says nothing.
  const ratios = numerators.map((sum, r) => sum / (1e9 * cases[r])).filter((_, r) => cases[r] > 0);
  if (ratios.length < 2) return null;
  const mean = ratios.reduce((sum, value) => sum + value, 0) / ratios.length;
  const squares = ratios.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (ratios.length - 1));
}

/**
 * 1.96 standard errors on both sides, within `least` … 1. Of 100 replicates the outer percentiles are noisy: in simulations
 * of 10 to 600 users, this interval held the truth in 1 to 2 points more of the cases.
 */
export function intervalAround(estimate: number, error: number | null, least: number): Interval {
  if (error === null) return null;
  const halfWidth = 1.959964 * error;
  return [Math.max(least, estimate - halfWidth), Math.min(1, estimate + halfWidth)];
}
