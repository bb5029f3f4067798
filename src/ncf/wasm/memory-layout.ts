/** Lays a training run out in linear memory and fills in the descriptor that the kernels read. */
import { NcfError } from "../../core/errors.ts";
import type { SessionOptions, TrainingData } from "../backend.ts";
import { negativeTable, stepsPerEpoch, userOfPositive } from "../batches.ts";
import type { MlpConfig, NcfConfig } from "../config.ts";
import * as slot from "../kernels/layout.ts";
import { adamTables } from "./adam-tables.ts";
import { Allocator, Descriptor, floatBytes, unitRows } from "./allocation.ts";
import { type HistoryPlace, placeFeatures, placeHistory, type RowTable, rowTable } from "./row-tables.ts";

/** Steps whose losses fit in memory: longer runs are made of several calls. */
export const maxStepsPerCall = 4096;

const greatestMemoryBytes = 2 ** 32;

export interface LayerPlace {
  readonly inputs: number;
  readonly outputs: number;
  /** Addresses of values, first and second moments, in panels of 8 outputs. */
  readonly weights: readonly [number, number, number];
  /** The values in panels of 8 inputs. */
  readonly weightsBack: number;
  /** Addresses of values and moments of [bias, batch norm's weight, its bias], shape [3, outputs]. */
  readonly vectors: readonly [number, number, number];
  readonly running: number;
}

export interface MemoryLayout {
  readonly bytes: number;
  readonly users: RowTable;
  readonly items: RowTable;
  /** Null in a model without histories. */
  readonly history: HistoryPlace | null;
  /** Null in a model without item features; columns as in `items`. */
  readonly features: RowTable | null;
  readonly layers: readonly LayerPlace[];
  /** Addresses of values and moments of the output layer: weights, then the bias. */
  readonly output: readonly [number, number, number];
  readonly losses: number;
  /** Shape [2, batchSize] each. */
  readonly batchUsers: number;
  readonly batchItems: number;
  readonly batchLabels: number;
  /** Written for models of histories alone. */
  readonly batchPositives: number;
  /** Copies the data, the tables and the descriptor into memory; to be called once. */
  fill(buffer: ArrayBuffer | SharedArrayBuffer): void;
}

/**
 * Where everything of one training run lies.
 *
 * @throws NcfError `MODEL_TOO_LARGE` if it does not fit in the 4 GiB that WebAssembly addresses
 */
export function memoryLayout(
  config: NcfConfig,
  data: TrainingData,
  options: SessionOptions,
  threads: number,
): MemoryLayout {
  const memory = new Allocator();
  const descriptor = new Descriptor();
  const units = config.batchSize / unitRows;
  const mlpWidth = config.mlp?.embeddingSize ?? 0;
  const gmfWidth = config.gmf?.embeddingSize ?? 0;

  placeScalars(descriptor, config, data, options);
  placeSampling(descriptor, memory, config, data);
  const batches = placeBatches(descriptor, memory, config.batchSize, threads, mlpWidth + gmfWidth + 4);
  placeEnds(descriptor, memory, config.batchSize, mlpWidth, gmfWidth);
  placeOptimizer(descriptor, memory, config);
  const layers = config.mlp === null ? [] : placeLayers(descriptor, memory, config.mlp, config.batchSize, threads);
  const outputInputs = (config.mlp?.hidden.at(-1) ?? 0) + gmfWidth;
  const output = memory.trained(outputInputs + 4);
  const outputBytes = Math.ceil(((outputInputs + 4) * floatBytes) / 64) * 64;
  const losses = memory.bytes(8 * maxStepsPerCall);
  descriptor.integer(slot.itemBias, config.itemBias ? 1 : 0);
  descriptor.integer(slot.layers, layers.length);
  descriptor.integer(slot.outputDense, config.output === "dense" ? 1 : 0);
  descriptor.integer(slot.outputInputs, outputInputs);
  descriptor.integer(slot.output, output[0]);
  descriptor.integer(slot.outputM, output[1]);
  descriptor.integer(slot.outputV, output[2]);
  descriptor.integer(slot.outputPartial, memory.bytes(units * outputBytes));
  descriptor.integer(slot.outputPartialBytes, outputBytes);
  descriptor.integer(slot.lossPartial, memory.bytes(units * 8));
  descriptor.integer(slot.losses, losses);
  descriptor.integer(slot.barrier, memory.bytes(64));

  const hasUserRows = !config.history || config.history.ownRow;
  const users = rowTable(memory, data.userRowCount, hasUserRows ? mlpWidth + gmfWidth : 0);
  const items = rowTable(memory, data.itemRowCount, mlpWidth + gmfWidth + (config.itemBias ? 4 : 0));
  for (const [table, at] of [
    [users, slot.userTable],
    [items, slot.itemTable],
  ] as const) {
    descriptor.integer(at, table.at);
    descriptor.integer(at + 1, table.strideBytes);
    descriptor.integer(at + 2, table.width);
    descriptor.integer(at + 3, table.rows);
  }
  const history = config.history ? placeHistory(descriptor, memory, config, config.history, data) : null;
  const features = config.itemFeatures
    ? placeFeatures(descriptor, memory, config.itemFeatures, data, items.width)
    : null;
  const historyRows = Math.min(data.itemRowCount, config.batchSize * (config.history?.window ?? 0));
  const touchedBytes = Math.ceil((Math.max(historyRows, features?.rows ?? 0) * floatBytes) / 64) * 64;
  descriptor.integer(slot.touchedRecords, memory.bytes(threads * touchedBytes));
  descriptor.integer(slot.touchedBytes, touchedBytes);
  if (memory.top > greatestMemoryBytes) {
    throw new NcfError(
      "MODEL_TOO_LARGE",
      `expected a model and data of at most 4 GiB, found ${(memory.top / 2 ** 30).toFixed(1)} GiB ` +
        `(${data.userRowCount} user rows, ${data.itemRowCount} item rows): use compact ids or a smaller fraction`,
    );
  }
  return {
    bytes: memory.top,
    users,
    items,
    history,
    features,
    layers,
    output,
    losses,
    ...batches,
    fill(buffer) {
      memory.copy(buffer);
      descriptor.write(buffer);
    },
  };
}

