/**
 * Embedding rows. A table holds one record a user (or item): the values of all its embeddings side by side (MLP, GMF,
 * and for items the bias in 4 floats), their first moments, their second moments, then three words: the step at which
 * the row is up to date, and `mark` and `tail` that find a row's repeats in one batch. One record spans few cache lines
 * and is written by one thread only: the one that owns it by row id.
 */
import { adamStep } from "./adam";
import { catchUp } from "./catch-up";
import * as layout from "./layout";
import { slot } from "./memory";
import { madd } from "./simd";

const noNext: u32 = 0xffffffff;

/** Copies `bytes` (a multiple of 16). */
function copyVectors(from: usize, to: usize, bytes: u32): void {
  for (let i: u32 = 0; i < bytes; i += 16) v128.store(to + i, v128.load(from + i));
}

/** Clears `bytes` (a multiple of 16). */
export function clearVectors(at: usize, bytes: u32): void {
  for (let i: u32 = 0; i < bytes; i += 16) v128.store(at + i, f32x4.splat(0));
}

/** Copies the values of batch rows `from` … `to` − 1 to where the network reads them. */
export function gatherRows(buffer: u32, from: u32, to: u32): void {
  const half = slot(layout.batchSize) << 2;
  const usersAt = slot(layout.batchUsers) + buffer * half;
  const itemsAt = slot(layout.batchItems) + buffer * half;
  const userTable = slot(layout.userTable);
  const itemTable = slot(layout.itemTable);
  const userStride = slot(layout.userStride);
  const itemStride = slot(layout.itemStride);
  const mlpBytes = slot(layout.mlpWidth) << 2;
  const gmfBytes = slot(layout.gmfWidth) << 2;
  const input = slot(layout.input);
  const gmfUser = slot(layout.gmfUser);
  const gmfItem = slot(layout.gmfItem);
  const hasBias = slot(layout.itemBias);
  const bias = slot(layout.bias);
  const hasUser = slot(layout.userWidth);
  for (let i = from; i < to; i++) {
    const user: usize = userTable + load<u32>(usersAt + (i << 2)) * userStride;
    const item: usize = itemTable + load<u32>(itemsAt + (i << 2)) * itemStride;
    const x: usize = input + i * (mlpBytes << 1);
    copyVectors(item, x + mlpBytes, mlpBytes);
    if (hasUser) {
      copyVectors(user, x, mlpBytes);
      copyVectors(user + mlpBytes, gmfUser + i * gmfBytes, gmfBytes);
    } else {
      clearVectors(x, mlpBytes);
      clearVectors(gmfUser + i * gmfBytes, gmfBytes);
    }
    if (gmfBytes) {
      copyVectors(item + mlpBytes, gmfItem + i * gmfBytes, gmfBytes);
    }
    if (hasBias) store<f32>(bias + (i << 2), load<f32>(item + mlpBytes + gmfBytes));
  }
}

/**
 * Brings the thread's own rows among the `size` ids at `ids` up to date at step `now`.
 *
 * @param own scratch, shape [size + 1] u32
 */
export function catchUpBatch(
  ids: usize,
  size: u32,
  table: usize,
  stride: u32,
  width: u32,
  now: u32,
  thread: u32,
  threads: u32,
  own: usize,
): void {
  const touchedAt = width * 12;
  // Records lie anywhere in memory: a first pass that only looks at both ends lets their cache misses overlap.
  let count: u32 = 0;
  let seen: u32 = 0;
  for (let i: u32 = 0; i < size; i++) {
    const row = load<u32>(ids + (i << 2));
    if (row % threads !== thread) continue;
    const record: usize = table + row * stride;
    seen += load<u32>(record);
    if (load<u32>(record + touchedAt) !== now) store<u32>(own + (count++ << 2), record);
  }
  store<u32>(own + (size << 2), seen);
  for (let i: u32 = 0; i < count; i++) catchUpRow(load<u32>(own + (i << 2)), touchedAt, width, now);
}

