/**
 * Whether HR@10 has fallen below its running level: a one-sided cumulative sum (Page 1954, "Continuous inspection schemes")
 * over windows.
 *
 *     z_t = (level − HR_t) / √(s_t² + s_level²)      S_t = max(0, S_{t−1} + z_t − k)      alarm where S_t > h
 *
 * where s_t is the window's standard error over users, and the level is the mean of the windows so far, each weighing
 * 1 / s². Small drops add up over windows, and a single bad window is not enough. k and h are such that a stationary stream
 * alarms less than once in 1,000 windows, and a drop of 5 points at 1,000 cases a window is found within five
 * (test/streaming/drift-detector.test.ts has the simulation). After an alarm, and with another model, everything starts anew.
 */
export interface WindowQuality {
  readonly hrAt10: number;
  /** Over users, as the bootstrap gives it. */
  readonly standardError: number;
  readonly users: number;
}

export type Drift =
  /** Nothing can be said of the window. */
  | { readonly kind: "tooFewUsers" | "learningLevel" }
  | { readonly kind: "steady" | "alarm"; readonly level: number; readonly statistic: number };

/** The smallest drop that counts, in standard errors. */
const slack = 0.5;
const threshold = 7;
/** So many windows make a level to compare with. */
const levelWindows = 5;
/** With fewer, a standard error over users says little. */
const leastUsers = 30;

export class DriftDetector {
  #windows = 0;
  /** Σ 1/s² and Σ HR/s² of the windows so far. */
  #precision = 0;
  #weighted = 0;
  #statistic = 0;

  /** Takes the next window in, in the order of their starts. */
  observe({ hrAt10, standardError, users }: WindowQuality): Drift {
    if (users < leastUsers || !(standardError > 0)) return { kind: "tooFewUsers" };
    const level = this.#weighted / this.#precision;
    const ready = this.#windows >= levelWindows;
    if (ready) {
      const z = (level - hrAt10) / Math.sqrt(standardError ** 2 + 1 / this.#precision);
      this.#statistic = Math.max(0, this.#statistic + z - slack);
    }
    const statistic = this.#statistic;
    if (ready && statistic > threshold) {
      this.reset();
      return { kind: "alarm", level, statistic };
    }
    this.#windows += 1;
    this.#precision += 1 / standardError ** 2;
    this.#weighted += hrAt10 / standardError ** 2;
    return ready ? { kind: "steady", level, statistic } : { kind: "learningLevel" };
  }

  /** Forgets the level: what follows is another model's. */
  reset(): void {
    this.#windows = 0;
    this.#precision = 0;
    this.#weighted = 0;
    this.#statistic = 0;
  }
}
