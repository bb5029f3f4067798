/**
 * Training steps from end to end. Every thread runs the same sequence; between two calls of `meet` a thread works on
 * its own units (runs of batch rows), its own blocks of weights, or its own embedding rows.
 */
import { adamVector, adamWeights, prepareAdam } from "./adam";
import { meet, setPatience } from "./barrier";
import {
  activate,
  batchStatistics,
  columnSums,
  normBeforeRelu,
  normGradientSums,
  normNone,
  productGradient,
  updateRunning,
} from "./block";
import { drawSamples, fillFilter } from "./draw";
import { catchUpBatch, catchUpTable, gatherRows, updateRows } from "./embedding";
import { gemm, gemmTransposed } from "./gemm";
import { decayGradients, poolHistories } from "./history";
import { catchUpHistories, updateHistories } from "./history-update";
import { learnsDecay, prepareWeights, updateDecay } from "./history-weights";
import { addFeatures, catchUpFeatures, updateFeatures } from "./item-features";
import * as layout from "./layout";
import { layerAt, layerSlot, slot } from "./memory";
import { outputRows } from "./output";
import { keyWord0, keyWord1 } from "./random";

export { catchUp } from "./catch-up";
export { probeMadd } from "./simd";

const dropoutPurpose: u32 = 16;

let thread: u32 = 0;
let threads: u32 = 1;
let scratch: usize = 0;
/** Of the step at hand: samples of the batch, its units, and the thread's own range of units. */
let size: u32 = 0;
let units: u32 = 0;
let firstUnit: u32 = 0;
let endUnit: u32 = 0;

/** Says which of `count` threads this instance is and how long it spins at barriers. Call it once before anything else. */
export function enter(index: u32, count: u32, patience: i32): void {
  setPatience(patience);
  thread = index;
  threads = count;
  scratch = slot(layout.threadScratch) + index * slot(layout.threadScratchBytes);
}

/** Enters the training positives into the sampler's filter. One thread only: bits share bytes. */
export function buildFilter(): void {
  fillFilter(0, slot(layout.users));
}

/** Writes the batch of `step` to buffer step mod 2, all of it: for tests of the sampler. */
export function draw(step: u32): void {
  drawSamples(step, step & 1, 0, batchSizeAt(step), scratch);
}

/** Does steps `first` … `first` + `count` − 1, which lie in one epoch, with all threads; losses go to `losses`. */
export function run(first: u32, count: u32): void {
  const barrier = slot(layout.barrier);
  setStep(first);
  drawUnits(first);
  if (thread === 0 && slot(layout.history)) {
    prepareWeights(0);
    prepareWeights(1);
  }
  meet(barrier, threads);
  catchUpNext(first, first & 1);
  meet(barrier, threads);
  for (let i: u32 = 0; i < count; i++) {
    const step = first + i;
    const more = i + 1 < count;
    setStep(step);
    forward(step);
    backward(step);
    if (more) {
      setStep(step + 1);
      drawUnits(step + 1);
      setStep(step);
    }
    meet(barrier, threads);
    update(step, i);
    if (more) {
      setStep(step + 1);
      catchUpNext(step + 1, (step + 1) & 1);
    }
    meet(barrier, threads);
  }
  if ((first + count) % slot(layout.stepsPerEpoch) === 0) {
    flush(first + count);
    meet(barrier, threads);
  }
}

function batchSizeAt(step: u32): u32 {
  const batch = slot(layout.batchSize);
  return min(batch, slot(layout.samples) - (step % slot(layout.stepsPerEpoch)) * batch);
}

function setStep(step: u32): void {
  const unitRows = slot(layout.unitRows);
  size = batchSizeAt(step);
  units = (size + unitRows - 1) / unitRows;
  firstUnit = (units * thread) / threads;
  endUnit = (units * (thread + 1)) / threads;
}

