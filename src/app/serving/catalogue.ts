/** The items of a served model: ids, titles, popularity, and the search by title. */
import type { ItemDetails } from "../../core/ratings.ts";
import type { Sample } from "../../core/sample.ts";
import { IdLookup } from "./id-lookup.ts";

export interface CatalogueItem {
  readonly itemId: string;
  /** Null where the source lists none. */
  readonly title: string | null;
  readonly genres: readonly string[];
}

interface SearchIndex {
  /** Shape [items]: indices, most popular first, ties by id. */
  readonly byPopularity: Int32Array;
  /** Shape [items]: what the search compares with. */
  readonly searchable: readonly string[];
}

export class Catalogue {
  readonly ids: IdLookup;
  /** Shape [items]: training interactions. */
  readonly popularity: Int32Array;
  readonly #details: readonly (ItemDetails | undefined)[];
  #index: SearchIndex | null = null;

  constructor(sample: Pick<Sample, "itemIds" | "itemLabels">, popularity: Int32Array, items: readonly ItemDetails[]) {
    this.ids = new IdLookup(sample.itemIds, sample.itemLabels);
    this.popularity = popularity;
    const details = new Array<ItemDetails | undefined>(sample.itemIds.length).fill(undefined);
    for (const item of items) {
      const index = this.ids.indexOfNumber(item.id);
      if (index >= 0) details[index] = item;
    }
    this.#details = details;
  }

  item(index: number): CatalogueItem {
    const details = this.#details[index];
    return { itemId: this.ids.textOf(index), title: details?.title ?? null, genres: details?.genres ?? [] };
  }

  /**
   * Indices of items whose title holds every word of `query`, whatever the case and the accents: titles that start with
   * it first, those that go on with another word before those that go on with a letter; then the most popular. An empty
   * query finds all.
   */
  search(query: string, limit: number): number[] {
    const wanted = searchForm(query);
    const words = wanted.split(" ").filter((word) => word !== "");
    const found: { readonly index: number; readonly rank: number }[] = [];
    const { byPopularity, searchable } = this.#searchIndex();
    for (const index of byPopularity) {
      const title = searchable[index];
      if (!words.every((word) => title.includes(word))) continue;
      found.push({ index, rank: `${title} `.startsWith(`${wanted} `) ? 0 : title.startsWith(wanted) ? 1 : 2 });
    }
    return found
      .sort((a, b) => a.rank - b.rank)
      .slice(0, limit)
      .map(({ index }) => index);
  }

  /** Made at the first search, so that the first recommendation does not wait for it. */
  #searchIndex(): SearchIndex {
    this.#index ??= {
      byPopularity: Int32Array.from(this.popularity.keys()).sort(
        (a, b) => this.popularity[b] - this.popularity[a] || a - b,
      ),
      searchable: this.#details.map((item, index) => searchForm(item?.title ?? this.ids.textOf(index))),
    };
    return this.#index;
  }
}

/** Lower case without accents, words a space apart. */
function searchForm(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}
