/**
 * What stands between two matrix products: batch normalization, ReLU and dropout, forwards and backwards, in passes of
 * 8 columns over the rows of a unit, which lie in the first-level cache.
 *
 * Dropout leaves its decision in the activation itself: a dropped value is stored as −0, a kept one never is.
 */
import * as layout from "./layout";
import { layerReal, layerSlot } from "./memory";
import { mix4 } from "./random";
import { madd } from "./simd";

export const normNone: u32 = 0;
export const normAfterRelu: u32 = 1;
export const normBeforeRelu: u32 = 2;

const epsilon: f64 = 1e-5;
const momentum: f64 = 0.1;

/**
 * Column sums of h − shift and of its square. Subtracting the running mean keeps the variance exact where the mean is
 * large against the deviation.
 *
 * @param h shape [M, N]
 * @param shift shape [N]
 * @param sums written, shape [2, N]
 */
export function columnSums(h: usize, stride: usize, shift: usize, sums: usize, M: u32, N: u32): void {
  const row: usize = N << 2;
  for (let n: usize = 0; n < row; n += 32) {
    const t0 = v128.load(shift + n);
    const t1 = v128.load(shift + n, 16);
    let s0 = f32x4.splat(0),
      s1 = s0,
      q0 = s0,
      q1 = s0;
    let at: usize = h + n;
    for (let m: u32 = 0; m < M; m++) {
      const x0 = f32x4.sub(v128.load(at), t0);
      const x1 = f32x4.sub(v128.load(at, 16), t1);
      s0 = f32x4.add(s0, x0);
      s1 = f32x4.add(s1, x1);
      q0 = madd(x0, x0, q0);
      q1 = madd(x1, x1, q1);
      at += stride;
    }
    v128.store(sums + n, s0);
    v128.store(sums + n, s1, 16);
    v128.store(sums + row + n, q0);
    v128.store(sums + row + n, q1, 16);
  }
}

/**
 * The batch's mean, 1 / sqrt(variance + eps) and the scale and shift of the normalization, from the units' sums: each
 * thread computes them for itself.
 */
export function batchStatistics(layer: usize, statistics: usize, units: u32, size: u32): void {
  const N = layerSlot(layer, layout.outputs);
  const row: usize = N << 2;
  const sums = layerSlot(layer, layout.sumsPartial);
  const running = layerSlot(layer, layout.running);
  const vectors = layerSlot(layer, layout.vectors);
  const part: usize = row << 1;
  const share = f32x4.splat(<f32>(1 / <f64>size));
  const one = f32x4.splat(1);
  const zero = f32x4.splat(0);
  for (let n: usize = 0; n < row; n += 16) {
    let s = zero;
    let q = zero;
    for (let u: u32 = 0; u < units; u++) {
      s = f32x4.add(s, v128.load(sums + u * part + n));
      q = f32x4.add(q, v128.load(sums + u * part + row + n));
    }
    s = f32x4.mul(s, share);
    const variance = f32x4.pmax(f32x4.sub(f32x4.mul(q, share), f32x4.mul(s, s)), zero);
    const mean = f32x4.add(v128.load(running + n), s);
    const inverse = f32x4.div(one, f32x4.sqrt(f32x4.add(variance, f32x4.splat(<f32>epsilon))));
    const scale = f32x4.mul(v128.load(vectors + row + n), inverse);
    v128.store(statistics + n, mean);
    v128.store(statistics + row + n, inverse);
    v128.store(statistics + 2 * row + n, scale);
    v128.store(statistics + 3 * row + n, f32x4.sub(v128.load(vectors + 2 * row + n), f32x4.mul(mean, scale)));
    v128.store(statistics + 4 * row + n, variance);
  }
}

/** Moves the running statistics towards the batch's: the mean, and the variance as an unbiased estimate. */
export function updateRunning(layer: usize, statistics: usize, size: u32): void {
  const row: usize = layerSlot(layer, layout.outputs) << 2;
  const running = layerSlot(layer, layout.running);
  const keep = f32x4.splat(<f32>(1 - momentum));
  const take = f32x4.splat(<f32>momentum);
  const takeVariance = f32x4.splat(<f32>((momentum * <f64>size) / <f64>(size - 1)));
  for (let n: usize = 0; n < row; n += 16) {
    const mean = f32x4.mul(v128.load(statistics + n), take);
    const variance = f32x4.mul(v128.load(statistics + 4 * row + n), takeVariance);
    v128.store(running + n, f32x4.add(f32x4.mul(v128.load(running + n), keep), mean));
    v128.store(running + row + n, f32x4.add(f32x4.mul(v128.load(running + row + n), keep), variance));
  }
}

