/** The tables that hold a record a row, and what histories and item features need beside theirs. */
import { log } from "../../core/math.ts";
import type { TrainingData } from "../backend.ts";
import type { HistoryConfig, ItemFeaturesConfig, NcfConfig } from "../config.ts";
import { timeOrder } from "../history.ts";
import { featuresOf } from "../item-features.ts";
import * as slot from "../kernels/layout.ts";
import { type Allocator, type Descriptor, floatBytes, unitRows } from "./allocation.ts";

/** An embedding table: a record a row, [values, first moments, second moments, touched, mark, tail]. */
export interface RowTable {
  readonly at: number;
  readonly rows: number;
  /** Floats in a record's values. */
  readonly width: number;
  readonly strideBytes: number;
}

/** Histories: their table, and the decays of both branches. */
export interface HistoryPlace {
  readonly table: RowTable;
  /** Addresses of values and moments of [θ of the MLP, θ of GMF]. */
  readonly decay: readonly [number, number, number];
}

export function placeHistory(
  descriptor: Descriptor,
  memory: Allocator,
  { mlp, gmf, batchSize }: NcfConfig,
  { weights, window, alpha }: HistoryConfig,
  data: TrainingData,
): HistoryPlace {
  const width = (mlp?.embeddingSize ?? 0) + (gmf?.embeddingSize ?? 0);
  const table = rowTable(memory, data.itemRowCount, width, tailBytes(width));
  const decay = memory.trained(4);
  descriptor.integer(slot.history, weights === "mean" ? 1 : 2);
  descriptor.integer(slot.historyWindow, window);
  descriptor.real(slot.historyAlpha, alpha);
  const ages = Float32Array.from({ length: window }, (_, k) => log(1 + k));
  descriptor.integer(slot.historyAges, memory.holding(ages));
  descriptor.integer(slot.historyRows, memory.holding(timeOrder(data).map((item) => data.itemRows[item])));
  descriptor.integer(slot.places, memory.holding(data.places ?? new Int32Array(0)));
  descriptor.integer(slot.historyTable, table.at);
  descriptor.integer(slot.historyStride, table.strideBytes);
  descriptor.integer(slot.historyWidth, table.width);
  descriptor.integer(slot.historyRowCount, table.rows);
  descriptor.integer(slot.historyWeights, memory.floats(2 * 2 * 3 * (window + 1)));
  descriptor.integer(slot.historySlopes, memory.floats(batchSize * width));
  descriptor.integer(slot.decay, decay[0]);
  descriptor.integer(slot.decayM, decay[1]);
  descriptor.integer(slot.decayV, decay[2]);
  descriptor.integer(slot.decayGradient, memory.floats(4));
  descriptor.integer(slot.decayPartial, memory.bytes((batchSize / unitRows) * 16));
  return { table, decay };
}

export function placeFeatures(
  descriptor: Descriptor,
  memory: Allocator,
  config: ItemFeaturesConfig,
  data: TrainingData,
  width: number,
): RowTable {
  const { offsets, features, values } = featuresOf(config, data);
  // By row instead of by item: rows without an item have no features.
  const itemOfRow = new Int32Array(data.itemRowCount).fill(-1);
  data.itemRows.forEach((row, item) => {
    itemOfRow[row] = item;
  });
  const rowOffsets = new Uint32Array(data.itemRowCount + 1);
  const order = new Int32Array(features.length);
  itemOfRow.forEach((item, row) => {
    let at = rowOffsets[row];
    if (item >= 0) for (let from = offsets[item]; from < offsets[item + 1]; from++) order[at++] = from;
    rowOffsets[row + 1] = at;
  });
  const table = rowTable(memory, config.names.length, width, tailBytes(width));
  descriptor.integer(slot.itemFeatures, 1);
  descriptor.integer(slot.featureOffsets, memory.holding(rowOffsets));
  descriptor.integer(slot.features, memory.holding(order.map((from) => features[from])));
  descriptor.integer(slot.featureValues, memory.holding(Float32Array.from(order, (from) => values[from])));
  descriptor.integer(slot.featureTable, table.at);
  descriptor.integer(slot.featureStride, table.strideBytes);
  descriptor.integer(slot.featureWidth, table.width);
  descriptor.integer(slot.featureCount, table.rows);
  return table;
}

/** What stands in a record behind its three words, 16 bytes after they begin: the row's gradient. */
function tailBytes(width: number): number {
  return 4 + width * floatBytes;
}

/** Room for a table. @param tailBytes of a record, beside the values, moments and words */
export function rowTable(memory: Allocator, rows: number, width: number, tailBytes = 0): RowTable {
  const strideBytes = Math.ceil((3 * width * floatBytes + 12 + tailBytes) / 64) * 64;
  return { at: memory.bytes(rows * strideBytes), rows, width, strideBytes };
}
