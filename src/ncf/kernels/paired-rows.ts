/**
 * Dense layers with ReLU on rows of activations, two rows at a time. About half of the activations are zero, and adding 0 · w leaves
 * any sum of finite numbers as it is: so the two rows are held as a list of the inputs that are not zero in both, and the
 * sums have the bits that all inputs would give.
 *
 * A pair is a block of `pairBytes(rowBytes)`: where its list ends (a word; the list starts at `listBytes`), and three rows of
 * `rowBytes` from there: the first row's values, the second row's, and how far into a panel each input's weights lie. The last
 * layer leaves all its outputs, in place of the lists of values.
 */

import { madd } from "./simd";

export const listBytes: usize = 16;
/** Outputs that are computed at once: a panel of weights has the shape [inputs, 16]. */
export const panelOutputs: u32 = 16;
/** From an input's weights in a panel to the next one's, as a shift. */
const inputShift = 6;

/** Shape [16 sets of lanes, 16]: the shuffle that moves a set's lanes to the front, in their order. */
const toFront = memory.data(256);
for (let set: u32 = 0; set < 16; set++) {
  let to: usize = toFront + (set << 4);
  for (let lane: u32 = 0; lane < 4; lane++) {
    if (!(set & (1 << lane))) continue;
    for (let byte: u32 = 0; byte < 4; byte++) store<u8>(to++, <u8>((lane << 2) + byte));
  }
}

export function pairBytes(rowBytes: usize): usize {
  return listBytes + 3 * rowBytes;
}

/** A pair of rows with all of their `inputs` values, a multiple of 4. */
export function storePair(pair: usize, rowBytes: usize, first: usize, second: usize, inputs: u32): void {
  const list = pair + listBytes;
  store<u32>(pair, <u32>list + (inputs << 2));
  for (let k: usize = 0; k < inputs << 2; k += 16) {
    v128.store(list + k, v128.load(first + k));
    v128.store(list + k + rowBytes, v128.load(second + k));
    v128.store(list + k + 2 * rowBytes, weightsFrom(<u32>k >> 2));
  }
}

/** A pair of rows max(0, common + row). @param outputs a multiple of 8 @param last as in `denseLayer` */
export function storeSums(
  pair: usize,
  rowBytes: usize,
  common: usize,
  first: usize,
  second: usize,
  outputs: u32,
  last: bool,
): void {
  const zero = f32x4.splat(0);
  let to = pair + listBytes;
  for (let n: u32 = 0; n < outputs; n += 4) {
    const sum = v128.load(common + (n << 2));
    const c0 = f32x4.pmax(f32x4.add(sum, v128.load(first + (n << 2))), zero);
    const c1 = f32x4.pmax(f32x4.add(sum, v128.load(second + (n << 2))), zero);
    if (last) {
      v128.store(to, c0);
      v128.store(to + rowBytes, c1);
      to += 16;
    } else {
      to = append(to, rowBytes, c0, c1, weightsFrom(n));
    }
  }
  store<u32>(pair, <u32>to);
}

/** How far into a panel the weights of inputs k … k + 3 lie. */
function weightsFrom(k: u32): v128 {
  return i32x4.add(i32x4.splat(k << inputShift), i32x4(0, 1 << inputShift, 2 << inputShift, 3 << inputShift));
}

/**
 * The pairs y = max(0, (bias + W · x) + addend) from the pairs x.
 *
 * @param end of the pairs y
 * @param weights panels, shape [outputs / 16, inputs, 16], padded with zeros like `bias` and `addend`
 * @param bias, addend shape [outputs], or 0 for none
 * @param last whether all outputs are wanted, not lists
 */
export function denseLayer(
  x: usize,
  y: usize,
  end: usize,
  rowBytes: usize,
  weights: usize,
  bias: usize,
  addend: usize,
  inputs: u32,
  outputs: u32,
  last: bool,
): void {
  for (let pair = y; pair < end; pair += pairBytes(rowBytes)) store<u32>(pair, <u32>(pair + listBytes));
  for (let n: u32 = 0; n < outputs; n += panelOutputs) {
    const from: usize = n << 2;
    const panel = weights + from * inputs;
    densePanel(x, y, end, rowBytes, panel, bias ? bias + from : 0, addend ? addend + from : 0, n, last);
  }
}

