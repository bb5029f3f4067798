/** One independent stream of random numbers for each thing that the generator draws. */
import { normalQuantile } from "../math.ts";
import { purposes, Rng, streamKey } from "../rng.ts";

const kinds = {
  tasteProfiles: 0,
  movie: 1,
  activity: 2,
  start: 3,
  taste: 4,
  sittings: 5,
  draws: 6,
  firstRaters: 7,
  ratings: 8,
} as const;

/** The random numbers of `kind` for the movie or user `index`, below 2^28. */
export function generatorRng(seed: number, kind: keyof typeof kinds, index = 0): Rng {
  return new Rng(streamKey(seed, purposes.generator, index * 16 + kinds[kind]));
}

/** Shape [4096]: the standard normal quantile function at the middle of equal steps. */
const normalSteps = Float64Array.from({ length: 4096 }, (_, i) => normalQuantile((i + 0.5) / 4096));

/** A draw from the standard normal distribution, to 12 bits: ample for made-up tastes, and four times faster. */
export function normal(rng: Rng): number {
  return normalSteps[rng.bits() >>> 20];
}
