/**
 * Items' rows from their features: own row + Σ_k v_k F_k, in each branch and in the bias. A record of F looks like one of the
 * item table, with its gradient in its tail; features of a row lie at featureOffsets[row] … featureOffsets[row + 1] − 1.
 */
import { addScaled, catchUpTable } from "./embedding";
import * as layout from "./layout";
import { slot } from "./memory";
import { gradientOf, startTouching, stepTouched } from "./tail-gradients";

/** Adds to the items' part of the network's inputs, for batch rows `from` … `to` − 1. */
export function addFeatures(buffer: u32, from: u32, to: u32): void {
  const items = slot(layout.batchItems) + buffer * (slot(layout.batchSize) << 2);
  const offsets = slot(layout.featureOffsets);
  const features = slot(layout.features);
  const values = slot(layout.featureValues);
  const table = slot(layout.featureTable);
  const stride = slot(layout.featureStride);
  const mlpBytes = slot(layout.mlpWidth) << 2;
  const gmfBytes = slot(layout.gmfWidth) << 2;
  const hasBias = slot(layout.itemBias);
  for (let i = from; i < to; i++) {
    const row = load<u32>(items + (i << 2));
    const input = slot(layout.input) + i * (mlpBytes << 1) + mlpBytes;
    const gmfItem = slot(layout.gmfItem) + i * gmfBytes;
    const bias = slot(layout.bias) + (i << 2);
    const end = load<u32>(offsets + (row << 2), 4);
    for (let at = load<u32>(offsets + (row << 2)); at < end; at++) {
      const record: usize = table + load<u32>(features + (at << 2)) * stride;
      const value = load<f32>(values + (at << 2));
      addScaled(record, input, value, mlpBytes);
      addScaled(record + mlpBytes, gmfItem, value, gmfBytes);
      if (hasBias) store<f32>(bias, load<f32>(bias) + value * load<f32>(record + mlpBytes + gmfBytes));
    }
  }
}

/** Brings the thread's own features up to date at step `now`: there are few, and a batch touches nearly all. */
export function catchUpFeatures(now: u32, thread: u32, threads: u32): void {
  const table = slot(layout.featureTable);
  const width = slot(layout.featureWidth);
  catchUpTable(table, slot(layout.featureStride), width, slot(layout.featureCount), now, thread, threads);
}

/** One Adam step for the thread's own features of a batch's items. @param step of the update, 1 for the first */
export function updateFeatures(buffer: u32, size: u32, step: u32, thread: u32, threads: u32): void {
  const items = slot(layout.batchItems) + buffer * (slot(layout.batchSize) << 2);
  const offsets = slot(layout.featureOffsets);
  const features = slot(layout.features);
  const values = slot(layout.featureValues);
  const table = slot(layout.featureTable);
  const stride = slot(layout.featureStride);
  const bytes = slot(layout.featureWidth) << 2;
  const mlpBytes = slot(layout.mlpWidth) << 2;
  const gmfBytes = slot(layout.gmfWidth) << 2;
  const hasBias = slot(layout.itemBias);
  const mlp = slot(layout.inputGradient) + mlpBytes;
  const gmf = slot(layout.gmfItemGradient);
  const logit = slot(layout.logitGradient);
  startTouching(thread);
  for (let i: u32 = 0; i < size; i++) {
    const row = load<u32>(items + (i << 2));
    const end = load<u32>(offsets + (row << 2), 4);
    for (let at = load<u32>(offsets + (row << 2)); at < end; at++) {
      const feature = load<u32>(features + (at << 2));
      if (feature % threads !== thread) continue;
      const value = load<f32>(values + (at << 2));
      const gradient = gradientOf(table + feature * stride, bytes, step);
      addScaled(mlp + i * (mlpBytes << 1), gradient, value, mlpBytes);
      addScaled(gmf + i * gmfBytes, gradient + mlpBytes, value, gmfBytes);
      if (hasBias) {
        const to = gradient + mlpBytes + gmfBytes;
        store<f32>(to, load<f32>(to) + value * load<f32>(logit + (i << 2)));
      }
    }
  }
  stepTouched(bytes, step);
}
