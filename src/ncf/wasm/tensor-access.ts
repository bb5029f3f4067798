/** Copies tensors between their standard shape (parameters.ts) and where the kernels keep them. */
import type { NcfConfig } from "../config.ts";
import type { ParameterSpec } from "../parameters.ts";
import type { LayerPlace, MemoryLayout } from "./memory-layout.ts";
import type { RowTable } from "./row-tables.ts";

/** Which array of a trained tensor: its values, or Adam's first or second moments. */
export type Part = 0 | 1 | 2;

/** Where one tensor of the parameter table lies. */
export interface TensorPlace {
  read(memory: Float32Array, part: Part): Float32Array;
  write(memory: Float32Array, part: Part, data: Float32Array): void;
  /** For embedding tables: the record whose `touched` counts for this tensor. */
  readonly table: RowTable | null;
}

/** The place of each tensor of `table`, by name. */
export function tensorPlaces(
  config: NcfConfig,
  table: readonly ParameterSpec[],
  layout: MemoryLayout,
): Map<string, TensorPlace> {
  const mlpWidth = config.mlp?.embeddingSize ?? 0;
  const gmfWidth = config.gmf?.embeddingSize ?? 0;
  const outputs = layout.output;
  const outputInputs = (config.mlp?.hidden.at(-1) ?? 0) + gmfWidth;
  const places = new Map<string, TensorPlace>([
    ["user_embedding.weight", columnsOf(layout.users, 0, mlpWidth)],
    ["item_embedding.weight", columnsOf(layout.items, 0, mlpWidth)],
    ["gmf_user_embedding.weight", columnsOf(layout.users, mlpWidth, gmfWidth)],
    ["gmf_item_embedding.weight", columnsOf(layout.items, mlpWidth, gmfWidth)],
    ["item_bias.weight", columnsOf(layout.items, mlpWidth + gmfWidth, 1)],
    ["output.weight", vector(outputs, outputInputs)],
    [
      "output.bias",
      vector(
        outputs.map((at) => at + 4 * outputInputs),
        1,
      ),
    ],
  ]);
  if (config.history && layout.history) {
    const { table: rows, decay } = layout.history;
    places.set("history_embedding.weight", columnsOf(rows, 0, mlpWidth));
    places.set("gmf_history_embedding.weight", columnsOf(rows, mlpWidth, gmfWidth));
    places.set("own_user_embedding.weight", columnsOf(layout.users, 0, mlpWidth));
    places.set("gmf_own_user_embedding.weight", columnsOf(layout.users, mlpWidth, gmfWidth));
    places.set("history_decay", vector(decay, 1));
    places.set(
      "gmf_history_decay",
      vector(
        decay.map((at) => at + 4),
        1,
      ),
    );
  }
  for (const [kind, rows] of [
    ["own_item", layout.items],
    ["item_feature", layout.features],
  ] as const) {
    if (!layout.features || rows === null) continue;
    places.set(`${kind}_embedding.weight`, columnsOf(rows, 0, mlpWidth));
    places.set(`gmf_${kind}_embedding.weight`, columnsOf(rows, mlpWidth, gmfWidth));
    places.set(`${kind}_bias.weight`, columnsOf(rows, mlpWidth + gmfWidth, 1));
  }
  layout.layers.forEach((layer, index) => {
    const n = layer.outputs;
    const row = (k: number): TensorPlace =>
      vector(
        layer.vectors.map((at) => at + 4 * k * n),
        n,
      );
    places.set(`fc${index + 1}.weight`, panels(layer));
    places.set(`fc${index + 1}.bias`, row(0));
    places.set(`batch_norm${index + 1}.weight`, row(1));
    places.set(`batch_norm${index + 1}.bias`, row(2));
    places.set(`batch_norm${index + 1}.running_mean`, vector([layer.running], n));
    places.set(`batch_norm${index + 1}.running_var`, vector([layer.running + 4 * n], n));
  });
  return new Map(table.map(({ name }) => [name, places.get(name) as TensorPlace]));
}

/** The step at which each row is up to date: shape [rows], unsigned 32-bit integers as float32's bits. */
export function readTouched(buffer: ArrayBuffer | SharedArrayBuffer, table: RowTable): Float32Array {
  const words = new Uint32Array(buffer);
  const touched = new Uint32Array(table.rows);
  const first = (table.at + 12 * table.width) / 4;
  for (let row = 0; row < table.rows; row++) touched[row] = words[first + (row * table.strideBytes) / 4];
  return new Float32Array(touched.buffer);
}

/** Writes what `readTouched` gave and forgets the marks of earlier batches. */
export function writeTouched(buffer: ArrayBuffer | SharedArrayBuffer, table: RowTable, data: Float32Array): void {
  const words = new Uint32Array(buffer);
  const touched = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const first = (table.at + 12 * table.width) / 4;
  for (let row = 0; row < table.rows; row++) {
    const at = first + (row * table.strideBytes) / 4;
    words[at] = touched[row];
    words[at + 1] = 0;
  }
}

/** `width` columns from `from` of an embedding table's records. */
function columnsOf(table: RowTable, from: number, width: number): TensorPlace {
  const stride = table.strideBytes / 4;
  const start = (part: Part): number => table.at / 4 + part * table.width + from;
  return {
    table,
    read(memory, part) {
      const data = new Float32Array(table.rows * width);
      for (let row = 0, at = start(part); row < table.rows; row++, at += stride) {
        for (let k = 0; k < width; k++) data[row * width + k] = memory[at + k];
      }
      return data;
    },
    write(memory, part, data) {
      for (let row = 0, at = start(part); row < table.rows; row++, at += stride) {
        for (let k = 0; k < width; k++) memory[at + k] = data[row * width + k];
      }
    },
  };
}

function vector(addresses: readonly number[], length: number): TensorPlace {
  return {
    table: null,
    read: (memory, part) => memory.slice(addresses[part] / 4, addresses[part] / 4 + length),
    write: (memory, part, data) => memory.set(data, addresses[part] / 4),
  };
}

/** A layer's weights: standard shape [outputs, inputs], in memory [outputs / 8, inputs, 8] and, values only, [inputs / 8, outputs, 8]. */
function panels(layer: LayerPlace): TensorPlace {
  const { inputs, outputs } = layer;
  const panelIndex = (n: number, k: number): number => ((n >>> 3) * inputs + k) * 8 + (n & 7);
  const backIndex = (n: number, k: number): number => ((k >>> 3) * outputs + n) * 8 + (k & 7);
  return {
    table: null,
    read(memory, part) {
      const data = new Float32Array(inputs * outputs);
      const at = layer.weights[part] / 4;
      for (let n = 0; n < outputs; n++) {
        for (let k = 0; k < inputs; k++) data[n * inputs + k] = memory[at + panelIndex(n, k)];
      }
      return data;
    },
    write(memory, part, data) {
      const at = layer.weights[part] / 4;
      for (let n = 0; n < outputs; n++) {
        for (let k = 0; k < inputs; k++) {
          memory[at + panelIndex(n, k)] = data[n * inputs + k];
          if (part === 0) memory[layer.weightsBack / 4 + backIndex(n, k)] = data[n * inputs + k];
        }
      }
    },
  };
}
