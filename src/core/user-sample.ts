/** Which users a sample holds. */
import { NcfError } from "./errors.ts";
import { Mt19937 } from "./mt19937.ts";
import { mix, purposes, streamKey } from "./rng.ts";

/**
 * `hash`: the users with the smallest hash(seed, id), so that a smaller fraction is a subset of a larger one and the
 * order of the file does not count. `numpy123`: the draw of the paper, numpy's
 * `RandomState(123).choice(ids, n, replace=False)` over the ids in order of appearance.
 */
export type UserSampler = "hash" | "numpy123";

export interface UserSampleOptions {
  /** Share of the users, above 0 to 1: exactly floor(fraction × users) of them. */
  readonly fraction: number;
  readonly sampler: UserSampler;
  /** Used by `hash` only. */
  readonly seed: number;
}

/**
 * Marks the chosen users.
 *
 * @param userIds shape [users], numeric ids in order of first appearance in the file
 * @returns shape [users], 1 for a chosen user
 * @throws NcfError `FRACTION_INVALID`
 */
export function selectUsers(userIds: Float64Array, options: UserSampleOptions): Uint8Array {
  const { fraction, sampler, seed } = options;
  if (!(fraction > 0 && fraction <= 1)) {
    throw new NcfError("FRACTION_INVALID", `expected a fraction above 0 and up to 1, found ${fraction}`);
  }
  const count = Math.floor(fraction * userIds.length);
  const chosen = sampler === "numpy123" ? numpyDraw(userIds.length, count) : smallestHashes(userIds, count, seed);
  const mask = new Uint8Array(userIds.length);
  for (const index of chosen) mask[index] = 1;
  return mask;
}

/** Indices in draw order: numpy permutes all indices and takes the first `count`. */
function numpyDraw(population: number, count: number): Int32Array {
  const indices = Int32Array.from({ length: population }, (_, i) => i);
  new Mt19937(123).shuffle(indices);
  return indices.subarray(0, count);
}

function smallestHashes(userIds: Float64Array, count: number, seed: number): Int32Array {
  const { k0, k1 } = streamKey(seed, purposes.userSample);
  const hashes = new Uint32Array(userIds.length);
  for (let i = 0; i < userIds.length; i++) {
    const low = userIds[i] >>> 0;
    const high = Math.floor(userIds[i] / 2 ** 32);
    hashes[i] = mix(low ^ mix(high, k1, k0), k0, k1);
  }
  const indices = Int32Array.from({ length: userIds.length }, (_, i) => i);
  indices.sort((a, b) => hashes[a] - hashes[b] || userIds[a] - userIds[b]);
  return indices.subarray(0, count);
}