/** Brings every row `thread`, `thread` + `threads`, … of a table up to date at step `now`. */
export function catchUpTable(
  table: usize,
  stride: u32,
  width: u32,
  rows: u32,
  now: u32,
  thread: u32,
  threads: u32,
): void {
  const touchedAt = width * 12;
  for (let row = thread; row < rows; row += threads) catchUpRow(table + row * stride, touchedAt, width, now);
}

/** Brings one row's record, whose `touched` lies at `touchedAt`, up to date at step `now`. */
export function catchUpRow(record: usize, touchedAt: u32, width: u32, now: u32): void {
  const touched = load<u32>(record + touchedAt);
  if (touched === now) return;
  // A row that no batch has touched yet has zero moments.
  if (touched) catchUp(record, width, touched, now);
  store<u32>(record + touchedAt, now);
}

/**
 * One Adam step for the thread's own rows of a batch. Gradients of samples that share a row are added in batch order.
 *
 * @param next scratch, shape [size] u32
 * @param firsts scratch, shape [size] u32
 * @param sum scratch, shape [width]
 * @param mlp gradient of the MLP embedding, sample i at mlp + i · mlpStride
 * @param gmf gradient of the GMF embedding, sample i at gmf + i · gmfBytes
 * @param biasGradient per sample, or 0 if the table has no bias
 */
export function updateRows(
  ids: usize,
  size: u32,
  table: usize,
  stride: u32,
  width: u32,
  step: u32,
  thread: u32,
  threads: u32,
  next: usize,
  firsts: usize,
  sum: usize,
  mlp: usize,
  mlpStride: u32,
  mlpBytes: u32,
  gmf: usize,
  gmfBytes: u32,
  biasGradient: usize,
): void {
  const bytes = width << 2;
  const touchedAt = bytes * 3;
  let count: u32 = 0;
  for (let i: u32 = 0; i < size; i++) {
    const row = load<u32>(ids + (i << 2));
    if (row % threads !== thread) continue;
    const words: usize = table + row * stride + touchedAt;
    store<u32>(next + (i << 2), noNext);
    if (load<u32>(words, 4) === step) {
      store<u32>(next + (load<u32>(words, 8) << 2), i);
    } else {
      store<u32>(words, step, 4);
      store<u32>(firsts + (count++ << 2), i);
    }
    store<u32>(words, i, 8);
  }
  for (let f: u32 = 0; f < count; f++) {
    let i = load<u32>(firsts + (f << 2));
    const record: usize = table + load<u32>(ids + (i << 2)) * stride;
    copyVectors(mlp + i * mlpStride, sum, mlpBytes);
    copyVectors(gmf + i * gmfBytes, sum + mlpBytes, gmfBytes);
    if (biasGradient) {
      v128.store(sum + mlpBytes + gmfBytes, v128.load32_zero(biasGradient + (i << 2)));
    }
    for (i = load<u32>(next + (i << 2)); i !== noNext; i = load<u32>(next + (i << 2))) {
      addVectors(mlp + i * mlpStride, sum, mlpBytes);
      addVectors(gmf + i * gmfBytes, sum + mlpBytes, gmfBytes);
      if (biasGradient) addVectors0(biasGradient + (i << 2), sum + mlpBytes + gmfBytes);
    }
    for (let k: u32 = 0; k < bytes; k += 16) {
      adamStep(record + k, record + bytes + k, record + 2 * bytes + k, v128.load(sum + k));
    }
    store<u32>(record + touchedAt, step);
  }
}

/** Adds `bytes` (a multiple of 16). */
export function addVectors(from: usize, to: usize, bytes: u32): void {
  for (let i: u32 = 0; i < bytes; i += 16) v128.store(to + i, f32x4.add(v128.load(to + i), v128.load(from + i)));
}

/** Adds `factor` times `bytes` (a multiple of 16). */
export function addScaled(from: usize, to: usize, factor: f32, bytes: u32): void {
  const scale = f32x4.splat(factor);
  for (let i: u32 = 0; i < bytes; i += 16) v128.store(to + i, madd(scale, v128.load(from + i), v128.load(to + i)));
}

function addVectors0(from: usize, to: usize): void {
  store<f32>(to, load<f32>(to) + load<f32>(from));
}
