/** How far a fit is: tells its listeners, and gives the event loop a turn now and then. */
import type { FitListeners } from "./baseline.ts";

/** Some 20 ms of work: measured as work, as no clock may stand in the domain. */
const multiplicationsPerTurn = 2e7;

export class FitWork {
  readonly #total: number;
  readonly #listeners: FitListeners;
  #done = 0;
  #nextTurn = multiplicationsPerTurn;

  /** @param total multiplications of the whole fit, about */
  constructor(total: number, listeners: FitListeners = {}) {
    this.#total = total;
    this.#listeners = listeners;
  }

  /**
   * Counts work as done; undefined while it is too little for a turn, so that a loop need not wait.
   *
   * @throws the signal's reason when aborted, from the promise
   */
  add(multiplications: number): Promise<void> | undefined {
    this.#done += multiplications;
    if (this.#done < this.#nextTurn) return undefined;
    this.#nextTurn = this.#done + multiplicationsPerTurn;
    return this.#turn();
  }

  async #turn(): Promise<void> {
    this.#listeners.onProgress?.(Math.min(1, this.#done / this.#total));
    await new Promise((resolve) => setImmediate(resolve));
    this.#listeners.signal?.throwIfAborted();
  }
}

/** What it costs to go through all pairs within each of some lists, which lie one after the other at these offsets. */
export function pairCost(offsets: Uint32Array): number {
  let cost = 0;
  for (let list = 0; list + 1 < offsets.length; list++) cost += (offsets[list + 1] - offsets[list]) ** 2 / 2;
  return cost;
}
