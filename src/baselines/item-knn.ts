/**
 * Item-based collaborative filtering (Sarwar et al. 2001; Deshpande and Karypis 2004): what resembles the items of a history.
 *
 *     score(i) = Σ over items j of the history, where i is among the k neighbours of j, of w(j) · sim(i, j)
 *     sim(i, j) = c(i, j) / sqrt((n(i) + s) · (n(j) + s))
 *
 * with n(i) the users of item i, c(i, j) the users of both, s the shrinkage, which holds back items that few users touched,
 * and w(j) = 2^(−newer items / half-life), 1 without one. The k neighbours of j are the items most similar to it.
 *
 * Cost of a fit: Σ over users of (length of history)² additions; of a request: k times the length of the history; of a file:
 * 8 bytes a neighbour.
 */
import { bestPositions } from "../core/best-items.ts";
import type { StoredTensor } from "../core/safetensors.ts";
import type { Sample } from "../core/sample.ts";
import type { Baseline, BaselineKind, FitListeners } from "./baseline.ts";
import { FitWork } from "./fit-work.ts";
import { RecencyWeights } from "./recency.ts";
import { above, atLeast, checkSettings, orNull, positiveInteger } from "./settings.ts";
import { storedTensor } from "./stored.ts";
import { usersOfItems } from "./users-of-items.ts";

export type ItemKnnSettings = Readonly<{
  /** k: how many items an item of the history speaks for. */
  neighbours: number;
  /** s, in users. */
  shrinkage: number;
  /** Newer items after which an item of the history counts half; null counts all alike. */
  halfLife: number | null;
}>;

/** The items that each item speaks for. */
interface Neighbours {
  /** Shape [items + 1]: item j's neighbours lie at offsets[j] … offsets[j + 1] − 1. */
  readonly offsets: Int32Array;
  /** Shape [neighbours]: item indices, most similar first. */
  readonly items: Int32Array;
  readonly similarities: Float32Array;
}

class ItemKnn implements Baseline {
  readonly name: string;
  readonly settings: ItemKnnSettings;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly #neighbours: Neighbours;
  readonly #weights: RecencyWeights;
  /** Shape [items]: sums of the request at hand; zero between requests. */
  readonly #sums: Float64Array;

  constructor(name: string, settings: ItemKnnSettings, neighbours: Neighbours) {
    this.name = name;
    this.settings = settings;
    this.#neighbours = neighbours;
    this.#weights = new RecencyWeights(settings.halfLife);
    this.#sums = new Float64Array(neighbours.offsets.length - 1);
    this.tensors = new Map(Object.entries(neighbours).map(([key, data]) => [key, { shape: [data.length], data }]));
  }

  scoreHistory(history: Int32Array, items: Int32Array, scores: Float64Array): void {
    const { offsets, items: neighbours, similarities } = this.#neighbours;
    const sums = this.#sums;
    for (let place = 0; place < history.length; place++) {
      const item = history[place];
      const weight = this.#weights.of(history.length - 1 - place);
      for (let at = offsets[item]; at < offsets[item + 1]; at++) sums[neighbours[at]] += weight * similarities[at];
    }
    for (let i = 0; i < items.length; i++) scores[i] = sums[items[i]];
    for (const item of history) {
      for (let at = offsets[item]; at < offsets[item + 1]; at++) sums[neighbours[at]] = 0;
    }
  }
}

async function nearest(sample: Sample, settings: ItemKnnSettings, listeners?: FitListeners): Promise<Neighbours> {
  const { offsets: starts, items: histories } = sample.train;
  const catalogueSize = sample.itemIds.length;
  const byItem = usersOfItems(sample.train, catalogueSize);
  const norms = Float64Array.from({ length: catalogueSize }, (_, item) =>
    Math.sqrt(byItem.offsets[item + 1] - byItem.offsets[item] + settings.shrinkage),
  );
  const work = (user: number): number => starts[user + 1] - starts[user];
  const total = sample.userIds.reduce((sum, _, user) => sum + work(user) ** 2, catalogueSize ** 2);
  const turns = new FitWork(total, listeners);
  const similarities = new Float64Array(catalogueSize);
  const offsets = new Int32Array(catalogueSize + 1);
  const found: { items: Int32Array; similarities: Float32Array }[] = [];
  for (let item = 0; item < catalogueSize; item++) {
    similarities.fill(0);
    let operations = catalogueSize;
    for (let at = byItem.offsets[item]; at < byItem.offsets[item + 1]; at++) {
      const user = byItem.users[at];
      for (let place = starts[user]; place < starts[user + 1]; place++) similarities[histories[place]] += 1;
      operations += work(user);
    }
    similarities[item] = 0;
    for (let other = 0; other < catalogueSize; other++) similarities[other] /= norms[item] * norms[other];
    const best = bestPositions(similarities, settings.neighbours).filter((other) => similarities[other] > 0);
    found.push({ items: Int32Array.from(best), similarities: Float32Array.from(best, (other) => similarities[other]) });
    offsets[item + 1] = offsets[item] + best.length;
    await turns.add(operations);
  }
  const items = new Int32Array(offsets[catalogueSize]);
  const strengths = new Float32Array(items.length);
  found.forEach((own, item) => {
    items.set(own.items, offsets[item]);
    strengths.set(own.similarities, offsets[item]);
  });
  return { offsets, items, similarities: strengths };
}

function itemKnnKind(name: string, defaults: ItemKnnSettings): BaselineKind<ItemKnnSettings> {
  return {
    name,
    defaults,
    async fit({ sample }, settings, listeners) {
      checkSettings(name, settings, {
        neighbours: positiveInteger,
        shrinkage: atLeast(0),
        halfLife: orNull(above(0)),
      });
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

export const itemKnn = itemKnnKind("item-knn", { neighbours: 100, shrinkage: 10, halfLife: null });

/** With order: the newest items of a history count most. */
export const itemKnnRecency = itemKnnKind("item-knn-recency", { neighbours: 100, shrinkage: 10, halfLife: 8 });
