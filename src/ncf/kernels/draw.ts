/**
 * Draws training samples exactly as src/ncf/batches.ts does, software-pipelined: each stage runs over all samples of
 * the range before the next, so that the cache misses of independent samples overlap.
 */
import * as layout from "./layout";
import { slot } from "./memory";
import { keyWord0, keyWord1, mix, mulHigh } from "./random";

const shufflePurpose: u32 = 2;
const negativesPurpose: u32 = 3;
const golden: u32 = 0x9e3779b9;
const maxRejections: u32 = 100;

/**
 * Writes users' and items' embedding rows and labels of samples `from` … `to` − 1 of the batch of `step`.
 *
 * @param buffer which of the two batch buffers
 * @param scratch shape [3, batchSize] u32 of the calling thread
 */
export function drawSamples(step: u32, buffer: u32, from: u32, to: u32, scratch: usize): void {
  const perEpoch = slot(layout.stepsPerEpoch);
  const epoch = step / perEpoch;
  const position = (step % perEpoch) * slot(layout.batchSize);
  const seedLow = slot(layout.seedLow);
  const seedHigh = slot(layout.seedHigh);
  const slots = slot(layout.slots);
  const half = slot(layout.batchSize) << 2;
  const at = buffer * half + (from << 2);
  const usersAt = slot(layout.batchUsers) + at;
  const itemsAt = slot(layout.batchItems) + at;
  const labelsAt = slot(layout.batchLabels) + at;
  const sampleAt = scratch;
  const count = to - from;

  const shuffle0 = keyWord0(seedLow, seedHigh, shufflePurpose, epoch);
  const shuffle1 = keyWord1(seedLow, seedHigh, shufflePurpose, epoch);
  if (slot(layout.history)) {
    permuteGroups(position + from, count, shuffle0, shuffle1, sampleAt);
    const positives = slot(layout.batchPositives) + at;
    for (let i: u32 = 0; i < count; i++) {
      store<u32>(positives + (i << 2), load<u32>(sampleAt + (i << 2)) / slots);
    }
  } else permute(position + from, count, slot(layout.samples), shuffle0, shuffle1, sampleAt);
  const owners = slot(layout.userOfPositive);
  for (let i: u32 = 0; i < count; i++) {
    const sample = load<u32>(sampleAt + (i << 2));
    store<u32>(usersAt + (i << 2), load<u32>(owners + ((sample / slots) << 2)));
  }
  const drawEpoch = slot(layout.redraw) ? epoch : 0;
  drawItems(
    count,
    sampleAt,
    usersAt,
    itemsAt,
    labelsAt,
    keyWord0(seedLow, seedHigh, negativesPurpose, drawEpoch),
    keyWord1(seedLow, seedHigh, negativesPurpose, drawEpoch),
  );
  const userRows = slot(layout.userRows);
  const itemRows = slot(layout.itemRows);
  for (let i: u32 = 0; i < count; i++) {
    store<u32>(usersAt + (i << 2), load<u32>(userRows + (load<u32>(usersAt + (i << 2)) << 2)));
    store<u32>(itemsAt + (i << 2), load<u32>(itemRows + (load<u32>(itemsAt + (i << 2)) << 2)));
  }
}

/** Samples at positions `from` … of an epoch that permutes positives, and keeps the samples of each together. */
function permuteGroups(from: u32, count: u32, k0: u32, k1: u32, out: usize): void {
  const slots = slot(layout.slots);
  const first = from / slots;
  const groups = (from + count + slots - 1) / slots - first;
  permute(first, groups, slot(layout.samples) / slots, k0, k1, out);
  // From the end, so that what is read has not been overwritten.
  for (let i: i32 = count - 1; i >= 0; i--) {
    const position = from + i;
    const positive = load<u32>(out + ((position / slots - first) << 2));
    store<u32>(out + (i << 2), positive * slots + (position % slots));
  }
}

/** Positions `from` … of the permutation of `size` numbers: src/core/rng.ts, class Permutation. */
function permute(from: u32, count: u32, size: u32, k0: u32, k1: u32, out: usize): void {
  const bits = max<u32>(2, 32 - clz<u32>(max<u32>(1, size - 1)));
  const leftBits = bits >> 1;
  const rightBits = bits - leftBits;
  const leftMask: u32 = (1 << leftBits) - 1;
  const rightMask: u32 = (1 << rightBits) - 1;
  for (let i: u32 = 0; i < count; i++) {
    let value = from + i;
    do {
      let left = value >> rightBits;
      let right = value & rightMask;
      left ^= mix(right, k0, k1) & leftMask;
      right ^= mix(left, k0 + golden, k1) & rightMask;
      left ^= mix(right, k0 + golden * 2, k1) & leftMask;
      right ^= mix(left, k0 + golden * 3, k1) & rightMask;
      value = (left << rightBits) | right;
    } while (value >= size);
    store<u32>(out + (i << 2), value);
  }
}

