/** Small pieces of vector arithmetic that every kernel uses. */

/** a · b + c: fused where the build has relaxed SIMD and the machine fuses, else rounded twice. */
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(c, f32x4.mul(a, b));
}

/** c − a · b. */
export function nmadd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_nmadd(a, b, c);
  return f32x4.sub(c, f32x4.mul(a, b));
}

/** ((x0 + x1) + (x2 + x3)). */
export function sumLanes(x: v128): f32 {
  return f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3));
}

/** 2^−24 where multiply-add is fused, 0 where it rounds twice: names the arithmetic by its value. */
export function probeMadd(): f32 {
  const x = f32x4.splat(<f32>(1.0 + 1.0 / 4096.0));
  return f32x4.extract_lane(madd(x, x, f32x4.splat(<f32>(-1.0 - 2.0 / 4096.0))), 0);
}
