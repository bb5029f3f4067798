/** The numeric backends and the scorer that the command uses. */
import type { Recommender } from "../core/recommender.ts";
import type { NumericBackend } from "../ncf/backend.ts";
import type { TrainedModel } from "../ncf/model.ts";
import { referenceBackend } from "../ncf/reference/backend.ts";
import { ReferenceScorer } from "../ncf/reference/scorer.ts";
import { wasmBackend } from "../ncf/wasm/backend.ts";

export const backendNames = ["wasm", "reference"] as const;
export type BackendName = (typeof backendNames)[number];

export function backendNamed(name: BackendName): NumericBackend {
  return name === "wasm" ? wasmBackend() : referenceBackend;
}

export function createScorer(model: TrainedModel): Recommender {
  return new ReferenceScorer(model);
}
