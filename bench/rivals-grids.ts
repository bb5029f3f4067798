/** The settings that bench/rivals-tuning.ts tries. */
import type { BaselineSettings } from "../src/baselines/baseline.ts";

/** Changes to a kind's defaults. */
export interface Tuned {
  /** A fit each. */
  readonly fitted: readonly BaselineSettings[];
  /** Tried with each of the fits: settings that scoring alone reads. */
  readonly scored: readonly BaselineSettings[];
}

/** All combinations of the values. */
function product(values: Readonly<Record<string, readonly (number | string)[]>>): BaselineSettings[] {
  return Object.entries(values).reduce<BaselineSettings[]>(
    (all, [name, choices]) => all.flatMap((settings) => choices.map((value) => ({ ...settings, [name]: value }))),
    [{}],
  );
}

export const grids: Readonly<Record<string, Tuned>> = {
  "decayed-popularity": { fitted: product({ halfLifeDays: [30, 91, 182, 365, 730] }), scored: [{}] },
  "item-knn": { fitted: product({ neighbours: [50, 100, 200], shrinkage: [0, 5, 20] }), scored: [{}] },
  "item-knn-recency": {
    fitted: product({ neighbours: [100, 200, 400, 800], shrinkage: [0, 5, 10], fitRecency: [0.7, 1] }),
    scored: product({ recency: [0.7, 1, 1.3] }),
  },
  "user-knn": {
    fitted: [{}],
    scored: product({
      neighbours: [100, 200],
      amplification: [2, 3, 4, 6],
      discount: [0, 0.25, 0.5],
    }),
  },
  "user-knn-recency": {
    fitted: [{}],
    scored: product({
      neighbours: [100, 200],
      amplification: [1, 2, 3],
      discount: [0.25, 0.5],
      recency: [0.6, 1, 1.4],
    }),
  },
  "content-based": { fitted: [{}], scored: product({ prior: [1, 4, 16], recency: [0, 0.5, 0.7, 1] }) },
  hybrid: {
    fitted: product({ collaborative: ["item-knn", "item-knn-recency", "user-knn-recency", "ease-recency"] }),
    scored: [{}],
  },
  ease: { fitted: product({ regularization: [100, 200, 300, 400, 500, 600, 800, 1000] }), scored: [{}] },
  "ease-recency": {
    fitted: product({ regularization: [300, 400, 600, 800, 1200] }),
    scored: product({ recency: [0.4, 0.5, 0.6, 0.7, 0.8, 1] }),
  },
  // Each takes as long as all of EASE's.
  "ials-recency": {
    fitted: product({ unobservedWeight: [0.05, 0.1, 0.2], regularization: [0.01, 0.015, 0.02, 0.03] }),
    scored: product({ recency: [0, 0.8, 1, 1.2, 1.5] }),
  },
};
