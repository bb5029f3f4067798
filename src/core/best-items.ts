import { NcfError } from "./errors.ts";

/**
 * Positions of the `count` highest scores, best first; of equal scores the one that comes first.
 *
 * @throws NcfError `SCORE_NAN`
 */
export function bestPositions(scores: Float64Array, count: number): number[] {
  if (scores.includes(Number.NaN)) {
    throw new NcfError(
      "SCORE_NAN",
      "expected a number as score of every item, found NaN: the model is damaged, train it anew",
    );
  }
  if (count <= 0 || scores.length === 0) return [];
  const least = nthGreatest(scores, Math.min(count, scores.length));
  const above: number[] = [];
  const tied: number[] = [];
  for (let position = 0; position < scores.length; position++) {
    const score = scores[position];
    if (score > least) above.push(position);
    else if (score === least && tied.length < count) tied.push(position);
  }
  above.sort((a, b) => scores[b] - scores[a] || a - b);
  return [...above, ...tied.slice(0, count - above.length)];
}

/** The `n`-th greatest of at least `n` scores: one pass that drops what cannot be it, many times faster than sorting all. */
function nthGreatest(scores: Float64Array, n: number): number {
  const held = new Float64Array(2 * n);
  let size = 0;
  /** Once `n` scores were found to be at least as great, no other one below it matters. */
  let bound = Number.NEGATIVE_INFINITY;
  for (let position = 0; position < scores.length; position++) {
    const score = scores[position];
    if (!(score > bound)) continue;
    held[size++] = score;
    if (size < held.length) continue;
    held.sort().copyWithin(0, n);
    size = n;
    bound = held[0];
  }
  return size < n ? bound : held.subarray(0, size).sort()[size - n];
}
