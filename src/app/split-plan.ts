/** How ratings are split for a judgement: the latest of each user, or what comes after one moment or several. */
import { testPeriods } from "../core/temporal-hold-out.ts";
import type { StoredDataset } from "../ports/dataset-store.ts";
import type { SampleFiles, SampleOptions } from "../ports/sample-store.ts";
import { splitDataset } from "./sample.ts";

export const splitKinds = ["leaveOneOut", "temporal", "rolling"] as const;

export interface SplitPlan {
  /** `temporal`: one moment. `rolling`: several, each with models of its own, tested up to the next moment. */
  readonly kind: (typeof splitKinds)[number];
  /** Of the ratings before the (first) moment, above 0 and below 1; without meaning for `leaveOneOut`. */
  readonly share: number;
  /** Moments of a rolling split: after the first, each takes an equal part of the ratings that are left. */
  readonly cuts: number;
}

export const leaveOneOutPlan: SplitPlan = { kind: "leaveOneOut", share: 1, cuts: 1 };

/** The share of the ratings before each moment. */
function sharesOf({ kind, share, cuts }: SplitPlan): number[] {
  if (kind === "temporal") return [share];
  return Array.from({ length: cuts }, (_, cut) => Number((share + ((1 - share) * cut) / cuts).toPrecision(12)));
}

/**
 * All splits of the plan, by time.
 *
 * @throws NcfError `DATA_TOO_SMALL` where moments are the same, or nobody could be tested in a period
 */
export function splitByPlan(dataset: StoredDataset, options: SampleOptions, plan: SplitPlan): SampleFiles[] {
  const everyone = new Uint8Array(dataset.ratings.userIds.length).fill(1);
  if (plan.kind === "leaveOneOut") return [splitDataset(dataset, everyone, options)];
  return testPeriods(dataset.ratings, everyone, sharesOf(plan)).map((period) =>
    splitDataset(dataset, everyone, options, period),
  );
}
