/** The checks of bench/rivals.ts. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BaselineSettings } from "../src/baselines/baseline.ts";
import { contentBased } from "../src/baselines/content-based.ts";
import { type IalsSettings, initialFactors } from "../src/baselines/ials.ts";
import { itemKnnRecency } from "../src/baselines/item-knn.ts";
import type { Sample } from "../src/core/sample.ts";
import type { Agreement } from "./rivals-agreement.ts";

export interface Check {
  /** What the script is asked for, with the settings. */
  readonly name: string;
  /** The baseline. */
  readonly model: string;
  /** Changes to its defaults. */
  readonly settings: BaselineSettings;
  /** Beside this file; writes the scores of all candidates to the folder's file `scores`. */
  readonly script: string;
  readonly agree: Agreement;
  /** Writes what else the script reads into the folder. */
  readonly prepare?: (sample: Sample, settings: BaselineSettings, folder: string) => void;
}

const counted = "rivals_counted.py";
const solved = "rivals_solved.py";

const all = { neighbours: 100_000 };

export const checks: readonly Check[] = [
  ...["popularity", "decayed-popularity", "item-knn", "user-knn", "user-knn-recency", "content-based"].map(
    (model): Check => ({ name: model, model, settings: {}, script: counted, agree: "scores" }),
  ),
  // Of neighbours that are equally similar but for rounding, either may be the last: with all of them nothing is chosen.
  { name: "item-knn-recency", model: "item-knn-recency", settings: all, script: counted, agree: "scores" },
  // implicit chooses by itself among neighbours that are equally similar.
  { name: "implicit-item-knn", model: "item-knn", settings: { shrinkage: 0 }, script: counted, agree: "hits" },
  // Each draws other items to learn its weights from.
  {
    name: "hybrid",
    model: "hybrid",
    settings: { ...of("collaborative", itemKnnRecency.defaults), ...of("content", contentBased.defaults) },
    script: counted,
    agree: "hits",
  },
  { name: "ease", model: "ease", settings: {}, script: solved, agree: "scores" },
  { name: "ease-recency", model: "ease-recency", settings: {}, script: solved, agree: "scores" },
  ...["ials", "ials-recency"].map(
    (model): Check => ({
      name: model,
      model,
      settings: {},
      script: solved,
      agree: "scores",
      prepare: (sample, settings, folder) =>
        writeFileSync(join(folder, "initial"), initialFactors(sample.itemIds.length, settings as IalsSettings)),
    }),
  ),
  // implicit begins elsewhere, so its optimum is another one; it knows no exponent.
  { name: "implicit-als", model: "ials", settings: hu(64, 0.2, 10), script: solved, agree: "hits" },
];

/** The settings of Hu et al., without an exponent. */
function hu(factors: number, unobservedWeight: number, regularization: number): BaselineSettings {
  return { factors, unobservedWeight, regularization, frequencyExponent: 0 };
}

/** Settings of a hybrid's part. */
function of(part: string, settings: BaselineSettings): BaselineSettings {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [`${part}.${name}`, value]));
}
