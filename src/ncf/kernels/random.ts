/** Counter-based random numbers: the integer arithmetic of src/core/rng.ts. */

export function mix(counter: u32, k0: u32, k1: u32): u32 {
  let x = counter + k0;
  x ^= x >> 16;
  x *= 0x21f0aaad;
  x ^= x >> 15;
  x += k1;
  x *= 0x735a2d97;
  return x ^ (x >> 15);
}

/** Four counters at once. */
export function mix4(counter: v128, k0: v128, k1: v128): v128 {
  let x = i32x4.add(counter, k0);
  x = v128.xor(x, i32x4.shr_u(x, 16));
  x = i32x4.mul(x, i32x4.splat(0x21f0aaad));
  x = v128.xor(x, i32x4.shr_u(x, 15));
  x = i32x4.add(x, k1);
  x = i32x4.mul(x, i32x4.splat(0x735a2d97));
  return v128.xor(x, i32x4.shr_u(x, 15));
}

/** First word of the key of (seed, purpose, stream). */
export function keyWord0(seedLow: u32, seedHigh: u32, purpose: u32, stream: u32): u32 {
  return mix(stream, mix(purpose, seedLow, seedHigh), mix(purpose, seedHigh ^ 0x9e3779b9, seedLow));
}

/** Second word of the key of (seed, purpose, stream). */
export function keyWord1(seedLow: u32, seedHigh: u32, purpose: u32, stream: u32): u32 {
  return mix(stream, mix(purpose, seedHigh ^ 0x9e3779b9, seedLow) ^ 0x85ebca6b, mix(purpose, seedLow, seedHigh));
}

/** The high half of the 64-bit product: a uniform integer below n from 32 random bits. */
export function mulHigh(a: u32, b: u32): u32 {
  return <u32>((<u64>a * <u64>b) >> 32);
}