function drawItems(
  count: u32,
  sampleAt: usize,
  usersAt: usize,
  itemsAt: usize,
  labelsAt: usize,
  k0: u32,
  k1: u32,
): void {
  const slots = slot(layout.slots);
  const items = slot(layout.items);
  const offsets = slot(layout.offsets);
  const positives = slot(layout.positives);
  for (let i: u32 = 0; i < count; i++) {
    const sample = load<u32>(sampleAt + (i << 2));
    const user = load<u32>(usersAt + (i << 2));
    const first = load<u32>(offsets + (user << 2));
    const end = load<u32>(offsets + (user << 2), 4);
    // A user who has every item has no negatives: those slots repeat the positive.
    if (sample % slots === 0 || end - first >= items) {
      store<u32>(labelsAt + (i << 2), 1);
      store<u32>(itemsAt + (i << 2), load<u32>(positives + ((sample / slots) << 2)));
    } else {
      store<u32>(labelsAt + (i << 2), 0);
      store<u32>(itemsAt + (i << 2), drawItem(mix(sample, k0, k1), items));
    }
  }
  for (let i: u32 = 0; i < count; i++) {
    if (load<u32>(labelsAt + (i << 2))) continue;
    const user = load<u32>(usersAt + (i << 2));
    let item = load<u32>(itemsAt + (i << 2));
    if (!hasPositive(user, item)) continue;
    const sample = load<u32>(sampleAt + (i << 2));
    let attempt: u32 = 1;
    for (; attempt < maxRejections; attempt++) {
      item = drawItem(mix(sample, k0 + attempt * golden, k1), items);
      if (!hasPositive(user, item)) break;
    }
    if (attempt === maxRejections) {
      do item = item + 1 === items ? 0 : item + 1;
      while (hasPositive(user, item));
    }
    store<u32>(itemsAt + (i << 2), item);
  }
}

/** The item that 32 random bits stand for: uniform, or by the alias method as in src/core/synthetic/alias.ts. */
function drawItem(bits: u32, items: u32): u32 {
  const table = slot(layout.negativeTable);
  if (table === 0) return mulHigh(bits, items);
  const product = <u64>bits * <u64>items;
  const at = table + <u32>(product >> 32) * 12;
  return <u32>product < load<u32>(at) ? load<u32>(at, 4) : load<u32>(at, 8);
}

/** The bit of the filter that stands for (user, item). A clear bit proves that the pair is no positive. */
function filterBit(user: u32, item: u32): u32 {
  return (((user * golden) ^ (item * 0x85ebca6b)) * 0xc2b2ae35) >> slot(layout.filterShift);
}

/** Enters all positives of users `from` … `to` − 1 into the filter. */
export function fillFilter(from: u32, to: u32): void {
  const filter = slot(layout.filter);
  const offsets = slot(layout.offsets);
  const positives = slot(layout.positives);
  for (let user = from; user < to; user++) {
    const end = load<u32>(offsets + (user << 2), 4);
    for (let at = load<u32>(offsets + (user << 2)); at < end; at++) {
      const bit = filterBit(user, load<u32>(positives + (at << 2)));
      const byte: usize = filter + (bit >> 3);
      store<u8>(byte, <u8>(<u32>load<u8>(byte) | (1 << (bit & 7))));
    }
  }
}

/** Whether `item` is among the user's training positives. */
function hasPositive(user: u32, item: u32): bool {
  const bit = filterBit(user, item);
  if (((<u32>load<u8>(slot(layout.filter) + (bit >> 3)) >> (bit & 7)) & 1) === 0) return false;
  const offsets = slot(layout.offsets);
  const positives = slot(layout.positives);
  const end = load<u32>(offsets + (user << 2), 4);
  let low = load<u32>(offsets + (user << 2));
  let high = end;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<u32>(positives + (middle << 2)) < item) low = middle + 1;
    else high = middle;
  }
  return low < end && load<u32>(positives + (low << 2)) === item;
}