function placeScalars(descriptor: Descriptor, config: NcfConfig, data: TrainingData, options: SessionOptions): void {
  const samples = data.positives.length * (1 + config.negatives);
  if (samples < 2 || samples >= 2 ** 32) {
    throw new NcfError("DATA_INVALID", `expected 2 to 2^32 − 1 training samples an epoch, found ${samples}`);
  }
  descriptor.integer(slot.batchSize, config.batchSize);
  descriptor.integer(slot.unitRows, unitRows);
  descriptor.integer(slot.samples, samples);
  descriptor.integer(slot.stepsPerEpoch, stepsPerEpoch(samples, config.batchSize));
  descriptor.integer(slot.slots, 1 + config.negatives);
  descriptor.integer(slot.users, data.users);
  descriptor.integer(slot.items, data.items);
  descriptor.integer(slot.seedLow, options.seed >>> 0);
  descriptor.integer(slot.seedHigh, Math.floor(options.seed / 2 ** 32) >>> 0);
  descriptor.integer(slot.redraw, config.negativeDraw === "eachEpoch" ? 1 : 0);
}

function placeSampling(descriptor: Descriptor, memory: Allocator, config: NcfConfig, data: TrainingData): void {
  descriptor.integer(slot.offsets, memory.holding(data.offsets));
  descriptor.integer(slot.positives, memory.holding(data.positives));
  descriptor.integer(slot.userOfPositive, memory.holding(userOfPositive(data)));
  descriptor.integer(slot.userRows, memory.holding(data.userRows));
  descriptor.integer(slot.itemRows, memory.holding(data.itemRows));
  const popular = negativeTable(config, data);
  descriptor.integer(slot.negativeTable, popular === null ? 0 : memory.holding(popular.slots()));
  // 16 bits or more a positive, so that few negatives meet a set bit, within 32 MiB.
  const bits =
    config.negatives === 0 ? 10 : Math.min(28, Math.max(10, Math.ceil(Math.log2(16 * data.positives.length))));
  descriptor.integer(slot.filter, memory.bytes(2 ** bits / 8));
  descriptor.integer(slot.filterShift, 32 - bits);
}

function placeBatches(
  descriptor: Descriptor,
  memory: Allocator,
  batchSize: number,
  threads: number,
  widestRow: number,
): Pick<MemoryLayout, "batchUsers" | "batchItems" | "batchLabels" | "batchPositives"> {
  const batchUsers = memory.floats(2 * batchSize);
  const batchItems = memory.floats(2 * batchSize);
  const batchLabels = memory.floats(2 * batchSize);
  descriptor.integer(slot.batchUsers, batchUsers);
  descriptor.integer(slot.batchItems, batchItems);
  const batchPositives = memory.floats(2 * batchSize);
  descriptor.integer(slot.batchLabels, batchLabels);
  descriptor.integer(slot.batchPositives, batchPositives);
  const scratchBytes = Math.ceil((2 * batchSize + widestRow) / 16) * 64 + slot.widestLayer * 8;
  descriptor.integer(slot.threadScratch, memory.bytes(threads * scratchBytes));
  descriptor.integer(slot.threadScratchBytes, scratchBytes);
  return { batchUsers, batchItems, batchLabels, batchPositives };
}

