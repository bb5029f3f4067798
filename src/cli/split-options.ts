/** Options that say how ratings are split for a judgement, and under how many seeds models are trained. */
import { Option } from "commander";
import { leaveOneOutPlan, type SplitPlan, splitKinds } from "../app/split-plan.ts";
import { NcfError } from "../core/errors.ts";
import { integer, shareWithin } from "./options.ts";

export interface SplitValues {
  readonly split: SplitPlan["kind"];
  readonly splitShare?: number;
  readonly splitCuts?: number;
  readonly seeds: number;
}

export const splitOptions = () => [
  new Option(
    "--split <name>",
    "test each user's latest item, or the next one after a moment that is everybody's, or after several such moments",
  )
    .choices([...splitKinds])
    .default(leaveOneOutPlan.kind),
  new Option(
    "--split-share <share>",
    "of the ratings before that moment (default: 0.9), or before the first of several (0.5)",
  ).argParser(shareWithin),
  new Option("--split-cuts <n>", "moments of a rolling split (default: 5)").argParser(integer(2, 100)),
  new Option("--seeds <n>", "train each model under this many seeds, and tell mean and spread")
    .argParser(integer(1, 1000))
    .default(1),
];

/** @throws NcfError `USAGE` where an option does not go with the split, or the split not with a publication */
export function splitPlanOf({ split: kind, splitShare, splitCuts }: SplitValues, publishes: boolean): SplitPlan {
  if (kind !== "leaveOneOut" && publishes) {
    throw new NcfError(
      "USAGE",
      `expected --split leaveOneOut where a model is published, as its sample has all ratings, found --split ${kind}. ` +
        "Publish by a run of its own",
    );
  }
  if (kind === "leaveOneOut" && splitShare !== undefined) {
    throw new NcfError("USAGE", "expected --split temporal or rolling with --split-share, found leaveOneOut");
  }
  if (kind !== "rolling" && splitCuts !== undefined) {
    throw new NcfError("USAGE", `expected --split rolling with --split-cuts, found ${kind}`);
  }
  if (kind === "leaveOneOut") return leaveOneOutPlan;
  return { kind, share: splitShare ?? (kind === "temporal" ? 0.9 : 0.5), cuts: splitCuts ?? 5 };
}
