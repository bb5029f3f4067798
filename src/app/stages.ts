/** Times the stages of a run and looks at the signal before each. */
export class Stages {
  readonly timings: { stage: string; seconds: number }[] = [];
  readonly #monotonicMs: () => number;
  readonly #signal: AbortSignal | undefined;

  constructor(monotonicMs: () => number, signal: AbortSignal | undefined) {
    this.#monotonicMs = monotonicMs;
    this.#signal = signal;
  }

  /** @param stage its name, or how the result names it */
  async timed<T>(stage: string | ((result: T) => string), work: () => Promise<T>): Promise<T> {
    this.#signal?.throwIfAborted();
    const startMs = this.#monotonicMs();
    const result = await work();
    const name = typeof stage === "string" ? stage : stage(result);
    this.timings.push({ stage: name, seconds: (this.#monotonicMs() - startMs) / 1000 });
    return result;
  }
}
