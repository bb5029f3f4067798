/** What a version becomes when it learns more: a network is tuned on what is new, a baseline is fitted anew to all there is. */
import type { Baseline } from "../../baselines/baseline.ts";
import { baselineKindNamed } from "../../baselines/kinds.ts";
import type { Sample } from "../../core/sample.ts";
import { dataFingerprint, encodeModel } from "../../ncf/checkpoint.ts";
import { type FineTuneInput, fineTune } from "../../ncf/fine-tune.ts";
import { type TrainedModel, trainingData } from "../../ncf/model.ts";
import type { JsonValue } from "../../ports/model-registry.ts";
import { encodeFit } from "../fit-baseline.ts";
import { isBaseline } from "../fitted-model.ts";
import { attributesOfAll, contentOfAll } from "../new-items.ts";
import type { PublishedModel } from "../published-model.ts";
import { sampleHash } from "../sample.ts";
import type { TrainDeps } from "../train-model.ts";

export interface TuningInput extends Pick<FineTuneInput, "epochs" | "olderPerNew" | "threads" | "signal"> {
  readonly base: PublishedModel;
  /** What the base was trained on, and what is new. */
  readonly sample: Sample;
}

export interface TunedModel {
  /** Of model.safetensors. */
  readonly model: Uint8Array;
  readonly metrics: JsonValue;
  /** What was done, in words. */
  readonly summary: string;
}

type TuningDeps = Pick<TrainDeps, "backend" | "monotonicMs">;

/** @throws NcfError those of `fineTune` and of the baseline's fit */
export function tunedModel(deps: TuningDeps, input: TuningInput): Promise<TunedModel> {
  const { model } = input.base;
  return isBaseline(model) ? refitted(deps, input, model) : tunedNetwork(deps, input, model);
}

async function refitted(
  { monotonicMs }: TuningDeps,
  { base, sample, signal }: TuningInput,
  { name, settings }: Baseline,
): Promise<TunedModel> {
  const kind = baselineKindNamed(name);
  if (kind === null) throw new Error(`expected the kind ${name}, by which the base was read, found none`);
  const input = { sample, attributes: contentOfAll(sample.itemIds, base.items) };
  const startMs = monotonicMs();
  const model = await kind.fit(input, settings, { signal });
  const seconds = (monotonicMs() - startMs) / 1000;
  const olderInteractions = base.sample.train.items.length;
  const newInteractions = sample.train.items.length - olderInteractions;
  return {
    model: encodeFit(model, input, sampleHash(sample)),
    metrics: { newInteractions, olderInteractions },
    summary:
      `${newInteractions} new and ${olderInteractions} older interactions, fitted anew to all of them, ` +
      `${seconds.toFixed(1)} s`,
  };
}

async function tunedNetwork(
  { backend, monotonicMs }: TuningDeps,
  { base, sample, epochs, olderPerNew, threads, signal }: TuningInput,
  network: TrainedModel,
): Promise<TunedModel> {
  const { seed } = base.card;
  const attributes = attributesOfAll(sample.itemIds, base.items);
  const { model, training, newInteractions, olderInteractions } = await fineTune(
    { backend, monotonicMs },
    { base: network, before: base.sample, sample, attributes, epochs, olderPerNew, seed, threads, signal },
  );
  const { name, config } = network;
  const description = {
    name,
    config,
    seed,
    backend: backend.name,
    arithmetic: training.arithmetic,
    epochs: training.epochs,
    sample: sampleHash(sample),
    data: dataFingerprint(trainingData(config, sample)),
  };
  const { userIds, itemIds } = sample;
  return {
    model: encodeModel({ description, tensors: model.tensors, userIds, itemIds }),
    metrics: { loss: training.curve.at(-1)?.loss ?? null, newInteractions, olderInteractions },
    summary:
      `${newInteractions} new and ${olderInteractions} older interactions, ${epochs} epochs, ` +
      `${training.seconds.toFixed(1)} s`,
  };
}
