/**
 * Deferred dense Adam: brings an idle embedding row up to date.
 *
 * Under Adam a row with no gradient still moves, as its first moment decays. A row up to date at step s with moments m
 * and v has moved by step t = s + d by
 *
 *   lr · m · Σ_{k=1..d} w_k / (sqrt(v) + eps · g(k)),   w_k = r^k · c(s+k),   r = beta1 / sqrt(beta2),
 *   c(n) = sqrt(1 − beta2^n) / (1 − beta1^n),           g(k) = sqrt(1 − beta2^(s+k)) / beta2^(k/2).
 *
 * Over a few terms g hardly bends, so in a block of terms k = a + j, j = 1 … n, 1 / (sqrt(v) + eps · g(k)) is replaced
 * by its tangent at j = centre. With q = 1 / (sqrt(v) + eps · g) the block's sum becomes
 *
 *   q · (S0 − eps · g' · q · (S1 − centre · S0)),   S0 = Σ w_{a+j},   S1 = Σ j · w_{a+j},
 *
 * and both sums have closed forms in U(n) = Σ_{k≥1} r^k c(n+k) and V(n) = Σ_{k≥1} k r^k c(n+k):
 * S0 = r^a (U(s+a) − r^n U(s+a+n)) and S1 = r^a (V(s+a) − r^n (n U(s+a+n) + V(s+a+n))).
 *
 * A row last touched long after the start needs one block for all its terms (g bends on the scale of 1 / (1 − beta2)
 * steps, the terms fade on that of 1 / (1 − r)), an earlier one a block for each doubling of k, and in the very first
 * steps, where g bends most, or if they are few, the terms are summed one by one. The error is below 1e-4 of the drift (a test).
 */
import * as layout from "./layout";
import { real, slot } from "./memory";

/**
 * Brings one record from step `touched` to step `now` (> touched > 0).
 *
 * @param record [values, first moments, second moments], each of `width` floats
 */
export function catchUp(record: usize, width: u32, touched: u32, now: u32): void {
  const powers = slot(layout.powers);
  const idle = now - touched;
  let decay1: f32 = 0;
  let fade: f32 = 0;
  let decay2: f32 = 0;
  if (idle < powers) {
    const decays = slot(layout.decays) + (idle << 4);
    decay1 = load<f32>(decays);
    decay2 = load<f32>(decays, 4);
    fade = load<f32>(decays, 8);
  } else {
    const high = idle / powers;
    if (high < powers) {
      decay2 =
        load<f32>(slot(layout.decaysHigh) + (high << 2)) * load<f32>(slot(layout.decays) + ((idle % powers) << 4), 4);
    }
  }
  if (touched >= slot(layout.oneBlockFrom)) {
    catchUpAtOnce(record, width, touched, idle, fade, decay1, decay2);
    return;
  }
  if (touched >= slot(layout.exactBelow) && idle > 8) driftByBlocks(record, width, touched, idle);
  else driftExactly(record, width, touched, idle);
  const bytes = width << 2;
  const m = record + bytes;
  const v = m + bytes;
  const d1 = f32x4.splat(decay1);
  const d2 = f32x4.splat(decay2);
  for (let i: u32 = 0; i < bytes; i += 16) {
    v128.store(m + i, f32x4.mul(v128.load(m + i), d1));
    v128.store(v + i, f32x4.mul(v128.load(v + i), d2));
  }
}

/**
 * All terms in one block, and the decay of the moments, in one pass: nearly every row that a long run catches up. The
 * table has lr · U, lr · (V − centre · U), eps · g and eps · g' for each step.
 */
function catchUpAtOnce(record: usize, width: u32, touched: u32, idle: u32, fade: f32, decay1: f32, decay2: f32): void {
  const horizon = slot(layout.horizon);
  const table = slot(layout.drift);
  const first = table + (min(touched, horizon) << 4);
  const last = table + (min(touched + idle, horizon) << 4);
  const u = load<f32>(last);
  const sum1 = load<f32>(first, 4) - fade * (<f32>idle * u + load<f32>(last, 4));
  const level = f32x4.splat(load<f32>(first) - fade * u);
  const shift = v128.load32_splat(first, 8);
  const tilt = f32x4.splat(load<f32>(first, 12) * sum1);
  const d1 = f32x4.splat(decay1);
  const d2 = f32x4.splat(decay2);
  const one = f32x4.splat(1);
  const bytes = width << 2;
  const m = record + bytes;
  const v = m + bytes;
  for (let i: u32 = 0; i < bytes; i += 16) {
    const first4 = v128.load(m + i);
    const second4 = v128.load(v + i);
    const q = f32x4.div(one, f32x4.add(f32x4.sqrt(second4), shift));
    const sum = f32x4.mul(q, f32x4.sub(level, f32x4.mul(tilt, q)));
    v128.store(record + i, f32x4.sub(v128.load(record + i), f32x4.mul(first4, sum)));
    v128.store(m + i, f32x4.mul(first4, d1));
    v128.store(v + i, f32x4.mul(second4, d2));
  }
}

