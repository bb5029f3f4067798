/**
 * What users really like. The chance that user u's next pick, at time t, is movie i, among those not yet rated and
 * already released, is in proportion to
 *
 *     (1 − c) · usual(i) · liking_usual(u, i, t) + c · famous(i) · (b + (1 − b) · liking_famous(u, i, t))
 *     liking(u, i, t) = Σ_k theta_k(u, t) · appeal_k(i) / share_k                          (k over the tastes)
 *
 * Theta(u, t) moves slowly from the tastes a user joined with to others like them. The share c of picks among the famous,
 * where famous(i) ∝ usual(i)^fameExponent, falls from a user's first rating to the last, as people first tick off
 * what everyone knows; b of these are picked by everyone alike. The matrix of chances has a low rank: what a factorization learns.
 */
import { exp, pow } from "../math.ts";
import type { Rng } from "../rng.ts";
import { AliasTable } from "./alias.ts";
import { Attraction } from "./attraction.ts";
import { type Catalogue, tasteCount, tastesPerMovie } from "./catalogue.ts";
import { generatorRng, normal } from "./streams.ts";

/** Tastes drift all the way within three years. */
const driftSeconds = 3 * 365.25 * 86_400;

/** How much of the old tastes is in the new: the correlation of log weights. */
const driftCorrelation = 0.85;

const fameExponent = 2.2;
/** The share of picks among the famous when a user begins; it falls in a straight line to 0. */
const firstConvention = 0.6;
/** The share of picks among the famous that everyone makes alike. */
const breadth = 0.2;

const allTastes = Int32Array.from({ length: tasteCount }, (_, taste) => taste);

/** A user's shares of tastes: shape [tasteCount] each, summing to 1. */
export interface UserTastes {
  readonly early: Float64Array;
  readonly late: Float64Array;
}

/** What a pick depends on besides the movie. */
export interface Mood {
  /** Shape [tasteCount]: the user's tastes at the time. */
  readonly shares: Float64Array;
  /** The share of picks among the famous. */
  readonly convention: number;
  /** The time (UTC). */
  readonly second: number;
}

/** How far a user's tastes have moved from early to late, 0 to 1. */
export function driftAt(firstSecond: number, second: number): number {
  return Math.min(1, (second - firstSecond) / driftSeconds);
}

/** The share of picks among the famous when `progress`, 0 to 1, of all of a user's ratings are made. */
export function conventionAt(progress: number): number {
  return firstConvention * (1 - progress);
}

/** The mood of a user who has made `progress`, 0 to 1, of all ratings. */
export function moodAt(tastes: UserTastes, firstSecond: number, second: number, progress: number): Mood {
  const drift = driftAt(firstSecond, second);
  const shares = tastes.early.map((early, taste) => (1 - drift) * early + drift * tastes.late[taste]);
  return { shares, convention: conventionAt(progress), second };
}

export class Preferences {
  readonly #catalogue: Catalogue;
  readonly #seed: number;
  readonly #spread: number;
  readonly #usual: Attraction;
  readonly #famous: Attraction;

  /**
   * @param weights shape [movies]: relative attraction, 0 for a movie that nobody rates
   * @param spread standard deviation of a user's log taste weights
   */
  constructor(catalogue: Catalogue, weights: Float64Array, seed: number, spread: number) {
    this.#catalogue = catalogue;
    this.#seed = seed;
    this.#spread = spread;
    this.#usual = new Attraction(catalogue, weights);
    const powered = this.#usual.chances.map((chance) => (chance === 0 ? 0 : pow(chance, fameExponent)));
    this.#famous = new Attraction(catalogue, powered);
  }

  /** The tastes of one user: each taste's share of all picks, times a personal factor. */
  tastesOf(user: number): UserTastes {
    const rng = generatorRng(this.#seed, "taste", user);
    const { tasteShares } = this.#usual;
    const early = new Float64Array(tasteCount);
    const late = new Float64Array(tasteCount);
    const fresh = Math.sqrt(1 - driftCorrelation * driftCorrelation);
    let earlyTotal = 0;
    let lateTotal = 0;
    for (let taste = 0; taste < tasteCount; taste++) {
      const z = normal(rng);
      early[taste] = tasteShares[taste] * exp(this.#spread * z);
      late[taste] = tasteShares[taste] * exp(this.#spread * (driftCorrelation * z + fresh * normal(rng)));
      earlyTotal += early[taste];
      lateTotal += late[taste];
    }
    for (let taste = 0; taste < tasteCount; taste++) {
      early[taste] /= earlyTotal;
      late[taste] /= lateTotal;
    }
    return { early, late };
  }

  /** How many times as likely as on average one with these shares of tastes picks `movie`. */
  liking(shares: Float64Array, movie: number): number {
    return this.#usual.liking(shares, movie);
  }

  /** The chance of `movie` in one pick, before leaving out what was rated; 0 before its release. */
  intensity(mood: Mood, movie: number): number {
    if (this.#catalogue.releaseSecond[movie] > mood.second || this.#usual.chances[movie] === 0) return 0;
    const { shares, convention } = mood;
    const usual = this.#usual.chances[movie] * this.#usual.liking(shares, movie);
    const famous = this.#famous.chances[movie] * (breadth + (1 - breadth) * this.#famous.liking(shares, movie));
    return (1 - convention) * usual + convention * famous;
  }

  /** Writes the intensity of every movie at once: shape [movies]. */
  allIntensities(mood: Mood, intensities: Float64Array): void {
    const { releaseSecond, appeal, tastes } = this.#catalogue;
    const { shares, convention, second } = mood;
    const factors = (attraction: Attraction, factor: number) =>
      shares.map((share, k) => (attraction.tasteShares[k] === 0 ? 0 : (factor * share) / attraction.tasteShares[k]));
    const usual = factors(this.#usual, 1 - convention);
    const famous = factors(this.#famous, convention * (1 - breadth));
    for (let movie = 0, i = 0; movie < intensities.length; movie++, i += tastesPerMovie) {
      const [k0, k1, k2] = [tastes[i], tastes[i + 1], tastes[i + 2]];
      const [a0, a1, a2] = [appeal[i], appeal[i + 1], appeal[i + 2]];
      const chance =
        this.#usual.chances[movie] * (usual[k0] * a0 + usual[k1] * a1 + usual[k2] * a2) +
        this.#famous.chances[movie] * (convention * breadth + famous[k0] * a0 + famous[k1] * a1 + famous[k2] * a2);
      intensities[movie] = releaseSecond[movie] > second ? 0 : chance;
    }
  }

  /** Draws movies for one user, in proportion to the intensity without regard to release. */
  drawerFor(tastes: UserTastes): (drift: number, convention: number, rng: Rng) => number {
    const early = new AliasTable(allTastes, tastes.early);
    let late: AliasTable | undefined;
    return (drift, convention, rng) => {
      const famous = rng.unit() < convention;
      if (famous && rng.unit() < breadth) return this.#famous.drawAny(rng);
      let table = early;
      if (drift > 0 && rng.unit() < drift) {
        late ??= new AliasTable(allTastes, tastes.late);
        table = late;
      }
      return (famous ? this.#famous : this.#usual).drawFor(table.draw(rng), rng);
    };
  }
}
