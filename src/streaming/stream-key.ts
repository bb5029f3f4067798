import { mix, type StreamKey } from "../core/rng.ts";

/**
 * The key of the random stream that belongs to several integers at once, such as a user, an item and a time.
 *
 * @param base the key of the seed and purpose
 * @param values integers in ±(2^53 − 1); their order counts
 */
export function keyOfValues(base: StreamKey, ...values: readonly number[]): StreamKey {
  let { k0, k1 } = base;
  for (const value of values) {
    [k0, k1] = absorb(value >>> 0, k0, k1);
    // Two's complement: a negative value has its high word from the floor.
    [k0, k1] = absorb(Math.floor(value / 2 ** 32) >>> 0, k0, k1);
  }
  return { k0, k1 };
}

function absorb(word: number, k0: number, k1: number): [number, number] {
  return [mix(word, k0, k1), mix(word, k1 ^ 0x85ebca6b, k0)];
}