function placeEnds(
  descriptor: Descriptor,
  memory: Allocator,
  batchSize: number,
  mlpWidth: number,
  gmfWidth: number,
): void {
  descriptor.integer(slot.mlpWidth, mlpWidth);
  descriptor.integer(slot.gmfWidth, gmfWidth);
  descriptor.integer(slot.input, memory.floats(batchSize * 2 * mlpWidth));
  descriptor.integer(slot.inputGradient, memory.floats(batchSize * 2 * mlpWidth));
  for (const at of [slot.gmfUser, slot.gmfItem, slot.gmfUserGradient, slot.gmfItemGradient]) {
    descriptor.integer(at, memory.floats(batchSize * gmfWidth));
  }
  descriptor.integer(slot.bias, memory.floats(batchSize));
  descriptor.integer(slot.logitGradient, memory.floats(batchSize));
}

function placeOptimizer(descriptor: Descriptor, memory: Allocator, config: NcfConfig): void {
  const tables = adamTables(config);
  descriptor.real(slot.learningRate, config.learningRate);
  descriptor.real(slot.beta1, config.adamBetas[0]);
  descriptor.real(slot.beta2, config.adamBetas[1]);
  descriptor.real(slot.epsilon, config.adamEpsilon);
  descriptor.integer(slot.horizon, tables.horizon);
  descriptor.integer(slot.correction1, memory.holding(tables.correction1));
  descriptor.integer(slot.correction2, memory.holding(tables.correction2));
  descriptor.integer(slot.drift, memory.holding(tables.drift));
  descriptor.real(slot.driftCentre, tables.centre);
  descriptor.integer(slot.powers, tables.powers);
  descriptor.integer(slot.decays, memory.holding(tables.decays));
  descriptor.integer(slot.decaysHigh, memory.holding(tables.decaysHigh));
  descriptor.integer(slot.powerR, memory.holding(tables.powerR));
  descriptor.integer(slot.exactBelow, tables.exactBelow);
  descriptor.integer(slot.oneBlockFrom, tables.oneBlockFrom);
  descriptor.real(slot.decayRate, tables.decayRate);
  descriptor.integer(slot.exactTerms, tables.exactTerms);
  descriptor.integer(slot.powerHalf, memory.holding(tables.powerHalf));
}

function placeLayers(
  descriptor: Descriptor,
  memory: Allocator,
  mlp: MlpConfig,
  batchSize: number,
  threads: number,
): LayerPlace[] {
  if (mlp.hidden.length > slot.maxLayers || Math.max(...mlp.hidden) > slot.widestLayer) {
    throw new NcfError(
      "CONFIG_INVALID",
      `expected at most ${slot.maxLayers} hidden layers of at most ${slot.widestLayer}, found ${mlp.hidden.join(", ")}`,
    );
  }
  const units = batchSize / unitRows;
  let inputs = 2 * mlp.embeddingSize;
  return mlp.hidden.map((outputs, index) => {
    const base = slot.descriptor + slot.layersAt + index * slot.layerBytes;
    const integer = (at: number, value: number): void => descriptor.integer(at, value, base);
    const place: LayerPlace = {
      inputs,
      outputs,
      weights: memory.trained(inputs * outputs),
      weightsBack: memory.floats(inputs * outputs),
      vectors: memory.trained(3 * outputs),
      running: memory.floats(2 * outputs),
    };
    const regularized = index < mlp.regularizedLayers;
    const dropout = regularized ? mlp.dropout : 0;
    integer(slot.inputs, inputs);
    integer(slot.outputs, outputs);
    integer(slot.weights, place.weights[0]);
    integer(slot.weightsM, place.weights[1]);
    integer(slot.weightsV, place.weights[2]);
    integer(slot.weightsBack, place.weightsBack);
    integer(slot.vectors, place.vectors[0]);
    integer(slot.vectorsM, place.vectors[1]);
    integer(slot.vectorsV, place.vectors[2]);
    integer(slot.running, place.running);
    integer(slot.norm, regularized ? { none: 0, afterRelu: 1, beforeRelu: 2 }[mlp.batchNorm] : 0);
    integer(slot.dropThreshold, Math.round(dropout * 65536));
    descriptor.real(slot.dropScale, 1 / (1 - dropout), base);
    // A cache line between rows: else the rows of a power-of-two width compete for the same few sets of the cache.
    const strideBytes = Math.ceil((outputs * floatBytes) / 64) * 64 + 64;
    integer(slot.stride, strideBytes);
    for (const at of [slot.hidden, slot.activation, slot.gradient]) integer(at, memory.bytes(batchSize * strideBytes));
    integer(slot.weightsPartial, memory.floats(units * inputs * outputs));
    integer(slot.vectorsPartial, memory.floats(units * 3 * outputs));
    integer(slot.sumsPartial, memory.floats(units * 2 * outputs));
    integer(slot.statistics, memory.floats(threads * 5 * outputs));
    inputs = outputs;
    return place;
  });
}
