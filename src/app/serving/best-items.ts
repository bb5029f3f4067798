import { NcfError } from "../../core/errors.ts";

/**
 * Positions of the `count` highest scores, best first; of equal scores the one that comes first.
 *
 * @throws NcfError `SCORE_NAN`
 */
export function bestPositions(scores: Float64Array, count: number): number[] {
  if (scores.some(Number.isNaN)) {
    throw new NcfError(
      "SCORE_NAN",
      "expected a number as score of every item, found NaN: the model is damaged, train it anew",
    );
  }
  if (count <= 0 || scores.length === 0) return [];
  // Sorting plain numbers is many times faster than sorting positions by a comparator.
  const least = scores.toSorted()[Math.max(0, scores.length - count)];
  const above: number[] = [];
  const tied: number[] = [];
  scores.forEach((score, position) => {
    if (score > least) above.push(position);
    else if (score === least && tied.length < count) tied.push(position);
  });
  above.sort((a, b) => scores[b] - scores[a] || a - b);
  return [...above, ...tied.slice(0, count - above.length)];
}
