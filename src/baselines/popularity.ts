/**
 * The baseline that any model must beat: the items with the most training interactions, the same for everybody.
 *
 *     score(i) = Σ over training interactions with i of 2^(−age / half-life)
 *
 * where `popularity` has no half-life and counts each as 1, and `decayed-popularity` forgets: this month's favourites.
 * (Ji et al. 2020, "A re-visit of the popularity baseline in recommender systems", on why time belongs into it.)
 *
 * Cost of a fit: one pass over the interactions; of a request: one look-up a candidate; of a file: 8 bytes an item.
 */
import { byTrainingHistory } from "../core/by-history.ts";
import { trainingCounts } from "../core/leave-one-out.ts";
import type { Recommender } from "../core/recommender.ts";
import type { StoredTensor } from "../core/safetensors.ts";
import type { Sample } from "../core/sample.ts";
import type { Baseline, BaselineKind, BaselineSettings } from "./baseline.ts";
import { decayedCounts } from "./decayed-counts.ts";
import { above, checkSettings, orNull } from "./settings.ts";
import { storedTensor } from "./stored.ts";

export type PopularitySettings = Readonly<{
  /** Days after which an interaction counts half; null counts all alike. */
  halfLifeDays: number | null;
}>;

const dayMs = 86_400_000;

class Popularity implements Baseline {
  readonly name: string;
  readonly settings: PopularitySettings;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Shape [items]. */
  readonly #counts: Float64Array;

  constructor(name: string, settings: PopularitySettings, counts: Float64Array) {
    this.name = name;
    this.settings = settings;
    this.tensors = new Map([["counts", { shape: [counts.length], data: counts }]]);
    this.#counts = counts;
  }

  scoreHistory(_history: Int32Array, items: Int32Array, scores: Float64Array): void {
    for (let i = 0; i < items.length; i++) scores[i] = this.#counts[items[i]];
  }
}

function popularityKind(name: string, defaults: PopularitySettings): BaselineKind<PopularitySettings> {
  const check = (settings: BaselineSettings): void => checkSettings(name, settings, { halfLifeDays: orNull(above(0)) });
  return {
    name,
    defaults,
    check,
    async fit({ sample }, settings) {
      check(settings);
      return new Popularity(name, settings, countsOf(sample, settings));
    },
    load: (settings, tensors) => new Popularity(name, settings, storedTensor(tensors, "counts", Float64Array)),
  };
}

function countsOf(sample: Sample, { halfLifeDays }: PopularitySettings): Float64Array {
  if (halfLifeDays === null) return Float64Array.from(trainingCounts(sample));
  return decayedCounts(sample.train, sample.itemIds.length, halfLifeDays * dayMs);
}

export const popularity = popularityKind("popularity", { halfLifeDays: null });

/**
 * Half a year: what an item gained two years ago counts a sixteenth. Streams compare with the same; the validation splits by
 * leave-one-out, which mix times, prefer to forget more slowly.
 */
export const decayedPopularity = popularityKind("decayed-popularity", { halfLifeDays: 26 * 7 });

/** What stands beside every model, at once. */
export function popularityOf(sample: Sample): Recommender {
  const { name, defaults } = popularity;
  return byTrainingHistory(new Popularity(name, defaults, countsOf(sample, defaults)), sample);
}
