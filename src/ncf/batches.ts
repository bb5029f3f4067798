/**
 * How training samples are drawn: the readable version of what the wasm kernels do with the same integers.
 *
 * An epoch has positives × (1 + negatives) samples. Position j of the epoch is sample s = permutation(j); s belongs to
 * positive ⌊s / (1 + negatives)⌋, whose first slot is the positive itself (label 1) and whose others are negatives
 * (label 0): items drawn from the catalogue, uniformly unless the configuration says otherwise, until one is not among the
 * user's training positives. The held-out item may be drawn: excluding it would leak the answer.
 *
 * For a model of histories, the permutation is one of the positives, and all samples of one follow each other.
 */
import { NcfError } from "../core/errors.ts";
import { pow } from "../core/math.ts";
import { mix, mulHigh, Permutation, purposes, type StreamKey, streamKey } from "../core/rng.ts";
import { AliasTable } from "../core/synthetic/alias.ts";
import type { TrainingData } from "./backend.ts";
import type { NcfConfig } from "./config.ts";

/** After this many rejected draws the next unseen item in catalogue order is taken. */
const maxRejections = 100;

export interface Batch {
  /** Shape [size]: user indices. */
  readonly users: Int32Array;
  /** Shape [size]: item indices. */
  readonly items: Int32Array;
  /** Shape [size]: 1 for a positive, 0 for a negative. */
  readonly labels: Uint8Array;
  /** Shape [size]: the number of the positive that a sample belongs to. */
  readonly positives: Int32Array;
}

export class BatchSampler {
  readonly stepsPerEpoch: number;
  readonly #data: TrainingData;
  readonly #batchSize: number;
  readonly #slots: number;
  readonly #samples: number;
  readonly #seed: number;
  readonly #redraw: boolean;
  readonly #grouped: boolean;
  readonly #popular: AliasTable | null;
  readonly #userOfPositive: Int32Array;

  constructor(config: NcfConfig, data: TrainingData, seed: number) {
    this.#data = data;
    this.#batchSize = config.batchSize;
    this.#slots = 1 + config.negatives;
    this.#samples = data.positives.length * this.#slots;
    this.#seed = seed;
    this.#redraw = config.negativeDraw === "eachEpoch";
    this.#grouped = Boolean(config.history);
    this.#popular = negativeTable(config, data);
    this.stepsPerEpoch = stepsPerEpoch(this.#samples, config.batchSize);
    this.#userOfPositive = userOfPositive(data);
  }

  /** The batch of global step `step` (0, 1, …). The last of an epoch may be short, but never has a single sample. */
  at(step: number): Batch {
    const epoch = Math.floor(step / this.stepsPerEpoch);
    const from = (step % this.stepsPerEpoch) * this.#batchSize;
    const size = Math.min(this.#batchSize, this.#samples - from);
    const permuted = this.#grouped ? this.#data.positives.length : this.#samples;
    const permutation = new Permutation(permuted, streamKey(this.#seed, purposes.shuffle, epoch));
    const key = streamKey(this.#seed, purposes.negatives, this.#redraw ? epoch : 0);
    const users = new Int32Array(size);
    const items = new Int32Array(size);
    const labels = new Uint8Array(size);
    const positives = new Int32Array(size);
    for (let i = 0; i < size; i++) {
      const sample = this.#sampleAt(permutation, from + i);
      const positive = Math.floor(sample / this.#slots);
      const user = this.#userOfPositive[positive];
      const seen = this.#data.offsets[user + 1] - this.#data.offsets[user];
      // A user who has every item has no negatives: those slots repeat the positive.
      const isPositive = sample % this.#slots === 0 || seen >= this.#data.items;
      users[i] = user;
      items[i] = isPositive ? this.#data.positives[positive] : this.#negative(user, sample, key);
      labels[i] = isPositive ? 1 : 0;
      positives[i] = positive;
    }
    return { users, items, labels, positives };
  }

  #sampleAt(permutation: Permutation, position: number): number {
    if (!this.#grouped) return permutation.at(position);
    return permutation.at(Math.floor(position / this.#slots)) * this.#slots + (position % this.#slots);
  }

  #negative(user: number, sample: number, key: StreamKey): number {
    let item = 0;
    for (let attempt = 0; attempt < maxRejections; attempt++) {
      const bits = mix(sample, (key.k0 + Math.imul(attempt, 0x9e3779b9)) | 0, key.k1);
      item = this.#popular === null ? mulHigh(bits, this.#data.items) : this.#popular.at(bits);
      if (!this.#hasPositive(user, item)) return item;
    }
    do item = (item + 1) % this.#data.items;
    while (this.#hasPositive(user, item));
    return item;
  }

  #hasPositive(user: number, item: number): boolean {
    let low = this.#data.offsets[user];
    let high = this.#data.offsets[user + 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#data.positives[middle] < item) low = middle + 1;
      else high = middle;
    }
    return low < this.#data.offsets[user + 1] && this.#data.positives[low] === item;
  }
}

/** The greatest catalogue from which negatives are drawn by popularity. */
const largestNegativeTable = 2 ** 20;

/**
 * What negatives are drawn from; null where all items are alike.
 *
 * @throws NcfError `DATA_TOO_LARGE`
 */
export function negativeTable({ negativePower = 0 }: NcfConfig, { items, positives }: TrainingData): AliasTable | null {
  if (negativePower === 0) return null;
  if (items > largestNegativeTable) {
    throw new NcfError(
      "DATA_TOO_LARGE",
      `expected at most ${largestNegativeTable} items for negativePower ${negativePower}, found ${items}. Leave it out`,
    );
  }
  const weights = new Float64Array(items).fill(1);
  for (const item of positives) weights[item] += 1;
  return new AliasTable(
    Int32Array.from(weights.keys()),
    weights.map((count) => pow(count, negativePower)),
  );
}

/** Batches in an epoch of `samples`: a last batch of a single sample is left out, as batch statistics need two. */
export function stepsPerEpoch(samples: number, batchSize: number): number {
  return Math.floor(samples / batchSize) + (samples % batchSize > 1 ? 1 : 0);
}

/** Shape [positives]: the user of each positive. */
export function userOfPositive(data: TrainingData): Int32Array {
  const users = new Int32Array(data.positives.length);
  for (let user = 0; user < data.users; user++) users.fill(user, data.offsets[user], data.offsets[user + 1]);
  return users;
}

/**
 * Which activations dropout keeps. Two values share one 32-bit draw, 16 bits each: value (row, unit) of a layer uses
 * draw (row · width / 8 + ⌊unit / 8⌋) · 4 + unit mod 4, its low half when bit 2 of `unit` is 0, else its high half. So
 * four lanes of a SIMD draw serve eight neighbouring units.
 *
 * @param key stream key of (seed, purposes.dropout + layer, global step)
 * @param rate share dropped; a value is dropped if its 16 bits lie below round(rate · 65536)
 * @returns true where the value is kept
 */
export function keepsActivation(key: StreamKey, rate: number, width: number, row: number, unit: number): boolean {
  const draw = mix((row * (width >>> 3) + (unit >>> 3)) * 4 + (unit & 3), key.k0, key.k1);
  const bits = (unit & 4) === 0 ? draw & 0xffff : draw >>> 16;
  return bits >= Math.round(rate * 65536);
}
