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
import { z } from "zod";
import type { WindowReport } from "./window-report.ts";

export interface WindowQuality {
  readonly hrAt10: number;
  /** Over users, as the bootstrap gives it. */
  readonly standardError: number;
  readonly users: number;
  /** Cases by model version. */
  readonly versions: Readonly<Record<string, number>>;
}

export function qualityOf({ hrAt10, hrAt10StandardError, users, versions }: WindowReport): WindowQuality {
  return { hrAt10: hrAt10 ?? 0, standardError: hrAt10StandardError ?? 0, users, versions };
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

export const driftStateSchema = z.object({
  /** Which version the level is of; null before the first window. */
  version: z.string().nullable(),
  windows: z.int().min(0),
  /** Σ 1/s² and Σ HR/s² of the windows so far. */
  precision: z.number(),
  weighted: z.number(),
  statistic: z.number(),
});

type DriftState = z.infer<typeof driftStateSchema>;

export class DriftDetector {
  #state: DriftState;

  constructor(state: DriftState = startOf(null)) {
    this.#state = { ...state };
  }

  /** Takes the next window in, in the order of their starts. A window is its main version's. */
  observe({ hrAt10, standardError, users, versions }: WindowQuality): Drift {
    if (users < leastUsers || !(standardError > 0)) return { kind: "tooFewUsers" };
    const version = mainVersion(versions);
    // What follows is another model's, whose level is not known.
    if (version !== this.#state.version) this.#state = startOf(version);
    const state = this.#state;
    const level = state.weighted / state.precision;
    const ready = state.windows >= levelWindows;
    if (ready) {
      const fall = (level - hrAt10) / Math.sqrt(standardError ** 2 + 1 / state.precision);
      state.statistic = Math.max(0, state.statistic + fall - slack);
    }
    const { statistic } = state;
    if (ready && statistic > threshold) {
      this.#state = startOf(version);
      return { kind: "alarm", level, statistic };
    }
    state.windows += 1;
    state.precision += 1 / standardError ** 2;
    state.weighted += hrAt10 / standardError ** 2;
    return ready ? { kind: "steady", level, statistic } : { kind: "learningLevel" };
  }

  save(): DriftState {
    return { ...this.#state };
  }
}

function startOf(version: string | null): DriftState {
  return { version, windows: 0, precision: 0, weighted: 0, statistic: 0 };
}

/** The one with the most cases, the first by name of several. */
function mainVersion(versions: WindowQuality["versions"]): string | null {
  const names = Object.keys(versions).sort();
  return names.reduce<string | null>(
    (main, name) => (main === null || versions[name] > versions[main] ? name : main),
    null,
  );
}
