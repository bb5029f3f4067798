/** The rows that scoring reads and training does not hold: made of histories and of item features. */
import type { TrainingData } from "./backend.ts";
import type { NcfConfig } from "./config.ts";
import { withUserVectors } from "./history.ts";
import { withItemRows } from "./item-features.ts";
import type { Tensor } from "./parameters.ts";

/** What a model is to its users: the tensors of the training, and the user and item tables that any other model has. */
export function withDerivedRows(
  config: NcfConfig,
  data: TrainingData,
  tensors: Map<string, Tensor>,
): Map<string, Tensor> {
  return withItemRows(config, data, withUserVectors(config, data, tensors));
}
