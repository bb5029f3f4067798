/** Which models a run may name. */
import { DecayedPopularity } from "../baselines/decayed-popularity.ts";
import { ItemKnn } from "../baselines/item-knn.ts";
import { learnSample } from "../baselines/learn-sample.ts";
import { Popularity } from "../baselines/popularity.ts";
import { NcfError } from "../core/errors.ts";
import type { Recommender } from "../core/recommender.ts";
import type { Sample } from "../core/sample.ts";
import { presets } from "../ncf/config.ts";

/** Half a year: what an item gained two years ago counts a sixteenth. */
export const popularityHalfLifeMs = 26 * 7 * 86_400_000;

const baselines: Readonly<Record<string, (sample: Sample) => Recommender>> = {
  popularity: (sample) => new Popularity(sample),
  "decayed-popularity": (sample) =>
    learnSample(new DecayedPopularity(sample.itemIds.length, popularityHalfLifeMs), sample),
  "item-knn": (sample) => learnSample(new ItemKnn(), sample),
};

/** The baseline of that name, fitted to the sample's training interactions, or null where the name is a preset's. */
export function baselineNamed(name: string): ((sample: Sample) => Recommender) | null {
  return Object.hasOwn(baselines, name) ? baselines[name] : null;
}

/** @throws NcfError `USAGE` naming the first name that is unknown */
export function checkModelNames(names: readonly string[]): void {
  const known = [...Object.keys(presets), ...Object.keys(baselines)];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new NcfError("USAGE", `expected models among ${known.join(", ")}, found "${unknown}"`);
}
