/** The port between the trainer and a numeric backend, and the data a backend trains on. */
import type { NcfConfig } from "./config.ts";
import type { ItemFeatures } from "./item-features.ts";
import type { Tensor, TensorMap } from "./parameters.ts";

/** Training positives with everything that drawing batches needs. */
export interface TrainingData {
  readonly users: number;
  readonly items: number;
  /** Shape [users + 1]: user u's positives lie at offsets[u] … offsets[u + 1] − 1. */
  readonly offsets: Uint32Array;
  /** Shape [positives]: item indices, ascending within a user, no repeats. */
  readonly positives: Int32Array;
  /** Shape [positives]: each one's place in its user's history, 0 for the oldest; needed by models of histories alone. */
  readonly places?: Int32Array;
  /** Needed by models with item features alone. */
  readonly itemFeatures?: ItemFeatures;
  /** Shape [users]: the embedding row of each user; the identity for compact ids. */
  readonly userRows: Int32Array;
  /** Shape [items]: the embedding row of each item. */
  readonly itemRows: Int32Array;
  /** Rows of the embedding tables. */
  readonly userRowCount: number;
  readonly itemRowCount: number;
}

/** Adam's moments and deferral marks beside the parameters: all that a resumed run needs besides config, data and seed. */
export interface TrainingState {
  /** Steps done since the start of training. */
  readonly step: number;
  /**
   * Parameters and statistics under their names, and for each trained tensor X `adam.m.X` and `adam.v.X` of its shape.
   * A backend that defers idle rows adds `adam.touched.X`, shape [rows], the step at which each row is up to date,
   * as the bits of an unsigned 32-bit integer.
   */
  readonly tensors: TensorMap;
}

/** One training run on one backend. Not re-entrant: await each call before the next. */
export interface TrainingSession {
  /**
   * Names the rounding: two sessions continue each other bit for bit only if this is equal, such as
   * "wasm relaxed fma" or "wasm simd".
   */
  readonly arithmetic: string;
  /** Steps in an epoch: ceil(samples / batchSize), less one when the last batch would have a single sample. */
  readonly stepsPerEpoch: number;
  /** Steps done. */
  readonly step: number;
  /**
   * Does the next `count` steps, which must not cross the end of an epoch, and gives each step's mean loss, shape
   * [count]. A step that ends an epoch also brings every embedding row up to date.
   */
  run(count: number): Promise<Float64Array>;
  /** A copy of the state as it stands; deferred rows stay deferred. */
  state(): TrainingState;
  /** Replaces the state by one that `state()` gave under the same config, data and arithmetic. */
  restore(state: TrainingState): void;
  /** A copy of the model's tensors, with its derived rows (derived-rows.ts). Call it at the end of an epoch, when every row is up to date. */
  model(): Map<string, Tensor>;
  close(): Promise<void>;
}

export interface SessionOptions {
  readonly seed: number;
  /** Worker threads wished for; a backend may use fewer. The result does not depend on it. */
  readonly threads: number;
  /** The values to start from, of the shapes that config and data give; the seed's own initial values by default. */
  readonly start?: TensorMap | undefined;
}

export interface NumericBackend {
  readonly name: string;
  open(config: NcfConfig, data: TrainingData, options: SessionOptions): Promise<TrainingSession>;
}
