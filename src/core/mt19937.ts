/** The Mersenne Twister as numpy's legacy `RandomState` uses it, for reproducing published draws. */

const size = 624;

export class Mt19937 {
  readonly #state = new Uint32Array(size);
  #next = size;

  /** Seeds as `numpy.random.RandomState(seed)` does for an integer of 32 bits (Matsumoto and Nishimura's init_genrand). */
  constructor(seed: number) {
    this.#state[0] = seed;
    for (let i = 1; i < size; i++) {
      const previous = this.#state[i - 1] ^ (this.#state[i - 1] >>> 30);
      this.#state[i] = Math.imul(previous, 1812433253) + i;
    }
  }

  /** The next 32 random bits, unsigned. */
  bits(): number {
    if (this.#next === size) this.#twist();
    let y = this.#state[this.#next];
    this.#next += 1;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  /** A uniform integer in 0 … max by masked rejection, as numpy's `random_interval`. */
  interval(max: number): number {
    if (max === 0) return 0;
    const mask = 2 ** (32 - Math.clz32(max)) - 1;
    let value = 0;
    do value = (this.bits() & mask) >>> 0;
    while (value > max);
    return value;
  }

  /** Shuffles as numpy's `RandomState.shuffle` does. */
  shuffle(values: Int32Array): void {
    for (let i = values.length - 1; i > 0; i--) {
      const j = this.interval(i);
      const kept = values[i];
      values[i] = values[j];
      values[j] = kept;
    }
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < size; i++) {
      const y = (state[i] & 0x80000000) | (state[(i + 1) % size] & 0x7fffffff);
      state[i] = state[(i + 397) % size] ^ (y >>> 1) ^ ((y & 1) === 0 ? 0 : 0x9908b0df);
    }
    this.#next = 0;
  }
}