function drawUnits(step: u32): void {
  const unitRows = slot(layout.unitRows);
  const from = firstUnit * unitRows;
  const to = min(endUnit * unitRows, size);
  if (from < to) drawSamples(step, step & 1, from, to, scratch);
}

/** Brings the thread's own rows of the next batch to the step before it. */
function catchUpNext(now: u32, buffer: u32): void {
  const half = slot(layout.batchSize) << 2;
  const users = slot(layout.batchUsers) + buffer * half;
  const items = slot(layout.batchItems) + buffer * half;
  const userTable = slot(layout.userTable);
  const itemTable = slot(layout.itemTable);
  const userStride = slot(layout.userStride);
  const itemStride = slot(layout.itemStride);
  if (slot(layout.userWidth)) {
    catchUpBatch(users, size, userTable, userStride, slot(layout.userWidth), now, thread, threads, scratch);
  }
  if (slot(layout.history)) catchUpHistories(buffer, size, now, thread, threads);
  if (slot(layout.itemFeatures)) catchUpFeatures(now, thread, threads);
  catchUpBatch(items, size, itemTable, itemStride, slot(layout.itemWidth), now, thread, threads, scratch);
}

function flush(now: u32): void {
  const userTable = slot(layout.userTable);
  const itemTable = slot(layout.itemTable);
  const userRows = slot(layout.userRowCount);
  const itemRows = slot(layout.itemRowCount);
  catchUpTable(userTable, slot(layout.userStride), slot(layout.userWidth), userRows, now, thread, threads);
  catchUpTable(itemTable, slot(layout.itemStride), slot(layout.itemWidth), itemRows, now, thread, threads);
  if (slot(layout.itemFeatures)) catchUpFeatures(now, thread, threads);
  if (!slot(layout.history)) return;
  const historyTable = slot(layout.historyTable);
  const historyRows = slot(layout.historyRowCount);
  catchUpTable(historyTable, slot(layout.historyStride), slot(layout.historyWidth), historyRows, now, thread, threads);
}

function statisticsOf(layer: usize): usize {
  return layerSlot(layer, layout.statistics) + thread * layerSlot(layer, layout.outputs) * 20;
}

/** Whether something stands between the layer's matrix product and the next layer. */
function hasPass(layer: usize): bool {
  return layerSlot(layer, layout.norm) !== normNone || layerSlot(layer, layout.dropThreshold) !== 0;
}

function forward(step: u32): void {
  const unitRows = slot(layout.unitRows);
  const layers = slot(layout.layers);
  const barrier = slot(layout.barrier);
  for (let u = firstUnit; u < endUnit; u++) {
    const from = u * unitRows;
    const to = min(from + unitRows, size);
    gatherRows(step & 1, from, to);
    if (slot(layout.history)) poolHistories(step & 1, from, to, scratch);
    if (slot(layout.itemFeatures)) addFeatures(step & 1, from, to);
  }
  for (let l: u32 = 0; l < layers; l++) {
    const layer = layerAt(l);
    const K = layerSlot(layer, layout.inputs);
    const N = layerSlot(layer, layout.outputs);
    const norm = layerSlot(layer, layout.norm);
    const before = l ? layerAt(l - 1) : 0;
    const input: usize = l ? layerSlot(before, layout.activation) : slot(layout.input);
    const weights = layerSlot(layer, layout.weights);
    const bias = layerSlot(layer, layout.vectors);
    const rowA: usize = l ? layerSlot(before, layout.stride) : K << 2;
    const rowC: usize = layerSlot(layer, layout.stride);
    const product = layerSlot(layer, hasPass(layer) ? layout.hidden : layout.activation);
    for (let u = firstUnit; u < endUnit; u++) {
      const from = u * unitRows;
      const to = min(from + unitRows, size);
      if (l) activateUnit(step, l - 1, from, to);
      const out: usize = product + from * rowC;
      gemm(input + from * rowA, rowA, weights, bias, out, rowC, to - from, K, N, norm !== normBeforeRelu);
      if (norm !== normNone) {
        const sums = layerSlot(layer, layout.sumsPartial) + u * (N << 3);
        columnSums(out, rowC, layerSlot(layer, layout.running), sums, to - from, N);
      }
    }
    if (norm !== normNone) {
      meet(barrier, threads);
      batchStatistics(layer, statisticsOf(layer), units, size);
    }
  }
  for (let u = firstUnit; u < endUnit; u++) {
    const from = u * unitRows;
    const to = min(from + unitRows, size);
    if (layers) activateUnit(step, layers - 1, from, to);
    outputRows(step & 1, u, from, to, size);
  }
}

