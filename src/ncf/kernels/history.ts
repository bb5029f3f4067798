/**
 * Users' vectors from their histories: own row + Σ_k w_k h_k / (Σ_k w_k)^alpha, k = 0 for the newest item. The samples of
 * a positive share its history and follow each other in a batch: a *run*. A history is a stretch of its user's items in the
 * order of time, of which the mean leaves the positive out.
 */
import { addVectors } from "./embedding";
import { learnsDecay, tableBytes, weightsOf } from "./history-weights";
import * as layout from "./layout";
import { slot } from "./memory";
import { madd, sumLanes } from "./simd";

const meanWeights: u32 = 1;

/** The history at hand, set by `findHistory`: addresses of its rows' numbers, newest first from `newest` down to `oldest`. */
export let oldest: usize = 0;
export let newest: usize = 0;
/** The address to leave out, or 0; and how many items there are. */
export let hole: usize = 0;
export let items: u32 = 0;

/** Sets the variables above to the history of a positive. */
export function findHistory(positive: u32): void {
  const window = slot(layout.historyWindow);
  const user = load<u32>(slot(layout.userOfPositive) + (positive << 2));
  const first = load<u32>(slot(layout.offsets) + (user << 2));
  const own = first + load<u32>(slot(layout.places) + (positive << 2));
  const rows = slot(layout.historyRows);
  let end = own;
  hole = 0;
  let taken = window;
  if (slot(layout.history) === meanWeights) {
    end = load<u32>(slot(layout.offsets) + (user << 2), 4);
    if (end - own <= window) {
      hole = rows + (own << 2);
      taken = window + 1;
    }
  }
  const from = max<i32>(first, end - taken);
  items = end - from - (hole ? 1 : 0);
  oldest = rows + (from << 2);
  newest = rows + (end << 2) - 4;
}

/**
 * Adds to the user's part of the network's inputs, for batch rows `from` … `to` − 1 of a unit.
 *
 * @param sum scratch, shape [historyWidth]
 */
export function poolHistories(buffer: u32, from: u32, to: u32, sum: usize): void {
  const positives = slot(layout.batchPositives) + buffer * (slot(layout.batchSize) << 2);
  const mlpBytes = slot(layout.mlpWidth) << 2;
  const gmfBytes = slot(layout.gmfWidth) << 2;
  const input = slot(layout.input);
  const gmfUser = slot(layout.gmfUser);
  const slopes = slot(layout.historySlopes);
  const width = mlpBytes + gmfBytes;
  for (let i = from; i < to; i++) {
    const positive = load<u32>(positives + (i << 2));
    if (i === from || positive !== load<u32>(positives + ((i - 1) << 2))) {
      findHistory(positive);
      const slope: usize = slopes + i * width;
      poolBranch(0, mlpBytes, weightsOf(buffer, 0), sum, slope);
      poolBranch(mlpBytes, gmfBytes, weightsOf(buffer, 1), sum + mlpBytes, slope + mlpBytes);
    }
    addVectors(sum, input + i * (mlpBytes << 1), mlpBytes);
    addVectors(sum + mlpBytes, gmfUser + i * gmfBytes, gmfBytes);
  }
}

