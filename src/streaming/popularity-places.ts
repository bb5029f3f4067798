/** How a version's two frozen tables of popularity rank candidates. */
import { NcfError } from "../core/errors.ts";
import type { Standing } from "../core/ranking-metrics.ts";
import type { StreamModel } from "./stream-model.ts";

export type PopularityTables = Pick<StreamModel, "version" | "popularity" | "decayedPopularity">;

export class PopularityPlaces {
  /**
   * Shape [items, 2]: the places of an item's values in the orders of the two tables, equal for equal values. Ranking needs
   * the order alone, and both places lie in one line of the cache.
   */
  readonly #places: Int32Array;

  /** @throws NcfError `SCORE_NAN` */
  constructor({ version, popularity, decayedPopularity }: PopularityTables) {
    this.#places = new Int32Array(2 * popularity.length);
    [popularity, decayedPopularity].forEach((table, of) => {
      if (table.some(Number.isNaN)) {
        throw new NcfError("SCORE_NAN", `model version ${version}: expected a number as popularity, found NaN`);
      }
      const ascending = table.toSorted();
      table.forEach((value, item) => {
        this.#places[2 * item + of] = placeOf(value, ascending);
      });
    });
  }

  /** How the first candidate stands among all by popularity, and by decayed popularity. */
  standings(candidates: Int32Array): readonly [Standing, Standing] {
    const places = this.#places;
    const own = places[2 * candidates[0]];
    const ownDecayed = places[2 * candidates[0] + 1];
    let [above, tied, aboveDecayed, tiedDecayed] = [0, 0, 0, 0];
    for (let i = 1; i < candidates.length; i++) {
      const place = places[2 * candidates[i]];
      const decayed = places[2 * candidates[i] + 1];
      // Without branches, which would go either way half of the time.
      above += +(place > own);
      tied += +(place === own);
      aboveDecayed += +(decayed > ownDecayed);
      tiedDecayed += +(decayed === ownDecayed);
    }
    return [
      { above, tied },
      { above: aboveDecayed, tied: tiedDecayed },
    ];
  }
}

/** How many values are below. */
function placeOf(value: number, ascending: Float64Array): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
