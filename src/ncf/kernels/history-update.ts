/**
 * The table of history items: each thread brings its own rows (row id mod threads) of the next batch's histories up to
 * date, and moves those of a batch. A row's gradient is added up run by run in batch order, so the bytes do not depend on the
 * number of threads.
 */
import { addScaled, addVectors, catchUpRow, clearVectors } from "./embedding";
import { findHistory, hole, items, newest, oldest } from "./history";
import { tableBytes, weightsOf } from "./history-weights";
import * as layout from "./layout";
import { slot } from "./memory";
import { gradientOf, startTouching, stepTouched } from "./tail-gradients";

/** Whether row i of a batch starts a run. */
function startsRun(positives: usize, i: u32): bool {
  return i === 0 || load<u32>(positives + (i << 2)) !== load<u32>(positives + ((i - 1) << 2));
}

/** Brings the thread's own rows of the histories of `size` samples up to date at step `now`. */
export function catchUpHistories(buffer: u32, size: u32, now: u32, thread: u32, threads: u32): void {
  const positives = slot(layout.batchPositives) + buffer * (slot(layout.batchSize) << 2);
  const table = slot(layout.historyTable);
  const stride = slot(layout.historyStride);
  const width = slot(layout.historyWidth);
  for (let i: u32 = 0; i < size; i++) {
    if (!startsRun(positives, i)) continue;
    findHistory(load<u32>(positives + (i << 2)));
    for (let item = newest; item >= oldest; item -= 4) {
      const row = load<u32>(item);
      if (row % threads === thread && item !== hole) catchUpRow(table + row * stride, width * 12, width, now);
    }
  }
}

/**
 * One Adam step for the thread's own rows of a batch's histories.
 *
 * @param step of the update, 1 for the first
 * @param sum scratch, shape [historyWidth]
 */
export function updateHistories(buffer: u32, size: u32, step: u32, thread: u32, threads: u32, sum: usize): void {
  const positives = slot(layout.batchPositives) + buffer * (slot(layout.batchSize) << 2);
  const mlpBytes = slot(layout.mlpWidth) << 2;
  const gmfBytes = slot(layout.gmfWidth) << 2;
  const mlp = slot(layout.inputGradient);
  const gmf = slot(layout.gmfUserGradient);
  startTouching(thread);
  for (let i: u32 = 0; i < size; ) {
    findHistory(load<u32>(positives + (i << 2)));
    clearVectors(sum, mlpBytes + gmfBytes);
    do {
      addVectors(mlp + i * (mlpBytes << 1), sum, mlpBytes);
      addVectors(gmf + i * gmfBytes, sum + mlpBytes, gmfBytes);
      i++;
    } while (i < size && !startsRun(positives, i));
    addGradients(buffer, step, thread, threads, sum);
  }
  stepTouched(mlpBytes + gmfBytes, step);
}

/** Adds w_k · scale · sum to the gradients of the thread's own rows of the history at hand. */
function addGradients(buffer: u32, step: u32, thread: u32, threads: u32, sum: usize): void {
  const mlpBytes = slot(layout.mlpWidth) << 2;
  const gmfBytes = slot(layout.gmfWidth) << 2;
  const table = slot(layout.historyTable);
  const stride = slot(layout.historyStride);
  let mlpWeight = weightsOf(buffer, 0);
  let gmfWeight = weightsOf(buffer, 1);
  const mlpScale = load<f32>(mlpWeight + tableBytes() + (items << 2));
  const gmfScale = load<f32>(gmfWeight + tableBytes() + (items << 2));
  for (let item = newest; item >= oldest; item -= 4) {
    if (item === hole) continue;
    const row = load<u32>(item);
    if (row % threads === thread) {
      const gradient = gradientOf(table + row * stride, mlpBytes + gmfBytes, step);
      addScaled(sum, gradient, load<f32>(mlpWeight) * mlpScale, mlpBytes);
      addScaled(sum + mlpBytes, gradient + mlpBytes, load<f32>(gmfWeight) * gmfScale, gmfBytes);
    }
    mlpWeight += 4;
    gmfWeight += 4;
  }
}
