/** The readable backend: every parameter is updated in every step, in one thread. Slow on purpose. */
import { NcfError } from "../../core/errors.ts";
import type { NumericBackend, SessionOptions, TrainingData, TrainingSession, TrainingState } from "../backend.ts";
import { BatchSampler } from "../batches.ts";
import { checkConfig, type NcfConfig } from "../config.ts";
import { withDerivedRows } from "../derived-rows.ts";
import { initialTensors, type ParameterSpec, parameterTable, type Tensor, type TensorMap } from "../parameters.ts";
import { forwardBackward } from "./network.ts";

export const referenceBackend: NumericBackend = {
  name: "reference",
  async open(config, data, options) {
    checkConfig(config);
    return new ReferenceSession(config, data, options);
  },
};

class ReferenceSession implements TrainingSession {
  readonly arithmetic = "reference float64, stored as float32";
  readonly stepsPerEpoch: number;
  readonly #config: NcfConfig;
  readonly #data: TrainingData;
  readonly #seed: number;
  readonly #batches: BatchSampler;
  readonly #trained: readonly ParameterSpec[];
  readonly #tensors: Map<string, Tensor>;
  readonly #gradients = new Map<string, Float64Array>();
  readonly #moments = new Map<string, { m: Float32Array; v: Float32Array }>();
  #step = 0;

  constructor(config: NcfConfig, data: TrainingData, options: SessionOptions) {
    this.#config = config;
    this.#data = data;
    this.#seed = options.seed;
    this.#batches = new BatchSampler(config, data, options.seed);
    this.stepsPerEpoch = this.#batches.stepsPerEpoch;
    const table = parameterTable(config, data.userRowCount, data.itemRowCount);
    this.#trained = table.filter((spec) => spec.kind !== "statistic");
    this.#tensors = initialTensors(table, options.seed);
    for (const spec of this.#trained) {
      const size = spec.shape.reduce((product, n) => product * n, 1);
      this.#gradients.set(spec.name, new Float64Array(size));
      this.#moments.set(spec.name, { m: new Float32Array(size), v: new Float32Array(size) });
    }
    if (options.start !== undefined) this.#copyTensors(options.start);
  }

  get step(): number {
    return this.#step;
  }

  async run(count: number): Promise<Float64Array> {
    const losses = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      for (const gradient of this.#gradients.values()) gradient.fill(0);
      const batch = this.#batches.at(this.#step);
      losses[i] = forwardBackward(
        this.#config,
        this.#data,
        this.#tensors,
        batch,
        this.#step,
        this.#seed,
        this.#gradients,
      );
      this.#step += 1;
      this.#adam();
      // Let signals and timers in between slow steps.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return losses;
  }

  /** Adam (Kingma and Ba 2015, algorithm 1) over every parameter, touched by the batch or not. */
  #adam(): void {
    const [beta1, beta2] = this.#config.adamBetas;
    const correction1 = 1 - beta1 ** this.#step;
    const correction2 = 1 - beta2 ** this.#step;
    for (const { name } of this.#trained) {
      const values = this.#tensors.get(name)?.data;
      const gradient = this.#gradients.get(name);
      const moments = this.#moments.get(name);
      if (values === undefined || gradient === undefined || moments === undefined) continue;
      const { m, v } = moments;
      for (let i = 0; i < values.length; i++) {
        m[i] = beta1 * m[i] + (1 - beta1) * gradient[i];
        v[i] = beta2 * v[i] + (1 - beta2) * gradient[i] * gradient[i];
        const denominator = Math.sqrt(v[i] / correction2) + this.#config.adamEpsilon;
        values[i] -= (this.#config.learningRate * (m[i] / correction1)) / denominator;
      }
    }
  }

  state(): TrainingState {
    const tensors = this.#copy();
    for (const { name, shape } of this.#trained) {
      const moments = this.#moments.get(name);
      if (moments === undefined) continue;
      tensors.set(`adam.m.${name}`, { shape, data: moments.m.slice() });
      tensors.set(`adam.v.${name}`, { shape, data: moments.v.slice() });
    }
    return { step: this.#step, tensors };
  }

  restore(state: TrainingState): void {
    this.#copyTensors(state.tensors);
    for (const [name, { m, v }] of this.#moments) {
      copyTensor(state.tensors, `adam.m.${name}`, m);
      copyTensor(state.tensors, `adam.v.${name}`, v);
    }
    this.#step = state.step;
  }

  #copyTensors(source: TensorMap): void {
    for (const [name, { data }] of this.#tensors) copyTensor(source, name, data);
  }

  model(): Map<string, Tensor> {
    return withDerivedRows(this.#config, this.#data, this.#copy());
  }

  #copy(): Map<string, Tensor> {
    return new Map([...this.#tensors].map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]));
  }

  async close(): Promise<void> {}
}

/** @throws NcfError `STATE_MISMATCH` if the tensor is missing or has another size */
function copyTensor(from: TensorMap, name: string, target: Float32Array): void {
  const source = from.get(name);
  if (source === undefined || source.data.length !== target.length) {
    throw new NcfError(
      "STATE_MISMATCH",
      `expected ${target.length} values of ${name}, found ${source?.data.length ?? "no such tensor"}`,
    );
  }
  target.set(source.data);
}
