/** Fits all models of a run on one split, under one seed. */
import type { Recommender } from "../core/recommender.ts";
import type { SampleFiles } from "../ports/sample-store.ts";
import { fitAndStore, isNetworkPlan, type ModelPlan } from "./fit-model.ts";
import { recommenderOf } from "./fitted-model.ts";
import type { FitCost } from "./report/build-report.ts";
import type { Stages } from "./stages.ts";
import type { TrainDeps } from "./train-model.ts";
import type { TrainingRecord } from "./training-record.ts";

export interface FitAllRequest {
  readonly plans: readonly ModelPlan[];
  readonly seed: number;
  readonly threads: number;
  /** Where models go: `<prefix>models/<name>/`. */
  readonly prefix: string;
  /** Tells stages of several splits or seeds apart, such as " (seed 2)"; empty where there is one. */
  readonly suffix: string;
  readonly signal?: AbortSignal | undefined;
}

export interface FittedModels {
  readonly models: Recommender[];
  readonly records: Map<string, TrainingRecord>;
  readonly hashes: Record<string, string>;
  readonly costs: Map<string, FitCost>;
}

/** @throws NcfError those of `fitAndStore` */
export async function fitAll(
  deps: TrainDeps,
  { sample, items, manifest }: SampleFiles,
  { plans, seed, threads, prefix, suffix, signal }: FitAllRequest,
  stages: Stages,
): Promise<FittedModels> {
  const fitted: FittedModels = { models: [], records: new Map(), hashes: {}, costs: new Map() };
  for (const plan of plans) {
    const { name } = plan;
    const fit = () =>
      fitAndStore(deps, {
        plan,
        sample,
        items,
        sampleSha256: manifest.sha256,
        seed,
        threads,
        prefix: `${prefix}models/${name}/`,
        existing: "resumeIfSame",
        signal,
      });
    const [doing, done] = isNetworkPlan(plan) ? ["train", "trained"] : ["fit", "fitted"];
    const outcome = await stages.timed(
      ({ reused }) => `${reused ? `load ${name}, ${done} before` : `${doing} ${name}`}${suffix}`,
      fit,
    );
    fitted.models.push(recommenderOf(deps.createScorer, outcome.model, sample));
    if (outcome.record !== null) fitted.records.set(name, outcome.record);
    fitted.hashes[name] = outcome.sha256;
    fitted.costs.set(name, { seconds: outcome.fitSeconds, bytes: outcome.modelBytes });
  }
  return fitted;
}

/** The plans that another seed makes other models of, under it: networks, and baselines with a seed among their settings. */
export function plansUnderSeed(plans: readonly ModelPlan[], seedsOn: number): ModelPlan[] {
  if (seedsOn === 0) return [...plans];
  return plans.flatMap((plan): ModelPlan[] => {
    if (isNetworkPlan(plan)) return [plan];
    const { seed } = plan.settings;
    return typeof seed === "number" ? [{ ...plan, settings: { ...plan.settings, seed: seed + seedsOn } }] : [];
  });
}
