/** What recommended lists are like apart from being right: who is in them, how often, how well known, how mixed. */
import { trainingCounts } from "./leave-one-out.ts";
import { log } from "./math.ts";
import type { Sample } from "./sample.ts";

export interface ListQuality {
  /** Lists looked at, one a user. */
  readonly lists: number;
  /** Share of the catalogue that is in some list. */
  readonly coverage: number;
  /** Gini coefficient of how often each catalogue item is recommended: 0 all alike, near 1 the same few to everybody. */
  readonly gini: number;
  /** Mean number of training interactions of what is recommended ("average recommendation popularity"). */
  readonly meanPopularity: number;
  /**
   * Mean self-information of what is recommended, −log2(users who have it / users), in bits (Zhou et al. 2010); an item
   * without a training interaction counts as if it had one.
   */
  readonly novelty: number;
  /** Mean over lists of the mean Jaccard distance of the genres of two items; null where genres are unknown. */
  readonly diversity: number | null;
}

/**
 * @param lists each user's recommended items, best first
 * @param genres shape [items]; empty where there are none at all, and an item without genres is left out of its pairs
 */
export function listQuality(
  sample: Sample,
  genres: readonly (readonly string[])[],
  lists: readonly Int32Array[],
): ListQuality {
  const items = sample.itemIds.length;
  const popularity = trainingCounts(sample);
  const recommended = new Float64Array(items);
  const self = Float64Array.from(popularity, (count) => -log(Math.max(1, count) / sample.userIds.length) / Math.LN2);
  let [places, popular, information] = [0, 0, 0];
  for (const list of lists) {
    places += list.length;
    for (const item of list) {
      recommended[item] += 1;
      popular += popularity[item];
      information += self[item];
    }
  }
  return {
    lists: lists.length,
    coverage: recommended.reduce((known, count) => known + (count > 0 ? 1 : 0), 0) / Math.max(1, items),
    gini: gini(recommended),
    meanPopularity: popular / Math.max(1, places),
    novelty: information / Math.max(1, places),
    diversity: meanDiversity(genres, lists),
  };
}

/** Σ (2 i − n − 1) x_i / (n Σ x) over x ascending, i = 1 … n; 0 where all are 0. */
function gini(counts: Float64Array): number {
  const ascending = counts.slice().sort();
  const n = ascending.length;
  let [weighted, sum] = [0, 0];
  ascending.forEach((x, i) => {
    weighted += (2 * (i + 1) - n - 1) * x;
    sum += x;
  });
  return sum === 0 ? 0 : weighted / (n * sum);
}

function meanDiversity(genres: readonly (readonly string[])[], lists: readonly Int32Array[]): number | null {
  const sets = genreSets(genres);
  let [sum, counted] = [0, 0];
  for (const list of lists) {
    const known = Array.from(list, (item) => sets[item]).filter((set) => set !== undefined && set.size > 0);
    if (known.length < 2) continue;
    sum += meanDistance(known);
    counted += 1;
  }
  return counted === 0 ? null : sum / counted;
}

/** Items of the same genres share one set. */
function genreSets(genres: readonly (readonly string[])[]): ReadonlySet<string>[] {
  const shared = new Map<string, ReadonlySet<string>>();
  return genres.map((names) => {
    const key = names.join("|");
    const set = shared.get(key) ?? new Set(names);
    shared.set(key, set);
    return set;
  });
}

function meanDistance(sets: readonly ReadonlySet<string>[]): number {
  let sum = 0;
  for (let i = 0; i < sets.length; i++) {
    for (let j = 0; j < i; j++) sum += jaccardDistance(sets[i], sets[j]);
  }
  return (2 * sum) / (sets.length * (sets.length - 1));
}

/** 1 − |a ∩ b| / |a ∪ b| of sets that are not both empty. */
function jaccardDistance(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  if (a === b) return 0;
  let common = 0;
  for (const name of a) if (b.has(name)) common += 1;
  return 1 - common / (a.size + b.size - common);
}
