/** Where a search looks when nobody says: around what the presets have, wide enough to leave it. */
import type { BaselineSettings } from "../../baselines/baseline.ts";
import { NcfError } from "../../core/errors.ts";
import type { NcfConfig } from "../../ncf/config.ts";
import { type Searched, type SearchSpace, settingAt, withSetting } from "./search-space.ts";

const learning = {
  learningRate: { from: 5e-4, to: 8e-3, scale: "log" },
  negatives: [2, 4, 8, 16],
  batchSize: [256, 512, 1024],
  "gmf.embeddingSize": [8, 16, 32, 64, 128],
  "gmf.embeddingStd": { from: 3e-3, to: 0.3, scale: "log" },
  "mlp.embeddingSize": [8, 16, 32, 64],
  "mlp.embeddingStd": { from: 3e-3, to: 0.3, scale: "log" },
  "mlp.hidden": [
    [32, 16],
    [64, 32],
    [64, 32, 16],
    [128, 64, 32],
    [128, 64, 32, 16],
  ],
  "history.window": [20, 50, 200],
  "history.alpha": [0.5, 0.75, 1],
  "history.ownRow": [true, false],
} as const satisfies SearchSpace;

/** Those of the settings above that the configuration has, each with the values that suit the others. */
export function defaultSpace(config: NcfConfig, { base, check }: Searched): SearchSpace {
  const regularized = (config.mlp?.regularizedLayers ?? 0) > 0;
  const all: SearchSpace = regularized ? { ...learning, "mlp.dropout": [0, 0.1, 0.2, 0.4] } : learning;
  const suits = (path: string, value: Parameters<typeof withSetting>[2]): boolean => {
    try {
      check(withSetting(base, path, value));
      return true;
    } catch (error) {
      if (error instanceof NcfError) return false;
      throw error;
    }
  };
  const space: Record<string, SearchSpace[string]> = {};
  for (const [path, dimension] of Object.entries(all)) {
    if (settingAt(base, path) === undefined) continue;
    space[path] = "from" in dimension ? dimension : dimension.filter((value) => suits(path, value));
  }
  return space;
}

/** Up to so many times more and less than the default of a baseline's number. */
const reach = 8;

/** Numbers by which no model is better than another: where it starts, and what a fit may cost. */
const indifferent: readonly string[] = ["seed", "largestSize"];

/** All other numbers that a baseline has above 0. */
export function baselineSpace(defaults: BaselineSettings): SearchSpace {
  const space: Record<string, SearchSpace[string]> = {};
  for (const [name, value] of Object.entries(defaults)) {
    if (typeof value !== "number" || value <= 0 || indifferent.includes(name)) continue;
    const whole = Number.isInteger(value) ? { multipleOf: 1 } : {};
    space[name] = { from: value / reach, to: value * reach, scale: "log", ...whole };
  }
  return space;
}