/** Outputs n … n + 15 of all pairs. By itself, so that the engine keeps what all pairs share in registers. */
function densePanel(
  x: usize,
  y: usize,
  end: usize,
  rowBytes: usize,
  panel: usize,
  bias: usize,
  addend: usize,
  n: u32,
  last: bool,
): void {
  const zero = f32x4.splat(0);
  let b0 = zero,
    b1 = zero,
    b2 = zero,
    b3 = zero;
  if (bias) {
    b0 = v128.load(bias);
    b1 = v128.load(bias, 16);
    b2 = v128.load(bias, 32);
    b3 = v128.load(bias, 48);
  }
  for (; y < end; y += pairBytes(rowBytes)) {
    let c00 = b0,
      c01 = b1,
      c02 = b2,
      c03 = b3,
      c10 = b0,
      c11 = b1,
      c12 = b2,
      c13 = b3;
    const listEnd: usize = load<u32>(x);
    // Not unrolled: the engine would load the weights of all turns first, and run out of registers.
    for (let at = x + listBytes; at < listEnd; at += 4) {
      const w: usize = panel + load<u32>(at + 2 * rowBytes);
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      const w2 = v128.load(w, 32);
      const w3 = v128.load(w, 48);
      const x0 = v128.load32_splat(at);
      c00 = madd(x0, w0, c00);
      c01 = madd(x0, w1, c01);
      c02 = madd(x0, w2, c02);
      c03 = madd(x0, w3, c03);
      const x1 = v128.load32_splat(at + rowBytes);
      c10 = madd(x1, w0, c10);
      c11 = madd(x1, w1, c11);
      c12 = madd(x1, w2, c12);
      c13 = madd(x1, w3, c13);
    }
    x += pairBytes(rowBytes);
    if (addend) {
      c00 = f32x4.add(v128.load(addend), c00);
      c01 = f32x4.add(v128.load(addend, 16), c01);
      c02 = f32x4.add(v128.load(addend, 32), c02);
      c03 = f32x4.add(v128.load(addend, 48), c03);
      c10 = f32x4.add(v128.load(addend), c10);
      c11 = f32x4.add(v128.load(addend, 16), c11);
      c12 = f32x4.add(v128.load(addend, 32), c12);
      c13 = f32x4.add(v128.load(addend, 48), c13);
    }
    c00 = f32x4.pmax(c00, zero);
    c01 = f32x4.pmax(c01, zero);
    c02 = f32x4.pmax(c02, zero);
    c03 = f32x4.pmax(c03, zero);
    c10 = f32x4.pmax(c10, zero);
    c11 = f32x4.pmax(c11, zero);
    c12 = f32x4.pmax(c12, zero);
    c13 = f32x4.pmax(c13, zero);
    if (last) {
      storeOutputs(y + listBytes + (n << 2), c00, c01, c02, c03);
      storeOutputs(y + listBytes + rowBytes + (n << 2), c10, c11, c12, c13);
    } else {
      let to: usize = load<u32>(y);
      to = append(to, rowBytes, c00, c10, weightsFrom(n));
      to = append(to, rowBytes, c01, c11, weightsFrom(n + 4));
      to = append(to, rowBytes, c02, c12, weightsFrom(n + 8));
      to = append(to, rowBytes, c03, c13, weightsFrom(n + 12));
      store<u32>(y, <u32>to);
    }
  }
}

function storeOutputs(to: usize, c0: v128, c1: v128, c2: v128, c3: v128): void {
  v128.store(to, c0);
  v128.store(to, c1, 16);
  v128.store(to, c2, 32);
  v128.store(to, c3, 48);
}

/** Appends what is not zero in both of four inputs to a pair's list. @returns the new end */
function append(end: usize, rowBytes: usize, first: v128, second: v128, weights: v128): usize {
  const set = i32x4.bitmask(f32x4.ne(v128.or(first, second), f32x4.splat(0)));
  const shuffle = v128.load(toFront + (set << 4));
  v128.store(end, i8x16.swizzle(first, shuffle));
  v128.store(end + rowBytes, i8x16.swizzle(second, shuffle));
  v128.store(end + 2 * rowBytes, i8x16.swizzle(weights, shuffle));
  return end + (popcnt<i32>(set) << 2);
}
