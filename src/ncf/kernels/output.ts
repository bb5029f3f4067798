/**
 * The end of the network: logit, binary cross entropy and their gradients, row by row.
 *
 * logit = weights · [last hidden layer, GMF product] + bias, or the sum of the GMF product; plus the item's bias if the
 * model has one. Loss of a row, stable for any logit z: max(z, 0) − z · label + log(1 + exp(−|z|)).
 */
import * as layout from "./layout";
import { layerAt, layerSlot, slot } from "./memory";
import { madd, sumLanes } from "./simd";

/**
 * Batch rows `from` … `to` − 1: adds up the loss and the gradient of the output layer, and writes the gradients of the
 * last hidden layer, of the GMF rows and of the logit.
 */
export function outputRows(buffer: u32, unit: u32, from: u32, to: u32, size: u32): void {
  const layers = slot(layout.layers);
  const labels = slot(layout.batchLabels) + buffer * (slot(layout.batchSize) << 2);
  const gmfBytes = slot(layout.gmfWidth) << 2;
  const dense = slot(layout.outputDense);
  const output = slot(layout.output);
  const partial = slot(layout.outputPartial) + unit * slot(layout.outputPartialBytes);
  const hasBias = slot(layout.itemBias);
  const itemBias = slot(layout.bias);
  const logitGradient = slot(layout.logitGradient);
  let hiddenBytes: u32 = 0;
  let hiddenStride: u32 = 0;
  let y: usize = 0;
  let yGradient: usize = 0;
  if (layers) {
    const last = layerAt(layers - 1);
    hiddenBytes = layerSlot(last, layout.outputs) << 2;
    hiddenStride = layerSlot(last, layout.stride);
    y = layerSlot(last, layout.activation) + from * hiddenStride;
    yGradient = layerSlot(last, layout.gradient) + from * hiddenStride;
  }
  let p: usize = slot(layout.gmfUser) + from * gmfBytes;
  let q: usize = slot(layout.gmfItem) + from * gmfBytes;
  let pGradient: usize = slot(layout.gmfUserGradient) + from * gmfBytes;
  let qGradient: usize = slot(layout.gmfItemGradient) + from * gmfBytes;
  const denseBytes = dense ? hiddenBytes + gmfBytes : 0;
  for (let i: u32 = 0; i < denseBytes + 16; i += 16) v128.store(partial + i, f32x4.splat(0));
  const share = 1 / <f64>size;
  let loss: f64 = 0;
  for (let row = from; row < to; row++) {
    let sum = f32x4.splat(0);
    for (let i: u32 = 0; i < hiddenBytes; i += 16) sum = madd(v128.load(y + i), v128.load(output + i), sum);
    for (let i: u32 = 0; i < gmfBytes; i += 16) {
      const product = f32x4.mul(v128.load(p + i), v128.load(q + i));
      sum = dense ? madd(product, v128.load(output + hiddenBytes + i), sum) : f32x4.add(sum, product);
    }
    let logit = sumLanes(sum);
    if (dense) logit += load<f32>(output + denseBytes);
    if (hasBias) logit += load<f32>(itemBias + (row << 2));

    const z = <f64>logit;
    const label = <f64>load<u32>(labels + (row << 2));
    const tail = Math.exp(-Math.abs(z));
    loss += Math.max(z, 0) - z * label + Math.log(1 + tail);
    const probability = z >= 0 ? 1 / (1 + tail) : tail / (1 + tail);
    const g = <f32>((probability - label) * share);
    store<f32>(logitGradient + (row << 2), g);

    const d = f32x4.splat(g);
    for (let i: u32 = 0; i < hiddenBytes; i += 16) {
      v128.store(yGradient + i, f32x4.mul(d, v128.load(output + i)));
      v128.store(partial + i, madd(d, v128.load(y + i), v128.load(partial + i)));
    }
    for (let i: u32 = 0; i < gmfBytes; i += 16) {
      const user = v128.load(p + i);
      const item = v128.load(q + i);
      let weight = d;
      if (dense) {
        const at: usize = partial + hiddenBytes + i;
        v128.store(at, madd(d, f32x4.mul(user, item), v128.load(at)));
        weight = f32x4.mul(d, v128.load(output + hiddenBytes + i));
      }
      v128.store(pGradient + i, f32x4.mul(weight, item));
      v128.store(qGradient + i, f32x4.mul(weight, user));
    }
    if (dense) store<f32>(partial + denseBytes, load<f32>(partial + denseBytes) + g);
    y += hiddenStride;
    yGradient += hiddenStride;
    p += gmfBytes;
    q += gmfBytes;
    pGradient += gmfBytes;
    qGradient += gmfBytes;
  }
  store<f64>(slot(layout.lossPartial) + (unit << 3), loss);
}
