/**
 * Counter-based random numbers: every draw is a pure function of (seed, purpose, stream, counter), so any thread can
 * make any draw at any time and a resumed run continues with the same numbers.
 *
 * The mixer is Chris Wellons's `lowbias32` with the two key words added before each multiplication. The wasm kernels
 * implement the same integer arithmetic; a conformance test compares the two.
 */

/** What a random number is for. Each purpose is an independent stream of the same seed. */
export const purposes = {
  userSample: 1,
  shuffle: 2,
  negatives: 3,
  evaluationCandidates: 4,
  bootstrap: 5,
  permutationTest: 6,
  fullCatalogueUsers: 7,
  generator: 8,
  testTie: 9,
  streamCandidates: 10,
  streamBootstrap: 11,
  rehearsal: 12,
  /** The settings of trial t of a search: stream t. */
  tuning: 13,
  /** The items that a hybrid learns to rank below those that were taken. */
  blendNegatives: 14,
  /** Dropout of hidden layer l (0, 1, …) uses `dropout + l`. */
  dropout: 16,
  /** The initial values of parameter tensor i, in the order of the parameter table, use `initialValues + i`. */
  initialValues: 64,
} as const;

/** Two 32-bit words that select one stream of random numbers. */
export interface StreamKey {
  readonly k0: number;
  readonly k1: number;
}

/** The keyed mixer: a 32-bit counter and a 64-bit key to an unsigned 32-bit number. */
export function mix(counter: number, k0: number, k1: number): number {
  let x = (counter + k0) | 0;
  x ^= x >>> 16;
  x = Math.imul(x, 0x21f0aaad);
  x ^= x >>> 15;
  x = (x + k1) | 0;
  x = Math.imul(x, 0x735a2d97);
  x ^= x >>> 15;
  return x >>> 0;
}

/**
 * The key of one stream.
 *
 * @param seed integer in 0 … 2^53 − 1
 * @param purpose one of `purposes` (plus a small offset where its comment says so)
 * @param stream what the purpose counts: an epoch, a step, a user index; an unsigned 32-bit integer
 */
export function streamKey(seed: number, purpose: number, stream = 0): StreamKey {
  const low = seed >>> 0;
  const high = Math.floor(seed / 2 ** 32) >>> 0;
  const a = mix(purpose, low, high);
  const b = mix(purpose, high ^ 0x9e3779b9, low);
  return { k0: mix(stream, a, b), k1: mix(stream, b ^ 0x85ebca6b, a) };
}

/** The high 32 bits of the 64-bit product of two unsigned 32-bit integers, exactly. */
export function mulHigh(a: number, b: number): number {
  // The product of 32 and 21 bits is exact in a double.
  if (b < 2 ** 21) return Math.floor((a * b) / 2 ** 32);
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + Math.floor((aLow * bLow) / 0x10000);
  const middle2 = aLow * bHigh + (middle % 0x10000);
  return aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(middle2 / 0x10000);
}

/** A uniform number in (0, 1), never an end point, from 32 random bits. */
export function unitFrom(bits: number): number {
  return (bits + 0.5) / 2 ** 32;
}

/** A sequential view of one stream, for code that draws in a fixed order. */
export class Rng {
  readonly #key: StreamKey;
  #counter = 0;

  constructor(key: StreamKey) {
    this.#key = key;
  }

  /** The next 32 random bits as an unsigned integer. */
  bits(): number {
    const bits = mix(this.#counter, this.#key.k0, this.#key.k1);
    this.#counter = (this.#counter + 1) >>> 0;
    return bits;
  }

  /** A uniform integer in 0 … n − 1, for n below 2^32. The bias is below n / 2^32. */
  below(n: number): number {
    return mulHigh(this.bits(), n);
  }

  /** A uniform number in (0, 1). */
  unit(): number {
    return unitFrom(this.bits());
  }
}

/**
 * A keyed pseudo-random permutation of 0 … size − 1, evaluated point by point: a four-round Feistel network over the
 * next power of two, walked until the value falls inside (Black and Rogaway, "Ciphers with Arbitrary Finite Domains").
 * It replaces a shuffled array of all training samples, which at ML-20M's size would take 400 MB.
 */
export class Permutation {
  readonly size: number;
  readonly #key: StreamKey;
  readonly #leftBits: number;
  readonly #rightBits: number;

  constructor(size: number, key: StreamKey) {
    this.size = size;
    this.#key = key;
    const bits = Math.max(2, 32 - Math.clz32(Math.max(1, size - 1)));
    this.#leftBits = bits >>> 1;
    this.#rightBits = bits - this.#leftBits;
  }

  /** The image of `position`. */
  at(position: number): number {
    let value = position;
    do {
      value = this.#encrypt(value);
    } while (value >= this.size);
    return value;
  }

  /** Each round maps (left, right) to (right, left xor f(right)), so the halves' widths swap and swap back. */
  #encrypt(value: number): number {
    let leftBits = this.#leftBits;
    let rightBits = this.#rightBits;
    let left = value >>> rightBits;
    let right = value & ((1 << rightBits) - 1);
    for (let round = 0; round < 4; round++) {
      const mixed = mix(right, (this.#key.k0 + Math.imul(round, 0x9e3779b9)) | 0, this.#key.k1);
      const next = left ^ (mixed & ((1 << leftBits) - 1));
      left = right;
      right = next;
      [leftBits, rightBits] = [rightBits, leftBits];
    }
    return ((left << rightBits) | right) >>> 0;
  }
}
