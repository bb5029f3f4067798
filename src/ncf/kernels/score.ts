/**
 * Scores items for one user with a trained model: batch normalization folded into the dense layers, the first layer
 * split into an item half (computed once per model, or anew for few items) and a user half (once per call). Plain SIMD only, so
 * that a rank is the same on every machine.
 */
import { gemm } from "./gemm";
import { denseLayer, listBytes, pairBytes, storePair, storeSums } from "./paired-rows";
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
      count <= <u32>layout.blockItems,
    );
  }
}

function scoreBlock(list: usize, out: usize, count: u32, few: bool): void {
  const layers = scoringSlot(layout.hiddenLayers);
  const rowBytes: usize = scoringSlot(layout.rowBytes);
  const allBytes: usize = ((count + 1) >> 1) * pairBytes(rowBytes);
  let x: usize = scoringSlot(layout.front);
  let y: usize = scoringSlot(layout.back);
  if (layers !== 0) firstLayer(list, y, x, rowBytes, count, few);
  let width: u32 = layers === 0 ? 0 : scoringSlot(layout.scoringLayers);
  for (let l: u32 = 1; l < layers; l++) {
    const swap = x;
    x = y;
    y = swap;
    const at: i32 = layout.scoringLayers + 3 * l;
    const outputs = scoringSlot(at);
    const last = l + 1 === layers;
    denseLayer(y, x, x + allBytes, rowBytes, scoringSlot(at + 1), scoringSlot(at + 2), 0, width, outputs, last);
    width = outputs;
  }
  const gmfBytes = scoringSlot(layout.gmfWidth) << 2;
  const weights = scoringSlot(layout.outputWeights);
  const user = scoringSlot(layout.userGmf);
  const bias = load<f32>(layout.scoringDescriptor + (layout.outputBias << 2));
  for (let i: u32 = 0; i < count; i++) {
    const item = load<u32>(list + (i << 2));
    const row: usize = x + listBytes + (i >> 1) * pairBytes(rowBytes) + (i & 1) * rowBytes;
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

/**
 * y = max(0, user half + item half), in pairs; the last of an odd number of items is paired with itself. Few items lie anywhere
 * in the catalogue: to compute their half anew takes less time than to wait for memory. x is room for their embeddings.
 */
function firstLayer(list: usize, x: usize, y: usize, rowBytes: usize, count: u32, few: bool): void {
  const inputs = scoringSlot(layout.embeddingWidth);
  const outputs = scoringSlot(layout.scoringLayers);
  const user: usize = scoringSlot(layout.userHalf);
  const last = scoringSlot(layout.hiddenLayers) === 1;
  const table: usize = scoringSlot(few ? layout.itemEmbeddings : layout.itemHalf);
  const itemBytes = (few ? inputs : outputs) << 2;
  let from = x;
  let to = y;
  for (let i: u32 = 0; i < count; i += 2) {
    const first = table + load<u32>(list + (i << 2)) * itemBytes;
    const second = i + 1 < count ? table + load<u32>(list + (i << 2), 4) * itemBytes : first;
    if (few) storePair(from, rowBytes, first, second, inputs);
    else storeSums(to, rowBytes, user, first, second, outputs, last);
    from += pairBytes(rowBytes);
    to += pairBytes(rowBytes);
  }
  if (few) denseLayer(x, y, to, rowBytes, scoringSlot(layout.scoringLayers + 1), 0, user, inputs, outputs, last);
}
