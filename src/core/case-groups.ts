/** Tested users in groups by what they, or their test items, are like. Cases are positions in the list of tested users. */
import { trainingCounts } from "./leave-one-out.ts";
import type { Sample } from "./sample.ts";

export interface CaseGroup {
  /** Positions of `users`. */
  readonly positions: Int32Array;
  /** Least and most training interactions, of the users or of the test items; 0 in an empty group. */
  readonly minTraining: number;
  readonly maxTraining: number;
}

/** Quarters of the users by training count, the least active first; ties in the count go by user id. */
export function activityQuartiles(sample: Sample, users: Int32Array): CaseGroup[] {
  const { offsets } = sample.train;
  const trained = Int32Array.from(users, (user) => offsets[user + 1] - offsets[user]);
  return quarters(positionsOf(users), trained);
}

/**
 * By how well known the test item is: first the cases whose test item has no training interaction ("cold"), then quarters of
 * the others by its training count, the least popular first; ties in the count go by user id.
 */
export function popularityGroups(sample: Sample, users: Int32Array): CaseGroup[] {
  const counts = trainingCounts(sample);
  const popularity = Int32Array.from(users, (user) => counts[sample.testItems[user]]);
  const positions = positionsOf(users);
  const cold = positions.filter((position) => popularity[position] === 0);
  const warm = positions.filter((position) => popularity[position] > 0);
  return [{ positions: cold, minTraining: 0, maxTraining: 0 }, ...quarters(warm, popularity)];
}

/** By genre of the test item, which counts in each of its genres; genres by number of cases, then by name. */
export function genreGroups(
  sample: Sample,
  users: Int32Array,
  genres: readonly (readonly string[])[],
): { readonly genre: string; readonly positions: Int32Array }[] {
  const positionsOfGenre = new Map<string, number[]>();
  users.forEach((user, position) => {
    for (const genre of new Set(genres[sample.testItems[user]] ?? [])) {
      const positions = positionsOfGenre.get(genre) ?? [];
      positions.push(position);
      positionsOfGenre.set(genre, positions);
    }
  });
  return [...positionsOfGenre]
    .map(([genre, positions]) => ({ genre, positions: Int32Array.from(positions) }))
    .sort((a, b) => b.positions.length - a.positions.length || (a.genre < b.genre ? -1 : 1));
}

function positionsOf(users: Int32Array): Int32Array {
  return Int32Array.from(users.keys());
}

function quarters(positions: Int32Array, count: Int32Array): CaseGroup[] {
  const order = positions.slice().sort((a, b) => count[a] - count[b] || a - b);
  const bound = (quarter: number): number => Math.round((quarter * order.length) / 4);
  return [0, 1, 2, 3].map((quarter) => {
    const part = order.slice(bound(quarter), bound(quarter + 1));
    return {
      positions: part,
      minTraining: part.length === 0 ? 0 : count[part[0]],
      maxTraining: part.length === 0 ? 0 : count[part[part.length - 1]],
    };
  });
}
