/**
 * Deferred dense Adam: brings an idle embedding row up to date.
 *
 * Under Adam a row with no gradient still moves, as its first moment decays. A row up to date at step s with moments m
 * and v has moved by step t = s + d by
 *
 *   lr · m · Σ_{k=1..d} w_k / (sqrt(v) + eps · g(k)),   w_k = r^k · c(s+k),   r = beta1 / sqrt(beta2),
 *   c(n) = sqrt(1 − beta2^n) / (1 − beta1^n),           g(k) = sqrt(1 − beta2^(s+k)) / beta2^(k/2).
 *
 * From a step on (`exactBelow`), g bends so little over the few terms that weigh that 1 / (sqrt(v) + eps · g(k)) is
 * replaced by its tangent at k = centre. With q = 1 / (sqrt(v) + eps · g) the sum becomes
 *
 *   q · (S0 − eps · g' · q · (S1 − centre · S0)),   S0 = Σ w_k,   S1 = Σ k · w_k,
 *
 * and both sums have closed forms in U(n) = Σ_{k≥1} r^k c(n+k) and V(n) = Σ_{k≥1} k r^k c(n+k):
 * S0 = U(s) − r^d U(t) and S1 = V(s) − r^d (d U(t) + V(t)). Before that step the terms are summed one by one.
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
  const decay1 = idle < powers ? load<f64>(slot(layout.power1) + (idle << 3)) : 0;
  const decayR = idle < powers ? load<f64>(slot(layout.powerR) + (idle << 3)) : 0;
  let decay2 = load<f64>(slot(layout.power2) + ((idle % powers) << 3));
  const high = idle / powers;
  if (high) decay2 *= high < powers ? load<f64>(slot(layout.power2High) + (high << 3)) : 0;
  if (touched < slot(layout.exactBelow)) driftExactly(record, width, touched, idle);
  else driftByTangent(record, width, touched, now, decayR);
  const bytes = width << 2;
  const m = record + bytes;
  const v = m + bytes;
  const d1 = f32x4.splat(<f32>decay1);
  const d2 = f32x4.splat(<f32>decay2);
  for (let i: u32 = 0; i < bytes; i += 16) {
    v128.store(m + i, f32x4.mul(v128.load(m + i), d1));
    v128.store(v + i, f32x4.mul(v128.load(v + i), d2));
  }
}

function driftByTangent(record: usize, width: u32, touched: u32, now: u32, decayR: f64): void {
  const horizon = slot(layout.horizon);
  const table = slot(layout.drift);
  const s = table + (min(touched, horizon) << 4);
  const t = table + (min(now, horizon) << 4);
  const u = <f64>load<f32>(t);
  const sum0 = <f64>load<f32>(s) - decayR * u;
  const sum1 = <f64>load<f32>(s, 4) - decayR * (<f64>(now - touched) * u + <f64>load<f32>(t, 4));
  const epsilon = real(layout.epsilon);
  const shift = f32x4.splat(<f32>(epsilon * <f64>load<f32>(s, 8)));
  const tilt = f32x4.splat(<f32>(epsilon * <f64>load<f32>(s, 12) * (sum1 - real(layout.driftCentre) * sum0)));
  const level = f32x4.splat(<f32>sum0);
  const rate = f32x4.splat(<f32>real(layout.learningRate));
  const one = f32x4.splat(1);
  const bytes = width << 2;
  const m = record + bytes;
  const v = m + bytes;
  for (let i: u32 = 0; i < bytes; i += 16) {
    const q = f32x4.div(one, f32x4.add(f32x4.sqrt(v128.load(v + i)), shift));
    const sum = f32x4.mul(q, f32x4.sub(level, f32x4.mul(tilt, q)));
    const step = f32x4.mul(f32x4.mul(rate, v128.load(m + i)), sum);
    v128.store(record + i, f32x4.sub(v128.load(record + i), step));
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
