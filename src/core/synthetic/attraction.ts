/** Movies by how much they attract, arranged for drawing one that suits a taste. */
import type { Rng } from "../rng.ts";
import { AliasTable } from "./alias.ts";
import { type Catalogue, tasteCount, tastesPerMovie } from "./catalogue.ts";

export class Attraction {
  /** Shape [movies]: the chance of a movie in an average user's pick, summing to 1. */
  readonly chances: Float64Array;
  /** Shape [tasteCount]: the part of all picks that each taste has, summing to 1. */
  readonly tasteShares: Float64Array;
  readonly #catalogue: Catalogue;
  readonly #byTaste: readonly AliasTable[];
  readonly #overall: AliasTable;

  /** @param weights shape [movies]: relative attraction, 0 for a movie that is never picked */
  constructor(catalogue: Catalogue, weights: Float64Array) {
    this.#catalogue = catalogue;
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    this.chances = weights.map((weight) => weight / total);
    this.tasteShares = new Float64Array(tasteCount);
    const movies: number[][] = Array.from({ length: tasteCount }, () => []);
    const parts: number[][] = Array.from({ length: tasteCount }, () => []);
    for (let i = 0; i < catalogue.tastes.length; i++) {
      const movie = Math.floor(i / tastesPerMovie);
      if (this.chances[movie] === 0) continue;
      const taste = catalogue.tastes[i];
      const part = this.chances[movie] * catalogue.appeal[i];
      movies[taste].push(movie);
      parts[taste].push(part);
      this.tasteShares[taste] += part;
    }
    this.#byTaste = movies.map((list, taste) => new AliasTable(Int32Array.from(list), Float64Array.from(parts[taste])));
    this.#overall = new AliasTable(Int32Array.from(this.chances.keys()), this.chances);
  }

  /** How many times as likely as on average one picks `movie` who has these shares of tastes: shape [tasteCount]. */
  liking(shares: Float64Array, movie: number): number {
    const { appeal, tastes } = this.#catalogue;
    let sum = 0;
    for (let i = movie * tastesPerMovie; i < (movie + 1) * tastesPerMovie; i++) {
      if (this.tasteShares[tastes[i]] > 0) sum += (shares[tastes[i]] * appeal[i]) / this.tasteShares[tastes[i]];
    }
    return sum;
  }

  /** A movie for one taste. */
  drawFor(taste: number, rng: Rng): number {
    return this.#byTaste[taste].draw(rng);
  }

  /** A movie whatever the taste. */
  drawAny(rng: Rng): number {
    return this.#overall.draw(rng);
  }
}
