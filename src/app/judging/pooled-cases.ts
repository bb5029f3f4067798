/** The cases of one or several splits side by side, one split after another. */
import { activityQuartiles, type CaseGroup, genreGroups, popularityGroups } from "../../core/case-groups.ts";
import type { Standings } from "../../core/evaluation.ts";
import type { CaseUsers } from "../../core/significance.ts";
import type { RankedModel, RankedSplit } from "./rank-models.ts";

export interface PooledCases {
  readonly cases: number;
  /** Undefined where each case is a user of its own. */
  readonly caseUsers: CaseUsers | undefined;
  /** Positions of the cases that were ranked against the full catalogue, too, ascending. */
  readonly fullPositions: Int32Array;
  /** Shape [cases]: items that the user has not in training, the test item included. */
  readonly unseen: Int32Array;
  /** Groups without a case are left out. */
  readonly byActivity: readonly (CaseGroup & { readonly quartile: number })[];
  readonly byPopularity: readonly (CaseGroup & { readonly quartile: number | null })[];
  readonly byGenre: readonly { readonly genre: string; readonly positions: Int32Array }[];
}

export function poolCases(splits: readonly RankedSplit[]): PooledCases {
  const starts = splits.map((_, s) => splits.slice(0, s).reduce((sum, { users }) => sum + users.length, 0));
  const shifted = (positions: Int32Array, split: number): Int32Array => positions.map((p) => p + starts[split]);
  const activity = splits.map(({ sample, users }) => activityQuartiles(sample, users));
  const popularity = splits.map(({ sample, users }) => popularityGroups(sample, users));
  const pooled = (groups: readonly CaseGroup[][], index: number): CaseGroup =>
    merged(groups.map((g, split) => ({ ...g[index], positions: shifted(g[index].positions, split) })));
  return {
    cases: splits.reduce((sum, { users }) => sum + users.length, 0),
    caseUsers: usersOfCases(splits),
    fullPositions: joined(splits.map((split, s) => shifted(fullPositions(split), s))),
    unseen: joined(splits.map(unseenCounts)),
    byActivity: [1, 2, 3, 4]
      .map((quartile) => ({ quartile, ...pooled(activity, quartile - 1) }))
      .filter(({ positions }) => positions.length > 0),
    byPopularity: [null, 1, 2, 3, 4]
      .map((quartile) => ({ quartile, ...pooled(popularity, quartile ?? 0) }))
      .filter(({ positions }) => positions.length > 0),
    byGenre: pooledGenres(splits, shifted),
  };
}

/** A model's standings over all splits. */
export function poolStandings(
  splits: readonly RankedSplit[],
  name: string,
  of: (model: RankedModel) => Standings,
): Standings {
  const parts = splits.flatMap(({ models }) => models.filter((model) => model.name === name).map(of));
  const field = (pick: (part: Standings) => Int32Array): Int32Array => joined(parts.map(pick));
  return {
    users: field((part) => part.users),
    above: field((part) => part.above),
    tied: field((part) => part.tied),
    candidates: field((part) => part.candidates),
  };
}

function joined(parts: readonly Int32Array[]): Int32Array {
  const whole = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function merged(groups: readonly CaseGroup[]): CaseGroup {
  const present = groups.filter(({ positions }) => positions.length > 0);
  return {
    positions: joined(groups.map(({ positions }) => positions)),
    minTraining: present.length === 0 ? 0 : Math.min(...present.map((group) => group.minTraining)),
    maxTraining: present.length === 0 ? 0 : Math.max(...present.map((group) => group.maxTraining)),
  };
}

/** Users of several splits are the same ones where their ids are. */
function usersOfCases(splits: readonly RankedSplit[]): CaseUsers | undefined {
  if (splits.length === 1) return undefined;
  const indexOf = new Map<number, number>();
  const ids = splits.flatMap(({ sample, users }) => Array.from(users, (user) => sample.userIds[user]));
  const userOfCase = Int32Array.from(ids, (id) => {
    const index = indexOf.get(id) ?? indexOf.size;
    indexOf.set(id, index);
    return index;
  });
  return { users: indexOf.size, userOfCase };
}

function fullPositions({ users, fullUsers }: RankedSplit): Int32Array {
  const full = new Set(fullUsers);
  return Int32Array.from(users.keys()).filter((position) => full.has(users[position]));
}

function unseenCounts({ sample, users }: RankedSplit): Int32Array {
  const { offsets } = sample.train;
  return users.map((user) => sample.itemIds.length - (offsets[user + 1] - offsets[user]));
}

function pooledGenres(
  splits: readonly RankedSplit[],
  shifted: (positions: Int32Array, split: number) => Int32Array,
): PooledCases["byGenre"] {
  const parts = new Map<string, Int32Array[]>();
  splits.forEach(({ sample, users, genres }, split) => {
    for (const { genre, positions } of genreGroups(sample, users, genres)) {
      parts.set(genre, [...(parts.get(genre) ?? []), shifted(positions, split)]);
    }
  });
  return [...parts]
    .map(([genre, positions]) => ({ genre, positions: joined(positions) }))
    .sort((a, b) => b.positions.length - a.positions.length || (a.genre < b.genre ? -1 : 1));
}
