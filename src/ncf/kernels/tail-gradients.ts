/**
 * Records whose gradient is added up in their own tail, behind the three words: rows of which a batch touches many, each
 * many times. The thread that owns a row adds in the order that the batch fixes, then takes one step for each row touched.
 */
import { adamStep } from "./adam";
import { clearVectors } from "./embedding";
import * as layout from "./layout";
import { slot } from "./memory";

/** Bytes from a record's `touched` to its gradient. */
const gradientAfterTouched: u32 = 16;

let touched: usize = 0;
let count: u32 = 0;

/** Starts a step of this thread for one table. */
export function startTouching(thread: u32): void {
  touched = slot(layout.touchedRecords) + thread * slot(layout.touchedBytes);
  count = 0;
}

/** Where to add to the gradient of a record of `bytes` values; the first time in a step it is cleared. */
export function gradientOf(record: usize, bytes: u32, step: u32): usize {
  const words = record + bytes * 3;
  const gradient = words + gradientAfterTouched;
  if (load<u32>(words, 4) !== step) {
    store<u32>(words, step, 4);
    store<u32>(touched + (count++ << 2), <u32>record);
    clearVectors(gradient, bytes);
  }
  return gradient;
}

/** One Adam step for all records touched since `startTouching`. */
export function stepTouched(bytes: u32, step: u32): void {
  const touchedAt = bytes * 3;
  for (let n: u32 = 0; n < count; n++) {
    const record: usize = load<u32>(touched + (n << 2));
    const gradient = record + touchedAt + gradientAfterTouched;
    for (let k: u32 = 0; k < bytes; k += 16) {
      adamStep(record + k, record + bytes + k, record + 2 * bytes + k, v128.load(gradient + k));
    }
    store<u32>(record + touchedAt, step);
  }
}