function activateUnit(step: u32, l: u32, from: u32, to: u32): void {
  const layer = layerAt(l);
  if (!hasPass(layer)) return;
  const seedLow = slot(layout.seedLow);
  const seedHigh = slot(layout.seedHigh);
  const k0 = keyWord0(seedLow, seedHigh, dropoutPurpose + l, step);
  const k1 = keyWord1(seedLow, seedHigh, dropoutPurpose + l, step);
  activate(layer, statisticsOf(layer), from, to, k0, k1);
}

function backward(step: u32): void {
  const unitRows = slot(layout.unitRows);
  const barrier = slot(layout.barrier);
  for (let l: i32 = slot(layout.layers) - 1; l >= 0; l--) {
    const layer = layerAt(l);
    const K = layerSlot(layer, layout.inputs);
    const N = layerSlot(layer, layout.outputs);
    const norm = layerSlot(layer, layout.norm);
    const vectorBytes: usize = N * 12;
    const vectors = layerSlot(layer, layout.vectorsPartial);
    if (norm !== normNone) {
      for (let u = firstUnit; u < endUnit; u++) {
        const from = u * unitRows;
        const sums: usize = vectors + u * vectorBytes + (N << 2);
        normGradientSums(layer, statisticsOf(layer), sums, from, min(from + unitRows, size));
      }
      meet(barrier, threads);
      addParts(vectors + (N << 2), vectorBytes, units, scratch, N << 1);
    }
    const input: usize = l ? layerSlot(layerAt(l - 1), layout.activation) : slot(layout.input);
    const inputGradient: usize = l ? layerSlot(layerAt(l - 1), layout.gradient) : slot(layout.inputGradient);
    const rowA: usize = l ? layerSlot(layerAt(l - 1), layout.stride) : K << 2;
    const rowD: usize = layerSlot(layer, layout.stride);
    const gradient = layerSlot(layer, layout.gradient);
    const back = layerSlot(layer, layout.weightsBack);
    const partial = layerSlot(layer, layout.weightsPartial);
    for (let u = firstUnit; u < endUnit; u++) {
      const from = u * unitRows;
      const to = min(from + unitRows, size);
      productGradient(layer, statisticsOf(layer), scratch, vectors + u * vectorBytes, from, to, size);
      const g: usize = gradient + from * rowD;
      gemmTransposed(input + from * rowA, rowA, g, rowD, partial + u * ((K * N) << 2), to - from, K, N);
      gemm(g, rowD, back, 0, inputGradient + from * rowA, rowA, to - from, N, K, false);
    }
  }
  if (!learnsDecay()) return;
  for (let u = firstUnit; u < endUnit; u++) {
    const from = u * unitRows;
    decayGradients(step & 1, u, from, min(from + unitRows, size));
  }
}

/** to[i] = Σ over parts, in part order, of from[part][i]; `count` floats, a multiple of 4. */
function addParts(from: usize, partBytes: usize, parts: u32, to: usize, count: u32): void {
  for (let i: u32 = 0; i < count << 2; i += 16) {
    let sum = v128.load(from + i);
    for (let p: u32 = 1; p < parts; p++) sum = f32x4.add(sum, v128.load(from + p * partBytes + i));
    v128.store(to + i, sum);
  }
}

