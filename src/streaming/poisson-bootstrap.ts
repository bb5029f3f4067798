/**
 * Bootstrap without per-user state: in each replicate, a user weighs Poisson(1) in a window, by hash. All of a user's
 * events in a window get the same weight, so that users are resampled, not events; sums of replicates add up like any
 * others, and as all contenders have the same weights, replicates of differences are differences of replicates.
 */
import { exp } from "../core/math.ts";
import { mix, purposes, streamKey } from "../core/rng.ts";
import { keyOfValues } from "./stream-key.ts";

export const replicateCount = 100;

/** thresholds[k] = 2^32 · P(weight ≤ k). */
const thresholds = poissonThresholds();

function poissonThresholds(): Float64Array {
  const thresholds = new Float64Array(13);
  let probability = exp(-1);
  let cumulative = 0;
  for (let k = 0; k < thresholds.length; k++) {
    cumulative += probability;
    thresholds[k] = Math.round(cumulative * 2 ** 32);
    probability /= k + 1;
  }
  return thresholds;
}

/**
 * The weights of a user, one a replicate.
 *
 * @param windowStartMs of the window that they are for; null for weights that are the same in all windows
 * @param weights shape [replicates], written
 */
export function poissonWeights(seed: number, userId: number, windowStartMs: number | null, weights: Uint8Array): void {
  const key = streamKey(seed, purposes.streamBootstrap);
  const { k0, k1 } = windowStartMs === null ? keyOfValues(key, userId) : keyOfValues(key, userId, windowStartMs);
  for (let replicate = 0; replicate < weights.length; replicate++) {
    const bits = mix(replicate, k0, k1);
    let weight = 0;
    while (bits >= thresholds[weight]) weight += 1;
    weights[replicate] = weight;
  }
}
