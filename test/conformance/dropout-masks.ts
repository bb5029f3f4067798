/** Dropout masks in the form that the golden fixture hashes. */
import { purposes, streamKey } from "../../src/core/rng.ts";
import { keepsActivation } from "../../src/ncf/batches.ts";
import type { NcfConfig } from "../../src/ncf/config.ts";

/**
 * The masks of one step, one a regularized hidden layer: shape [rows, width] as bits, row-major, 1 = kept, the lowest
 * bit of a byte first. Empty where nothing is dropped.
 */
export function packedDropoutMasks(config: NcfConfig, seed: number, step: number, rows: number): Uint8Array[] {
  const { mlp } = config;
  if (mlp === null || mlp.dropout === 0) return [];
  return mlp.hidden.slice(0, mlp.regularizedLayers).map((width, layer) => {
    const key = streamKey(seed, purposes.dropout + layer, step);
    const packed = new Uint8Array((rows * width) / 8);
    for (let i = 0; i < rows * width; i++) {
      if (keepsActivation(key, mlp.dropout, width, Math.floor(i / width), i % width)) packed[i >> 3] |= 1 << (i & 7);
    }
    return packed;
  });
}
