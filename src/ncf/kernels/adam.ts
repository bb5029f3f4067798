/** Adam as torch.optim.Adam: bias correction, epsilon outside the root. */
import * as layout from "./layout";
import { real, slot } from "./memory";

/** Below this a first moment moves no weight (the step is at most moment / epsilon) but costs a slow denormal. */
const negligibleM: f32 = 1e-30;
const negligibleV: f32 = 1e-37;

let keep1: v128 = f32x4.splat(0);
let take1: v128 = f32x4.splat(0);
let keep2: v128 = f32x4.splat(0);
let take2: v128 = f32x4.splat(0);
let stepSize: v128 = f32x4.splat(0);
let inverseRoot: v128 = f32x4.splat(0);
let epsilon: v128 = f32x4.splat(0);

/** Sets the constants of step `t` (1, 2, …) for the calls that follow on this thread. */
export function prepareAdam(t: u32): void {
  const n = min(t, slot(layout.horizon)) << 3;
  const beta1 = real(layout.beta1);
  const beta2 = real(layout.beta2);
  keep1 = f32x4.splat(<f32>beta1);
  take1 = f32x4.splat(<f32>(1 - beta1));
  keep2 = f32x4.splat(<f32>beta2);
  take2 = f32x4.splat(<f32>(1 - beta2));
  stepSize = f32x4.splat(<f32>(real(layout.learningRate) / load<f64>(slot(layout.correction1) + n)));
  inverseRoot = f32x4.splat(<f32>(1 / load<f64>(slot(layout.correction2) + n)));
  epsilon = f32x4.splat(<f32>real(layout.epsilon));
}

/** One step for four parameters at `w`, moments at `mAt` and `vAt`; gives the new values. */
export function adamStep(w: usize, mAt: usize, vAt: usize, gradient: v128): v128 {
  let m = f32x4.add(f32x4.mul(keep1, v128.load(mAt)), f32x4.mul(take1, gradient));
  let v = f32x4.add(f32x4.mul(keep2, v128.load(vAt)), f32x4.mul(take2, f32x4.mul(gradient, gradient)));
  m = v128.and(m, f32x4.ge(f32x4.abs(m), f32x4.splat(negligibleM)));
  v = v128.and(v, f32x4.ge(v, f32x4.splat(negligibleV)));
  v128.store(mAt, m);
  v128.store(vAt, v);
  const root = f32x4.add(f32x4.mul(f32x4.sqrt(v), inverseRoot), epsilon);
  const value = f32x4.sub(v128.load(w), f32x4.div(f32x4.mul(stepSize, m), root));
  v128.store(w, value);
  return value;
}

/** One step for `count` (a multiple of 4) parameters whose gradient is the sum of `parts` arrays, `partBytes` apart. */
export function adamVector(
  w: usize,
  m: usize,
  v: usize,
  gradient: usize,
  partBytes: u32,
  parts: u32,
  count: u32,
): void {
  for (let i: u32 = 0; i < count << 2; i += 16) {
    let sum = v128.load(gradient + i);
    for (let p: u32 = 1; p < parts; p++) sum = f32x4.add(sum, v128.load(gradient + p * partBytes + i));
    adamStep(w + i, m + i, v + i, sum);
  }
}

/**
 * One step for the weights of a layer, blocks `from` … `to` − 1 of 8 inputs × 8 outputs, with their transposed copy.
 * K = inputs. Block b of panel p holds inputs 8 b' … of outputs 8 p …
 */
export function adamWeights(
  w: usize,
  back: usize,
  m: usize,
  v: usize,
  gradient: usize,
  partBytes: u32,
  parts: u32,
  K: u32,
  N: u32,
  from: u32,
  to: u32,
): void {
  const blocksPerPanel = K >> 3;
  for (let block = from; block < to; block++) {
    const at = block << 8;
    for (let i: u32 = 0; i < 256; i += 16) {
      let sum = v128.load(gradient + at + i);
      for (let p: u32 = 1; p < parts; p++) sum = f32x4.add(sum, v128.load(gradient + p * partBytes + at + i));
      adamStep(w + at + i, m + at + i, v + at + i, sum);
    }
    const panel = block / blocksPerPanel;
    const inputs = block % blocksPerPanel;
    transpose8(w + at, back + ((inputs * N + (panel << 3)) << 5));
  }
}

/** Transposes an 8 × 8 block of neighbouring floats. */
export function transpose8(from: usize, to: usize): void {
  transpose4(from, to);
  transpose4(from + 16, to + 128);
  transpose4(from + 128, to + 16);
  transpose4(from + 144, to + 144);
}

/** Transposes a 4 × 4 block, rows 32 bytes apart on both sides. */
function transpose4(from: usize, to: usize): void {
  const r0 = v128.load(from);
  const r1 = v128.load(from, 32);
  const r2 = v128.load(from, 64);
  const r3 = v128.load(from, 96);
  const a = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const b = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const c = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const d = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(a, b, 0, 1, 4, 5));
  v128.store(to, v128.shuffle<f32>(a, b, 2, 3, 6, 7), 32);
  v128.store(to, v128.shuffle<f32>(c, d, 0, 1, 4, 5), 64);
  v128.store(to, v128.shuffle<f32>(c, d, 2, 3, 6, 7), 96);
}
