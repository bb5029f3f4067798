/**
 * The fast backend: fused SIMD kernels over one linear memory that worker threads share. One seed gives the same bytes
 * for any number of threads; see kernels/step.ts for how a step runs.
 */
import { NcfError } from "../../core/errors.ts";
import type { NumericBackend, SessionOptions, TrainingData, TrainingSession, TrainingState } from "../backend.ts";
import { stepsPerEpoch } from "../batches.ts";
import { checkConfig, type NcfConfig } from "../config.ts";
import { withDerivedRows } from "../derived-rows.ts";
import { initialTensors, type ParameterSpec, parameterTable, type Tensor, type TensorMap } from "../parameters.ts";
import { unitRows } from "./allocation.ts";
import { type MemoryLayout, maxStepsPerCall, memoryLayout } from "./memory-layout.ts";
import { type SimdChoice, type TrainingRuntime, trainingRuntime } from "./runtime.ts";
import { type Part, readTouched, type TensorPlace, tensorPlaces, writeTouched } from "./tensor-access.ts";
import { inlinePool, type ThreadPool, workerPool } from "./threads.ts";

export interface WasmBackendOptions {
  /** `plain` leaves relaxed SIMD out even where the machine has it. */
  readonly simd?: SimdChoice;
  /** False computes in the calling thread over memory of its own, as where there is no SharedArrayBuffer. */
  readonly sharedMemory?: boolean;
}

const pageBytes = 65536;

export function wasmBackend(options: WasmBackendOptions = {}): NumericBackend {
  return {
    name: "wasm",
    async open(config, data, session) {
      checkConfig(config);
      return openSession(config, data, session, await trainingRuntime(options));
    },
  };
}

async function openSession(
  config: NcfConfig,
  data: TrainingData,
  options: SessionOptions,
  runtime: TrainingRuntime,
): Promise<TrainingSession> {
  const threads = runtime.shared ? Math.max(1, Math.min(options.threads, config.batchSize / unitRows)) : 1;
  const layout = memoryLayout(config, data, options, threads);
  const pages = Math.ceil(layout.bytes / pageBytes);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: runtime.shared });
  layout.fill(memory.buffer);
  const pool = runtime.shared ? workerPool(runtime, memory, threads) : inlinePool(runtime, memory);
  const table = parameterTable(config, data.userRowCount, data.itemRowCount);
  const session = new WasmSession(config, data, runtime, layout, memory, pool, table);
  session.write(options.start ?? initialTensors(table, options.seed), 0);
  await pool.callFirst("buildFilter");
  return session;
}

class WasmSession implements TrainingSession {
  readonly arithmetic: string;
  readonly stepsPerEpoch: number;
  #step = 0;
  readonly #config: NcfConfig;
  readonly #data: TrainingData;
  readonly #layout: MemoryLayout;
  readonly #memory: WebAssemblyMemory;
  readonly #pool: ThreadPool;
  readonly #table: readonly ParameterSpec[];
  readonly #places: ReadonlyMap<string, TensorPlace>;

  constructor(
    config: NcfConfig,
    data: TrainingData,
    runtime: TrainingRuntime,
    layout: MemoryLayout,
    memory: WebAssemblyMemory,
    pool: ThreadPool,
    table: readonly ParameterSpec[],
  ) {
    this.arithmetic = runtime.arithmetic;
    this.stepsPerEpoch = stepsPerEpoch(data.positives.length * (1 + config.negatives), config.batchSize);
    this.#config = config;
    this.#data = data;
    this.#layout = layout;
    this.#memory = memory;
    this.#pool = pool;
    this.#table = table;
    this.#places = tensorPlaces(config, table, layout);
  }

  get step(): number {
    return this.#step;
  }

  async run(count: number): Promise<Float64Array> {
    const left = this.stepsPerEpoch - (this.#step % this.stepsPerEpoch);
    if (!Number.isSafeInteger(count) || count < 1 || count > left) {
      throw new NcfError("STEPS_INVALID", `expected 1 to ${left} steps, up to the end of the epoch, found ${count}`);
    }
    const losses = new Float64Array(count);
    for (let done = 0; done < count; ) {
      const steps = Math.min(maxStepsPerCall, count - done);
      await this.#pool.callAll("run", this.#step, steps);
      losses.set(new Float64Array(this.#memory.buffer, this.#layout.losses, steps), done);
      this.#step += steps;
      done += steps;
    }
    return losses;
  }

  state(): TrainingState {
    const tensors = this.#copy();
    const values = this.#floats();
    for (const { name, shape, kind } of this.#table) {
      if (kind === "statistic") continue;
      const place = this.#place(name);
      tensors.set(`adam.m.${name}`, { shape, data: place.read(values, 1) });
      tensors.set(`adam.v.${name}`, { shape, data: place.read(values, 2) });
      if (place.table !== null) {
        tensors.set(`adam.touched.${name}`, {
          shape: [shape[0]],
          data: readTouched(this.#memory.buffer, place.table),
        });
      }
    }
    return { step: this.#step, tensors };
  }

  restore(state: TrainingState): void {
    this.write(state.tensors, 0);
    this.write(state.tensors, 1, "adam.m.");
    this.write(state.tensors, 2, "adam.v.");
    for (const { name } of this.#table) {
      const { table } = this.#place(name);
      if (table === null) continue;
      writeTouched(this.#memory.buffer, table, tensorNamed(state.tensors, `adam.touched.${name}`, [table.rows]));
    }
    this.#step = state.step;
  }

  model(): Map<string, Tensor> {
    return withDerivedRows(this.#config, this.#data, this.#copy());
  }

  #copy(): Map<string, Tensor> {
    const values = this.#floats();
    return new Map(this.#table.map(({ name, shape }) => [name, { shape, data: this.#place(name).read(values, 0) }]));
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  /** Writes one part of every tensor of the table (moments: of every trained one) from `tensors`. */
  write(tensors: TensorMap, part: Part, prefix = ""): void {
    const values = this.#floats();
    for (const { name, shape, kind } of this.#table) {
      if (part !== 0 && kind === "statistic") continue;
      this.#place(name).write(values, part, tensorNamed(tensors, prefix + name, shape));
    }
  }

  #floats(): Float32Array {
    return new Float32Array(this.#memory.buffer);
  }

  #place(name: string): TensorPlace {
    const place = this.#places.get(name);
    if (place === undefined) throw new NcfError("TENSOR_UNKNOWN", `no place in memory for the tensor ${name}`);
    return place;
  }
}

/** The tensor's data. @throws NcfError `STATE_INVALID` if it is missing or has another size */
function tensorNamed(tensors: TensorMap, name: string, shape: readonly number[]): Float32Array {
  const tensor = tensors.get(name);
  const size = shape.reduce((product, n) => product * n, 1);
  if (tensor === undefined || tensor.data.length !== size) {
    const found = tensor === undefined ? "none" : `shape [${tensor.shape.join(", ")}]`;
    throw new NcfError(
      "STATE_INVALID",
      `expected a tensor ${name} of shape [${shape.join(", ")}], found ${found}: the state belongs to another configuration`,
    );
  }
  return tensor.data;
}