/**
 * From the layer's matrix product to what the next layer reads, for batch rows `from` … `to` − 1.
 *
 * @param k0 key of the layer's dropout in this step
 */
export function activate(layer: usize, statistics: usize, from: u32, to: u32, k0: u32, k1: u32): void {
  const N = layerSlot(layer, layout.outputs);
  const row: usize = N << 2;
  const stride: usize = layerSlot(layer, layout.stride);
  const norm = layerSlot(layer, layout.norm);
  const threshold = layerSlot(layer, layout.dropThreshold);
  const h = layerSlot(layer, layout.hidden);
  const y = layerSlot(layer, layout.activation);
  const zero = f32x4.splat(0);
  const floor = f32x4.splat(norm === normBeforeRelu ? 0 : -Infinity);
  const keepScale = f32x4.splat(<f32>layerReal(layer, layout.dropScale));
  const limit = i32x4.splat(threshold);
  const low = i32x4.splat(0xffff);
  const dropped = f32x4.splat(-0.0);
  const key0 = i32x4.splat(k0);
  const key1 = i32x4.splat(k1);
  for (let n: usize = 0; n < row; n += 32) {
    let scale0 = f32x4.splat(1),
      scale1 = scale0,
      shift0 = zero,
      shift1 = zero;
    if (norm !== normNone) {
      scale0 = v128.load(statistics + 2 * row + n);
      scale1 = v128.load(statistics + 2 * row + n, 16);
      shift0 = v128.load(statistics + 3 * row + n);
      shift1 = v128.load(statistics + 3 * row + n, 16);
    }
    let at: usize = from * stride + n;
    const end: usize = to * stride;
    if (threshold === 0) {
      for (; at < end; at += stride) {
        v128.store(y + at, f32x4.pmax(madd(v128.load(h + at), scale0, shift0), floor));
        v128.store(y + at, f32x4.pmax(madd(v128.load(h + at, 16), scale1, shift1), floor), 16);
      }
    } else {
      let counter = i32x4.add(i32x4.splat((from * (N >> 3) + <u32>(n >> 5)) << 2), i32x4(0, 1, 2, 3));
      const advance = i32x4.splat((N >> 3) << 2);
      for (; at < end; at += stride) {
        const bits = mix4(counter, key0, key1);
        counter = i32x4.add(counter, advance);
        const kept0 = i32x4.ge_s(v128.and(bits, low), limit);
        const kept1 = i32x4.ge_s(i32x4.shr_u(bits, 16), limit);
        const y0 = f32x4.pmax(madd(v128.load(h + at), scale0, shift0), floor);
        const y1 = f32x4.pmax(madd(v128.load(h + at, 16), scale1, shift1), floor);
        // Adding +0 turns a kept −0 into +0.
        v128.store(y + at, v128.bitselect(f32x4.add(f32x4.mul(y0, keepScale), zero), dropped, kept0));
        v128.store(y + at, v128.bitselect(f32x4.add(f32x4.mul(y1, keepScale), zero), dropped, kept1), 16);
      }
    }
  }
}

/**
 * The gradient before dropout (and before ReLU, where that comes after the normalization), in place, with its column
 * sums and those of its product with the normalized value; for layers with batch normalization.
 *
 * @param sums written, shape [2, N]: the gradients of batch norm's bias and weight
 */
export function normGradientSums(layer: usize, statistics: usize, sums: usize, from: u32, to: u32): void {
  const row: usize = layerSlot(layer, layout.outputs) << 2;
  const stride: usize = layerSlot(layer, layout.stride);
  const beforeRelu = layerSlot(layer, layout.norm) === normBeforeRelu;
  const h = layerSlot(layer, layout.hidden);
  const y = layerSlot(layer, layout.activation);
  const g = layerSlot(layer, layout.gradient);
  const zero = f32x4.splat(0);
  const keepScale = f32x4.splat(<f32>layerReal(layer, layout.dropScale));
  // Without dropout no activation has this pattern.
  const dropped = i32x4.splat(layerSlot(layer, layout.dropThreshold) ? 0x80000000 : 0xffffffff);
  for (let n: usize = 0; n < row; n += 32) {
    const mean0 = v128.load(statistics + n);
    const mean1 = v128.load(statistics + n, 16);
    let s0 = zero;
    let s1 = zero;
    let q0 = zero;
    let q1 = zero;
    const end: usize = to * stride;
    for (let at: usize = from * stride + n; at < end; at += stride) {
      const y0 = v128.load(y + at);
      const y1 = v128.load(y + at, 16);
      const passes0 = beforeRelu ? f32x4.gt(y0, zero) : i32x4.ne(y0, dropped);
      const passes1 = beforeRelu ? f32x4.gt(y1, zero) : i32x4.ne(y1, dropped);
      const d0 = v128.and(f32x4.mul(v128.load(g + at), keepScale), passes0);
      const d1 = v128.and(f32x4.mul(v128.load(g + at, 16), keepScale), passes1);
      v128.store(g + at, d0);
      v128.store(g + at, d1, 16);
      s0 = f32x4.add(s0, d0);
      s1 = f32x4.add(s1, d1);
      q0 = madd(d0, f32x4.sub(v128.load(h + at), mean0), q0);
      q1 = madd(d1, f32x4.sub(v128.load(h + at, 16), mean1), q1);
    }
    v128.store(sums + n, s0);
    v128.store(sums + n, s1, 16);
    v128.store(sums + row + n, f32x4.mul(q0, v128.load(statistics + row + n)));
    v128.store(sums + row + n, f32x4.mul(q1, v128.load(statistics + row + n, 16)), 16);
  }
}

