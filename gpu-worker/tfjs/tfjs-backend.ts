/**
 * The backend on TensorFlow.js, which is what uses a GPU. Batches, dropout masks and initial values are the reference
 * backend's own, so losses follow it step by step; sums are float32 in an order that TensorFlow chooses.
 */
import { setImmediate } from "node:timers/promises";
import { NcfError } from "../../src/core/errors.ts";
import { purposes, streamKey } from "../../src/core/rng.ts";
import type {
  NumericBackend,
  SessionOptions,
  TrainingData,
  TrainingSession,
  TrainingState,
} from "../../src/ncf/backend.ts";
import { keepsActivation } from "../../src/ncf/batches.ts";
import { batchNormMomentum, checkConfig, type NcfConfig } from "../../src/ncf/config.ts";
import { withDerivedRows } from "../../src/ncf/derived-rows.ts";
import {
  initialTensors,
  type ParameterSpec,
  parameterTable,
  type Tensor,
  type TensorMap,
} from "../../src/ncf/parameters.ts";
import { type BatchDrawer, type DrawnBatch, openBatchDrawer } from "../../src/ncf/wasm/batch-drawer.ts";
import { type AdamVariable, adamStep, adamVariable } from "./adam.ts";
import { featureMatrix } from "./feature-matrix.ts";
import { Histories } from "./histories.ts";
import { buildNetwork, droppingLayers, type Network } from "./network.ts";
import type { TensorFlow, TfTensor } from "./tensorflow.ts";
import { type NetworkWeight, readValues, weightOf, writeValues } from "./weights.ts";

export function tfjsBackend(tf: TensorFlow): NumericBackend {
  return {
    name: "tfjs",
    async open(config, data, options) {
      checkConfig(config);
      return new TfjsSession(tf, config, data, options, await openBatchDrawer(config, data, options.seed));
    },
  };
}

class TfjsSession implements TrainingSession {
  readonly arithmetic: string;
  readonly stepsPerEpoch: number;
  readonly #tf: TensorFlow;
  readonly #config: NcfConfig;
  readonly #data: TrainingData;
  readonly #seed: number;
  readonly #batches: BatchDrawer;
  readonly #table: readonly ParameterSpec[];
  readonly #network: Network;
  readonly #histories: Histories | null;
  /** Shape [item rows, features], where the model has features. */
  readonly #features: TfTensor | null;
  /** Those of the network and of the histories, under the names of the parameter table. */
  readonly #weights: ReadonlyMap<string, NetworkWeight>;
  /** By name; of trained tensors only. */
  readonly #trained = new Map<string, AdamVariable>();
  #step = 0;

  constructor(tf: TensorFlow, config: NcfConfig, data: TrainingData, options: SessionOptions, batches: BatchDrawer) {
    this.arithmetic = `tfjs ${tf.version["tfjs-core"]} ${tf.backend().isUsingGpuDevice ? "gpu" : "cpu"} float32`;
    this.#tf = tf;
    this.#config = config;
    this.#data = data;
    this.#seed = options.seed;
    this.#batches = batches;
    this.stepsPerEpoch = batches.stepsPerEpoch;
    this.#table = parameterTable(config, data.userRowCount, data.itemRowCount);
    this.#histories = config.history ? new Histories(tf, config, config.history, data) : null;
    this.#features = config.itemFeatures ? featureMatrix(tf, config.itemFeatures, data) : null;
    this.#network = buildNetwork(tf, config, data, "training");
    this.#weights = new Map([...this.#network.weights, ...(this.#histories?.weights ?? [])]);
    for (const { name, kind } of this.#table) {
      if (kind === "statistic") continue;
      this.#trained.set(name, adamVariable(tf, weightOf(this.#weights, name).variable.read()));
    }
    try {
      this.#write(options.start ?? initialTensors(this.#table, options.seed));
    } catch (error) {
      this.#dispose();
      throw error;
    }
  }

  get step(): number {
    return this.#step;
  }

