/**
 * Item-based collaborative filtering (Sarwar et al. 2001; Deshpande and Karypis 2004): what resembles the items of a history.
 *
 *     score(i) = Σ over items j of the history, where i is among the k neighbours of j, of (1 + newer(j))^−recency · sim(i, j)
 *     sim(i, j) = c(i, j) / sqrt((n(i) + s) · (n(j) + s))
 *     c(i, j) = Σ over the users of both of (1 + places from i to j in their history)^−fitRecency
 *
 * with n(i) the users of item i, s the shrinkage, which holds back items that few users touched, and newer(j) the number of
 * newer items in the history. The k neighbours of j are the items most similar to it. With recency and fitRecency 0, where
 * order does not count, c(i, j) is the number of users of both, and sim the cosine of their columns. The defaults are those
 * of the best mean HR@10 on the validation splits of ml-latest-small and ML-100K (bench/rivals-tuning.ts); with order 800
 * neighbours do 0.3 points better than 200, for four times the file.
 *
 * Cost of a fit: Σ over users of (length of history)² additions, and items² comparisons; of a request: k times the length of
 * the history; of a file: 8 bytes a neighbour.
 */
import { bestPositions } from "../core/best-items.ts";
import type { StoredTensor } from "../core/safetensors.ts";
import type { Sample } from "../core/sample.ts";
import type { Baseline, BaselineKind, BaselineSettings, FitListeners } from "./baseline.ts";
import { CoOccurrences } from "./co-occurrences.ts";
import { FitWork } from "./fit-work.ts";
import { PlaceWeights } from "./place-weights.ts";
import { atLeast, checkSettings, positiveInteger } from "./settings.ts";
import { storedTensor } from "./stored.ts";

export type ItemKnnSettings = Readonly<{
  /** k: how many items an item of the history speaks for. */
  neighbours: number;
  /** s, in users. */
  shrinkage: number;
  /** How fast an item of the history counts less with the number of newer ones; 0 knows no order. */
  recency: number;
  /** How fast two items of a training history count less for each other with their distance in it; 0 knows no order. */
  fitRecency: number;
}>;

/** The items that each item speaks for. */
type Neighbours = Readonly<{
  /** Shape [items + 1]: item j's neighbours lie at offsets[j] … offsets[j + 1] − 1. */
  offsets: Int32Array;
  /** Shape [neighbours]: item indices, most similar first. */
  items: Int32Array;
  similarities: Float32Array;
}>;

class ItemKnn implements Baseline {
  readonly name: string;
  readonly settings: ItemKnnSettings;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly #neighbours: Neighbours;
  readonly #weights: PlaceWeights;
  /** Shape [items]: sums of the request at hand; zero between requests. */
  readonly #sums: Float64Array;

  constructor(name: string, settings: ItemKnnSettings, neighbours: Neighbours) {
    this.name = name;
    this.settings = settings;
    this.#neighbours = neighbours;
    this.#weights = new PlaceWeights(settings.recency);
    this.#sums = new Float64Array(neighbours.offsets.length - 1);
    this.tensors = new Map(Object.entries(neighbours).map(([key, data]) => [key, { shape: [data.length], data }]));
  }

  scoreHistory(history: Int32Array, items: Int32Array, scores: Float64Array): void {
    const { offsets, items: neighbours, similarities } = this.#neighbours;
    const sums = this.#sums;
    const weights = this.#weights.of(history.length);
    for (let place = 0; place < history.length; place++) {
      const end = offsets[history[place] + 1];
      for (let at = offsets[history[place]]; at < end; at++) sums[neighbours[at]] += weights[place] * similarities[at];
    }
    for (let i = 0; i < items.length; i++) scores[i] = sums[items[i]];
    for (const item of history) {
      for (let at = offsets[item]; at < offsets[item + 1]; at++) sums[neighbours[at]] = 0;
    }
  }
}

async function nearest(sample: Sample, settings: ItemKnnSettings, listeners?: FitListeners): Promise<Neighbours> {
  const together = new CoOccurrences(sample, settings.fitRecency);
  const { offsets: first } = together.users;
  const size = sample.itemIds.length;
  const norms = Float64Array.from({ length: size }, (_, item) =>
    Math.sqrt(first[item + 1] - first[item] + settings.shrinkage),
  );
  const work = new FitWork(together.operations + size ** 2, listeners);
  const offsets = new Int32Array(size + 1);
  const items: Int32Array[] = [];
  const similarities: Float32Array[] = [];
  const row = new Float64Array(size);
  for (let item = 0; item < size; item++) {
    row.fill(0);
    const additions = together.addTo(row, item);
    row[item] = 0;
    for (let other = 0; other < size; other++) if (row[other] > 0) row[other] /= norms[item] * norms[other];
    const best = bestPositions(row, settings.neighbours).filter((other) => row[other] > 0);
    items.push(Int32Array.from(best));
    similarities.push(Float32Array.from(best, (other) => row[other]));
    offsets[item + 1] = offsets[item] + best.length;
    await work.add(additions + size);
  }
  const joined = { offsets, items: new Int32Array(offsets[size]), similarities: new Float32Array(offsets[size]) };
  for (let item = 0; item < size; item++) {
    joined.items.set(items[item], offsets[item]);
    joined.similarities.set(similarities[item], offsets[item]);
  }
  return joined;
}

function itemKnnKind(name: string, defaults: ItemKnnSettings): BaselineKind<ItemKnnSettings> {
  const check = (settings: BaselineSettings): void =>
    checkSettings(name, settings, {
      neighbours: positiveInteger,
      shrinkage: atLeast(0),
      recency: atLeast(0),
      fitRecency: atLeast(0),
    });
  return {
    name,
    defaults,
    check,
    async fit({ sample }, settings, listeners) {
      check(settings);
      return new ItemKnn(name, settings, await nearest(sample, settings, listeners));
    },
    load: (settings, tensors) =>
      new ItemKnn(name, settings, {
        offsets: storedTensor(tensors, "offsets", Int32Array),
        items: storedTensor(tensors, "items", Int32Array),
        similarities: storedTensor(tensors, "similarities", Float32Array),
      }),
  };
}

export const itemKnn = itemKnnKind("item-knn", { neighbours: 100, shrinkage: 5, recency: 0, fitRecency: 0 });

/** With order: the newest items of a history count most, and items that were taken one soon after the other. */
export const itemKnnRecency = itemKnnKind("item-knn-recency", {
  neighbours: 200,
  shrinkage: 5,
  recency: 1,
  fitRecency: 1,
});
