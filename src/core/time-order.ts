/** Sorting rows by time, stably: rows of equal time keep their file order. */

const insertionSortBelow = 24;
let scratch = new Int32Array(1024);

/**
 * Sorts order[from … to), row numbers in file order, by `timestampMs` of the row: a bottom-up merge sort over runs
 * made by insertion, since a comparator call per comparison would dominate the time to read a data set.
 */
export function stableOrderByTime(order: Int32Array, from: number, to: number, timestampMs: Float64Array): void {
  for (let start = from; start < to; start += insertionSortBelow) {
    insertionSort(order, start, Math.min(start + insertionSortBelow, to), timestampMs);
  }
  if (to - from <= insertionSortBelow) return;
  if (scratch.length < to - from) scratch = new Int32Array(2 * (to - from));
  for (let width = insertionSortBelow; width < to - from; width *= 2) {
    for (let start = from; start + width < to; start += 2 * width) {
      merge(order, start, start + width, Math.min(start + 2 * width, to), timestampMs);
    }
  }
}

function insertionSort(order: Int32Array, from: number, to: number, timestampMs: Float64Array): void {
  for (let i = from + 1; i < to; i++) {
    const row = order[i];
    const time = timestampMs[row];
    let j = i - 1;
    for (; j >= from && timestampMs[order[j]] > time; j--) order[j + 1] = order[j];
    order[j + 1] = row;
  }
}

/** Merges the sorted runs [from … middle) and [middle … to), taking from the left at equal times. */
function merge(order: Int32Array, from: number, middle: number, to: number, timestampMs: Float64Array): void {
  const length = middle - from;
  scratch.set(order.subarray(from, middle));
  let left = 0;
  let right = middle;
  let out = from;
  while (left < length && right < to) {
    order[out++] = timestampMs[order[right]] < timestampMs[scratch[left]] ? order[right++] : scratch[left++];
  }
  while (left < length) order[out++] = scratch[left++];
}