/** The optimizer's step on the thread's share of all parameters, and the loss of the step. */
function update(step: u32, index: u32): void {
  const t = step + 1;
  prepareAdam(t);
  const layers = slot(layout.layers);
  for (let l: u32 = 0; l < layers; l++) updateLayer(l);
  if (thread === threads - 1 && slot(layout.outputDense)) {
    const count = slot(layout.outputInputs) + 4;
    const partial = slot(layout.outputPartial);
    const bytes = slot(layout.outputPartialBytes);
    adamVector(slot(layout.output), slot(layout.outputM), slot(layout.outputV), partial, bytes, units, count);
  }
  updateEmbeddings(t, step & 1);
  if (slot(layout.history)) updateHistories(step & 1, size, t, thread, threads, scratch);
  if (slot(layout.itemFeatures)) updateFeatures(step & 1, size, t, thread, threads);
  if (thread === 0) {
    if (learnsDecay()) {
      updateDecay(units);
      prepareWeights(t & 1);
    }
    const partial = slot(layout.lossPartial);
    let loss: f64 = 0;
    for (let u: u32 = 0; u < units; u++) loss += load<f64>(partial + (u << 3));
    store<f64>(slot(layout.losses) + (index << 3), loss / <f64>size);
  }
}

function updateLayer(l: u32): void {
  const layer = layerAt(l);
  const K = layerSlot(layer, layout.inputs);
  const N = layerSlot(layer, layout.outputs);
  const blocks = (K >> 3) * (N >> 3);
  adamWeights(
    layerSlot(layer, layout.weights),
    layerSlot(layer, layout.weightsBack),
    layerSlot(layer, layout.weightsM),
    layerSlot(layer, layout.weightsV),
    layerSlot(layer, layout.weightsPartial),
    (K * N) << 2,
    units,
    K,
    N,
    (blocks * thread) / threads,
    (blocks * (thread + 1)) / threads,
  );
  if (l % threads !== thread) return;
  const w = layerSlot(layer, layout.vectors);
  const m = layerSlot(layer, layout.vectorsM);
  const v = layerSlot(layer, layout.vectorsV);
  const partial = layerSlot(layer, layout.vectorsPartial);
  const norm = layerSlot(layer, layout.norm);
  const row: usize = N << 2;
  adamVector(w, m, v, partial, N * 12, units, N);
  if (norm === normNone) return;
  // The partial sums hold [bias, Σd (norm's bias), Σd · normalized (norm's weight)].
  adamVector(w + 2 * row, m + 2 * row, v + 2 * row, partial + row, N * 12, units, N);
  adamVector(w + row, m + row, v + row, partial + 2 * row, N * 12, units, N);
  updateRunning(layer, statisticsOf(layer), size);
}

function updateEmbeddings(t: u32, buffer: u32): void {
  const batch = slot(layout.batchSize);
  const half = batch << 2;
  const mlp = slot(layout.inputGradient);
  const mlpBytes = slot(layout.mlpWidth) << 2;
  const gmfBytes = slot(layout.gmfWidth) << 2;
  const next = scratch;
  const firsts = scratch + half;
  const sum = scratch + 2 * half;
  if (slot(layout.userWidth)) {
    updateRows(
      slot(layout.batchUsers) + buffer * half,
      size,
      slot(layout.userTable),
      slot(layout.userStride),
      slot(layout.userWidth),
      t,
      thread,
      threads,
      next,
      firsts,
      sum,
      mlp,
      mlpBytes << 1,
      mlpBytes,
      slot(layout.gmfUserGradient),
      gmfBytes,
      0,
    );
  }
  updateRows(
    slot(layout.batchItems) + buffer * half,
    size,
    slot(layout.itemTable),
    slot(layout.itemStride),
    slot(layout.itemWidth),
    t,
    thread,
    threads,
    next,
    firsts,
    sum,
    mlp + mlpBytes,
    mlpBytes << 1,
    mlpBytes,
    slot(layout.gmfItemGradient),
    gmfBytes,
    slot(layout.itemBias) ? slot(layout.logitGradient) : 0,
  );
}
