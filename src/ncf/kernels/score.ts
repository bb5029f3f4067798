/**
 * Scores items for one user with a trained model: batch normalization folded into the dense layers, the first layer
 * split into an item half (computed once per model) and a user half (once per call). Plain SIMD only, so that a rank
 * is the same on every machine.
 */
import { gemm } from "./gemm";
import * as layout from "./scoring-layout";
import { sumLanes } from "./simd";

export { gemm };

function scoringSlot(index: i32): u32 {
  return load<u32>(layout.scoringDescriptor + (index << 2));
}

/** Writes the logits of the first `count` items of the list. */
export function scoreItems(count: u32): void {
  for (let from: u32 = 0; from < count; from += layout.blockItems) {
    scoreBlock(
      scoringSlot(layout.itemList) + (from << 2),
      scoringSlot(layout.logits) + (from << 2),
      min<u32>(layout.blockItems, count - from),
    );
  }
}

function scoreBlock(list: usize, out: usize, count: u32): void {
  const layers = scoringSlot(layout.hiddenLayers);
  let x: usize = scoringSlot(layout.front);
  let y: usize = scoringSlot(layout.back);
  let width: u32 = 0;
  if (layers !== 0) {
    width = scoringSlot(layout.scoringLayers);
    firstLayer(list, x, count, width << 2);
  }
  for (let l: u32 = 1; l < layers; l++) {
    const at: i32 = layout.scoringLayers + 3 * l;
    const outputs = scoringSlot(at);
    gemm(x, width << 2, scoringSlot(at + 1), scoringSlot(at + 2), y, outputs << 2, count, width, outputs, true);
    const swap = x;
    x = y;
    y = swap;
    width = outputs;
  }
  const gmfBytes = scoringSlot(layout.gmfWidth) << 2;
  const weights = scoringSlot(layout.outputWeights);
  const user = scoringSlot(layout.userGmf);
  const bias = load<f32>(layout.scoringDescriptor + (layout.outputBias << 2));
  for (let i: u32 = 0; i < count; i++) {
    const item = load<u32>(list + (i << 2));
    const row: usize = x + i * (width << 2);
    const gmf: usize = scoringSlot(layout.itemGmf) + item * gmfBytes;
    let sum = f32x4.splat(0);
    for (let k: u32 = 0; k < width << 2; k += 16) {
      sum = f32x4.add(sum, f32x4.mul(v128.load(row + k), v128.load(weights + k)));
    }
    for (let k: u32 = 0; k < gmfBytes; k += 16) {
      sum = f32x4.add(sum, f32x4.mul(v128.load(gmf + k), v128.load(user + k)));
    }
    store<f32>(out + (i << 2), sumLanes(sum) + bias + load<f32>(scoringSlot(layout.itemBias) + (item << 2)));
  }
}

/** x = max(0, user half + item half), a row an item. */
function firstLayer(list: usize, x: usize, count: u32, bytes: u32): void {
  const user = scoringSlot(layout.userHalf);
  const table = scoringSlot(layout.itemHalf);
  const zero = f32x4.splat(0);
  for (let i: u32 = 0; i < count; i++) {
    const item: usize = table + load<u32>(list + (i << 2)) * bytes;
    const row: usize = x + i * bytes;
    for (let k: u32 = 0; k < bytes; k += 16) {
      v128.store(row + k, f32x4.pmax(f32x4.add(v128.load(user + k), v128.load(item + k)), zero));
    }
  }
}
