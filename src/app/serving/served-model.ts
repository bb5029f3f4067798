/** One version of a model with what serving needs beside it. Nothing in it ever changes. */
import type { ItemDetails } from "../../core/ratings.ts";
import type { Sample } from "../../core/sample.ts";
import type { JudgedMetrics } from "../../ports/model-registry.ts";
import type { ScoringParts } from "../scoring-parts.ts";

export interface ServedModel extends ScoringParts {
  /** Names this version of the model; another one has another name. */
  readonly version: string;
  readonly dataset: { readonly name: string; readonly generated: boolean };
  readonly sample: Sample;
  /** Titles and genres, as far as the source lists them. */
  readonly items: readonly ItemDetails[];
  /** Of a registry's champion: how often the champion has moved, and how its settings were judged. */
  readonly published?: { readonly revision: number; readonly judged: JudgedMetrics | null };
}