/** One branch's columns of the history at hand: its vector to `sum` and, where the decay is learnt, d vector / dλ to `slope`. */
function poolBranch(column: u32, bytes: u32, weights: usize, sum: usize, slope: usize): void {
  const scale = v128.load32_splat(weights + tableBytes() + (items << 2));
  const meanAge = v128.load32_splat(weights + 2 * tableBytes() + (items << 2));
  const learns = learnsDecay();
  const table = slot(layout.historyTable) + column;
  const stride = slot(layout.historyStride);
  let at: u32 = 0;
  for (; at + 64 <= bytes; at += 64) {
    let s0 = f32x4.splat(0),
      s1 = s0,
      s2 = s0,
      s3 = s0,
      a0 = s0,
      a1 = s0,
      a2 = s0,
      a3 = s0;
    let w = weights;
    let age: usize = slot(layout.historyAges);
    for (let item = newest; item >= oldest; item -= 4) {
      if (item === hole) continue;
      const row: usize = table + at + load<u32>(item) * stride;
      const weight = v128.load32_splat(w);
      w += 4;
      const x0 = f32x4.mul(weight, v128.load(row));
      const x1 = f32x4.mul(weight, v128.load(row, 16));
      const x2 = f32x4.mul(weight, v128.load(row, 32));
      const x3 = f32x4.mul(weight, v128.load(row, 48));
      s0 = f32x4.add(s0, x0);
      s1 = f32x4.add(s1, x1);
      s2 = f32x4.add(s2, x2);
      s3 = f32x4.add(s3, x3);
      if (learns) {
        const a = v128.load32_splat(age);
        a0 = madd(a, x0, a0);
        a1 = madd(a, x1, a1);
        a2 = madd(a, x2, a2);
        a3 = madd(a, x3, a3);
        age += 4;
      }
    }
    storeScaled(sum + at, slope + at, scale, meanAge, s0, a0, learns);
    storeScaled(sum + at + 16, slope + at + 16, scale, meanAge, s1, a1, learns);
    storeScaled(sum + at + 32, slope + at + 32, scale, meanAge, s2, a2, learns);
    storeScaled(sum + at + 48, slope + at + 48, scale, meanAge, s3, a3, learns);
  }
  for (; at < bytes; at += 16) {
    let s = f32x4.splat(0),
      a = s;
    let w = weights;
    let age: usize = slot(layout.historyAges);
    for (let item = newest; item >= oldest; item -= 4) {
      if (item === hole) continue;
      const x = f32x4.mul(v128.load32_splat(w), v128.load(table + at + load<u32>(item) * stride));
      w += 4;
      s = f32x4.add(s, x);
      a = madd(v128.load32_splat(age), x, a);
      age += 4;
    }
    storeScaled(sum + at, slope + at, scale, meanAge, s, a, learns);
  }
}

/** u = scale · s and du/dλ = meanAge · u − scale · a. */
function storeScaled(sum: usize, slope: usize, scale: v128, meanAge: v128, s: v128, a: v128, learns: bool): void {
  const u = f32x4.mul(scale, s);
  v128.store(sum, u);
  if (learns) v128.store(slope, f32x4.sub(f32x4.mul(meanAge, u), f32x4.mul(scale, a)));
}

/** The unit's gradient of both λ: Σ over its rows of d loss / d vector · d vector / dλ. */
export function decayGradients(buffer: u32, unit: u32, from: u32, to: u32): void {
  const positives = slot(layout.batchPositives) + buffer * (slot(layout.batchSize) << 2);
  const mlpBytes = slot(layout.mlpWidth) << 2;
  const gmfBytes = slot(layout.gmfWidth) << 2;
  const inputGradient = slot(layout.inputGradient);
  const gmfUserGradient = slot(layout.gmfUserGradient);
  const slopes = slot(layout.historySlopes);
  let slope: usize = 0;
  let mlp: f64 = 0;
  let gmf: f64 = 0;
  for (let i = from; i < to; i++) {
    if (i === from || load<u32>(positives + (i << 2)) !== load<u32>(positives + ((i - 1) << 2))) {
      slope = slopes + i * (mlpBytes + gmfBytes);
    }
    mlp += dot(inputGradient + i * (mlpBytes << 1), slope, mlpBytes);
    gmf += dot(gmfUserGradient + i * gmfBytes, slope + mlpBytes, gmfBytes);
  }
  const partial = slot(layout.decayPartial) + (unit << 4);
  store<f64>(partial, mlp);
  store<f64>(partial, gmf, 8);
}

function dot(a: usize, b: usize, bytes: u32): f64 {
  let sum = f32x4.splat(0);
  for (let i: u32 = 0; i < bytes; i += 16) sum = madd(v128.load(a + i), v128.load(b + i), sum);
  return <f64>sumLanes(sum);
}