/**
 * The gradient of the layer's matrix product, in place, and its column sums (the gradient of the bias).
 *
 * @param totals shape [2, N]: the batch's sums of `normGradientSums`, if the layer has batch normalization
 * @param biasGradient written, shape [N]
 */
export function productGradient(
  layer: usize,
  statistics: usize,
  totals: usize,
  biasGradient: usize,
  from: u32,
  to: u32,
  size: u32,
): void {
  const row: usize = layerSlot(layer, layout.outputs) << 2;
  const stride: usize = layerSlot(layer, layout.stride);
  const norm = layerSlot(layer, layout.norm);
  const h = layerSlot(layer, layout.hidden);
  const y = layerSlot(layer, layout.activation);
  const g = layerSlot(layer, layout.gradient);
  const zero = f32x4.splat(0);
  const keepScale = f32x4.splat(<f32>layerReal(layer, layout.dropScale));
  const share = f32x4.splat(<f32>(1 / <f64>size));
  const end: usize = to * stride;
  for (let n: usize = 0; n < row; n += 32) {
    let s0 = zero;
    let s1 = zero;
    let at: usize = from * stride + n;
    if (norm === normNone) {
      for (; at < end; at += stride) {
        const d0 = v128.and(f32x4.mul(v128.load(g + at), keepScale), f32x4.gt(v128.load(y + at), zero));
        const d1 = v128.and(f32x4.mul(v128.load(g + at, 16), keepScale), f32x4.gt(v128.load(y + at, 16), zero));
        v128.store(g + at, d0);
        v128.store(g + at, d1, 16);
        s0 = f32x4.add(s0, d0);
        s1 = f32x4.add(s1, d1);
      }
    } else {
      normSlopes(statistics + n, totals + n, row, share);
      const scale0 = v128.load(statistics + 2 * row + n);
      const slope0 = slope;
      const level0 = level;
      normSlopes(statistics + n + 16, totals + n + 16, row, share);
      const scale1 = v128.load(statistics + 2 * row + n, 16);
      const slope1 = slope;
      const level1 = level;
      // Before ReLU every value passes: all are above −infinity.
      const floor = f32x4.splat(norm === normAfterRelu ? 0 : -Infinity);
      for (; at < end; at += stride) {
        const h0 = v128.load(h + at);
        const h1 = v128.load(h + at, 16);
        const d0 = v128.and(madd(scale0, v128.load(g + at), madd(slope0, h0, level0)), f32x4.gt(h0, floor));
        const d1 = v128.and(madd(scale1, v128.load(g + at, 16), madd(slope1, h1, level1)), f32x4.gt(h1, floor));
        v128.store(g + at, d0);
        v128.store(g + at, d1, 16);
        s0 = f32x4.add(s0, d0);
        s1 = f32x4.add(s1, d1);
      }
    }
    v128.store(biasGradient + n, s0);
    v128.store(biasGradient + n, s1, 16);
  }
}

let slope: v128 = f32x4.splat(0);
let level: v128 = f32x4.splat(0);

/**
 * Batch norm's gradient scale · (d − Σd/B − normalized · Σ(d · normalized)/B) as scale · d + slope · h + level, for four
 * columns.
 */
function normSlopes(statistics: usize, totals: usize, row: usize, share: v128): void {
  const mean = v128.load(statistics);
  const inverse = v128.load(statistics + row);
  const scale = v128.load(statistics + 2 * row);
  const meanD = f32x4.mul(v128.load(totals), share);
  const meanQ = f32x4.mul(v128.load(totals + row), share);
  slope = f32x4.neg(f32x4.mul(f32x4.mul(scale, inverse), meanQ));
  level = f32x4.neg(f32x4.add(f32x4.mul(scale, meanD), f32x4.mul(slope, mean)));
}
