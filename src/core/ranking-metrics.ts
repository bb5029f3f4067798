/**
 * HR@10 and NDCG@10 of one test item, as the expected value over a random order of the candidates tied with it. So a
 * constant scorer gets exactly k / candidates, not 1 or 0 by accident of a sort.
 */

/** The length of the recommended list. */
export const listLength = 10;

/** How a test item stands among its candidates. */
export interface Standing {
  /** Candidates with a strictly higher score. */
  readonly above: number;
  /** Other candidates with an equal score. */
  readonly tied: number;
}

/** clamp((10 − above) / (tied + 1), 0, 1): the share of the tied positions that lie in the list. */
export function expectedHit({ above, tied }: Standing): number {
  return Math.min(1, Math.max(0, (listLength - above) / (tied + 1)));
}

/** 1 / log2(rank + 1) of a 1-based rank in the list, else 0. */
function discountedGain(rank: number): number {
  return rank <= listLength ? gains[rank - 1] : 0;
}

/** The mean gain over the ranks above + 1 … above + tied + 1. */
export function expectedNdcg({ above, tied }: Standing): number {
  let sum = 0;
  for (let rank = above + 1; rank <= Math.min(above + tied + 1, listLength); rank++) sum += discountedGain(rank);
  return sum / (tied + 1);
}

/** The hit if the test item came first among the tied. */
export function optimisticHit({ above }: Standing): number {
  return above < listLength ? 1 : 0;
}

/** The hit if it came last. */
export function pessimisticHit({ above, tied }: Standing): number {
  return above + tied < listLength ? 1 : 0;
}

/** 1 / log2(r + 1) for r = 1 … 10, written out: `Math.log2` may differ between engines in the last digit. */
const gains = [
  1, 0.6309297535714575, 0.5, 0.43067655807339306, 0.38685280723454163, 0.3562071871080222, 0.3333333333333333,
  0.31546487678572877, 0.30102999566398114, 0.2890648263178879,
];