/** Terms 1 … 8, 9 … 16, 17 … 32 and so on, and all from 65 on. */
function driftByBlocks(record: usize, width: u32, touched: u32, idle: u32): void {
  const powerR = slot(layout.powerR);
  const powerHalf = slot(layout.powerHalf);
  const root = load<f64>(slot(layout.correction2) + (touched << 3));
  const remaining = 1 - root * root;
  let from: u32 = 0;
  let length: u32 = 8;
  let centre: u32 = 4;
  while (from < idle) {
    const terms = from < 64 ? min(length, idle - from) : idle - from;
    const half = load<f64>(powerHalf + ((from + centre) << 3));
    const growth = half * half;
    const g = sqrt(growth - remaining);
    const slope = (real(layout.decayRate) * growth) / (2 * g);
    driftBlock(record, width, touched + from, terms, load<f64>(powerR + (from << 3)), centre, g, slope);
    from += terms;
    if (from > 8) {
      length = from;
      centre = min<u32>(from >> 1, 10);
    }
  }
}

/**
 * Subtracts one block's drift from a record's values.
 *
 * @param start the step before the block's first term, s + a
 * @param terms n
 * @param weight r^a
 * @param g, slope g and its derivative at the block's term number `centre`
 */
function driftBlock(
  record: usize,
  width: u32,
  start: u32,
  terms: u32,
  weight: f64,
  centre: f64,
  g: f64,
  slope: f64,
): void {
  const horizon = slot(layout.horizon);
  const table = slot(layout.drift);
  const first = table + (min(start, horizon) << 4);
  const last = table + (min(start + terms, horizon) << 4);
  const fade = terms < slot(layout.powers) ? load<f64>(slot(layout.powerR) + (terms << 3)) : 0;
  const u = <f64>load<f32>(last);
  const sum0 = weight * (<f64>load<f32>(first) - fade * u);
  // The table is about its own centre.
  const sum1 = weight * (<f64>load<f32>(first, 4) - fade * (<f64>terms * u + <f64>load<f32>(last, 4)));
  const epsilon = real(layout.epsilon);
  const shift = f32x4.splat(<f32>(epsilon * g));
  const level = f32x4.splat(<f32>sum0);
  const tilt = f32x4.splat(<f32>(epsilon * slope * (sum1 + (real(layout.driftCentre) - centre) * sum0)));
  const one = f32x4.splat(1);
  const bytes = width << 2;
  const m = record + bytes;
  const v = m + bytes;
  for (let i: u32 = 0; i < bytes; i += 16) {
    const q = f32x4.div(one, f32x4.add(f32x4.sqrt(v128.load(v + i)), shift));
    const sum = f32x4.mul(q, f32x4.sub(level, f32x4.mul(tilt, q)));
    v128.store(record + i, f32x4.sub(v128.load(record + i), f32x4.mul(v128.load(m + i), sum)));
  }
}

function driftExactly(record: usize, width: u32, touched: u32, idle: u32): void {
  const horizon = slot(layout.horizon);
  const correction1 = slot(layout.correction1);
  const correction2 = slot(layout.correction2);
  const powerR = slot(layout.powerR);
  const powerHalf = slot(layout.powerHalf);
  const terms = min(idle, slot(layout.exactTerms));
  const epsilon = real(layout.epsilon);
  const rate = f32x4.splat(<f32>real(layout.learningRate));
  const bytes = width << 2;
  const m = record + bytes;
  const v = m + bytes;
  for (let i: u32 = 0; i < bytes; i += 16) {
    const root = f32x4.sqrt(v128.load(v + i));
    let sum = f32x4.splat(0);
    for (let k: u32 = 1; k <= terms; k++) {
      const n = min(touched + k, horizon) << 3;
      const root2 = load<f64>(correction2 + n);
      const weight = (load<f64>(powerR + (k << 3)) * root2) / load<f64>(correction1 + n);
      const shift = epsilon * root2 * load<f64>(powerHalf + (k << 3));
      sum = f32x4.add(sum, f32x4.div(f32x4.splat(<f32>weight), f32x4.add(root, f32x4.splat(<f32>shift))));
    }
    const step = f32x4.mul(f32x4.mul(rate, v128.load(m + i)), sum);
    v128.store(record + i, f32x4.sub(v128.load(record + i), step));
  }
}
