/** Fits a model of any kind to a sample: what runs, publications and replays do with every model that they are told to. */
import type { BaselineKind, BaselineSettings } from "../baselines/baseline.ts";
import { baselineKindNamed } from "../baselines/kinds.ts";
import type { ItemDetails } from "../core/ratings.ts";
import { type NcfConfig, presetNamed } from "../ncf/config.ts";
import { fitBaseline } from "./fit-baseline.ts";
import type { FittedModel } from "./fitted-model.ts";
import type { ItemFeatureSource } from "./item-features.ts";
import { type ModelToStartFrom, type TrainDeps, type TrainRequest, trainAndStore } from "./train-model.ts";
import type { TrainingRecord } from "./training-record.ts";

/** A network of the family, and how it is trained. */
export interface NetworkPlan {
  /** The preset's. */
  readonly name: string;
  readonly config: NcfConfig;
  /** What its training starts from, where it is not the seed's values. */
  readonly initFrom?: ModelToStartFrom;
  /** Absent where it knows no more of items than who took them. */
  readonly itemFeatures?: ItemFeatureSource;
}

export interface BaselinePlan {
  /** The kind's. */
  readonly name: string;
  readonly kind: BaselineKind;
  readonly settings: BaselineSettings;
}

/** What is to be fitted. */
export type ModelPlan = NetworkPlan | BaselinePlan;

/**
 * The plan for the preset or baseline of that name.
 *
 * @param changes settings that replace a preset's own
 * @throws NcfError `PRESET_UNKNOWN`
 */
export function planNamed(name: string, changes: Partial<NcfConfig> = {}): ModelPlan {
  const kind = baselineKindNamed(name);
  return kind === null
    ? { name, config: { ...presetNamed(name), ...changes } }
    : { name, kind, settings: kind.defaults };
}

export function isNetworkPlan(plan: ModelPlan): plan is NetworkPlan {
  return "config" in plan;
}

/** Seed, threads and checkpoints are of trainings alone. */
export interface ModelRequest
  extends Omit<TrainRequest, "name" | "config" | "initFrom" | "itemFeatures" | "items" | "patience"> {
  readonly plan: ModelPlan;
  /** Titles and genres of the sample's items, as far as the source lists them. */
  readonly items: readonly ItemDetails[];
}

export interface ModelOutcome {
  readonly model: FittedModel;
  /** Of the training or fit, also where that was an earlier call's. */
  readonly fitSeconds: number;
  /** Of the model file: hex. */
  readonly sha256: string;
  readonly modelBytes: number;
  /** Null for a baseline. */
  readonly record: TrainingRecord | null;
  /** Whether the finished model of an earlier call was found. */
  readonly reused: boolean;
}

/** @throws NcfError those of `trainAndStore` and `fitBaseline` */
export async function fitAndStore(deps: TrainDeps, { plan, ...request }: ModelRequest): Promise<ModelOutcome> {
  if (isNetworkPlan(plan)) {
    const trained = await trainAndStore(deps, { ...request, ...plan, patience: null });
    const { model, record, sha256, modelBytes, reused } = trained;
    return { model, record, sha256, modelBytes, reused, fitSeconds: record.seconds };
  }
  const { seconds, bytes, ...outcome } = await fitBaseline(deps, {
    ...request,
    ...plan,
    reuses: request.existing !== "discard",
  });
  return { ...outcome, fitSeconds: seconds, modelBytes: bytes, record: null };
}