  async run(count: number): Promise<Float64Array> {
    const left = this.stepsPerEpoch - (this.#step % this.stepsPerEpoch);
    if (!Number.isSafeInteger(count) || count < 1 || count > left) {
      throw new NcfError("STEPS_INVALID", `expected 1 to ${left} steps, up to the end of the epoch, found ${count}`);
    }
    const losses: TfTensor[] = [];
    for (let i = 0; i < count; i++) {
      // Read only at the end: a GPU works on while the next batch is drawn here.
      losses.push(this.#tf.tidy(() => this.#train(this.#batches.at(this.#step))));
      this.#step += 1;
      // Let signals and timers in between slow steps.
      await setImmediate();
    }
    const stacked = this.#tf.stack(losses);
    for (const loss of losses) loss.dispose();
    const values = Float64Array.from(await stacked.data());
    stacked.dispose();
    return values;
  }

  /** Forward, backward, Adam. @returns the batch's mean loss, a scalar */
  #train({ userRows, itemRows, labels: found, positives }: DrawnBatch): TfTensor {
    const size = found.length;
    const column = (values: Int32Array): TfTensor => this.#tf.tensor(values, [size, 1], "int32");
    const hasUserRows = !this.#config.history || this.#config.history.ownRow;
    const inputs = [...(hasUserRows ? [column(userRows)] : []), column(itemRows), ...this.#masks(size)];
    const histories = this.#histories?.batch(positives);
    const vectors = (): TfTensor[] => (histories === undefined ? [] : (this.#histories?.vectors(histories) ?? []));
    const rows = this.#tf.tensor(itemRows, [size], "int32");
    const features = this.#features === null ? [] : [this.#tf.gather(this.#features, rows)];
    const labels = this.#tf.tensor(found, [size, 1], "float32");
    const correct = this.#varianceCorrection(size);
    const { value, grads } = this.#tf.variableGrads(
      () => {
        const logits = this.#network.model.apply([...inputs, ...vectors(), ...features], { training: true });
        return this.#tf.losses.sigmoidCrossEntropy(labels, logits);
      },
      [...this.#trained.values()].map((variable) => variable.value),
    );
    correct();
    for (const variable of this.#trained.values()) {
      adamStep(this.#config, this.#step + 1, variable, grads[variable.value.name]);
    }
    return value;
  }

  #masks(rows: number): TfTensor[] {
    const rate = this.#config.mlp?.dropout ?? 0;
    return droppingLayers(this.#config).map(({ layer, width }) => {
      const key = streamKey(this.#seed, purposes.dropout + layer, this.#step);
      const mask = new Float32Array(rows * width);
      for (let row = 0, i = 0; row < rows; row++) {
        for (let unit = 0; unit < width; unit++, i++) {
          mask[i] = keepsActivation(key, rate, width, row, unit) ? 1 / (1 - rate) : 0;
        }
      }
      return this.#tf.tensor(mask, [rows, width], "float32");
    });
  }

  /**
   * PyTorch's running variance takes each batch's unbiased variance up, TensorFlow's the biased one, var. From what is
   * there before, r, and after, r' = (1 − k) r + k var, follows the other: r' + k var / (rows − 1).
   */
  #varianceCorrection(rows: number): () => void {
    const before = this.#table
      .filter(({ name }) => name.endsWith(".running_var"))
      .map(({ name }) => weightOf(this.#weights, name).variable.read())
      .map((variable) => ({ variable, kept: variable.mul(1 - batchNormMomentum) }));
    return () => {
      for (const { variable, kept } of before) variable.assign(variable.add(variable.sub(kept).div(rows - 1)));
    };
  }

  state(): TrainingState {
    const tensors = this.#copy();
    for (const spec of this.#table) {
      const moments = this.#trained.get(spec.name);
      if (moments === undefined) continue;
      const { transposed } = weightOf(this.#weights, spec.name);
      for (const part of ["m", "v"] as const) {
        tensors.set(`adam.${part}.${spec.name}`, {
          shape: spec.shape,
          data: readValues(moments[part], spec, transposed),
        });
      }
    }
    return { step: this.#step, tensors };
  }

  restore(state: TrainingState): void {
    this.#write(state.tensors);
    for (const spec of this.#table) {
      const moments = this.#trained.get(spec.name);
      if (moments === undefined) continue;
      const { transposed } = weightOf(this.#weights, spec.name);
      for (const part of ["m", "v"] as const) {
        const target = { variable: moments[part], transposed };
        writeValues(this.#tf, target, state.tensors, spec, `adam.${part}.${spec.name}`);
      }
    }
    this.#step = state.step;
  }

  model(): Map<string, Tensor> {
    return withDerivedRows(this.#config, this.#data, this.#copy());
  }

  #copy(): Map<string, Tensor> {
    return new Map(
      this.#table.map((spec) => {
        const { variable, transposed } = weightOf(this.#weights, spec.name);
        return [spec.name, { shape: spec.shape, data: readValues(variable.read(), spec, transposed) }];
      }),
    );
  }

  async close(): Promise<void> {
    this.#dispose();
  }

  #write(tensors: TensorMap): void {
    for (const spec of this.#table) {
      const { variable, transposed } = weightOf(this.#weights, spec.name);
      writeValues(this.#tf, { variable: variable.read(), transposed }, tensors, spec);
    }
  }

  #dispose(): void {
    this.#network.model.dispose();
    this.#histories?.dispose();
    this.#features?.dispose();
    for (const { m, v } of this.#trained.values()) {
      m.dispose();
      v.dispose();
    }
  }
}
