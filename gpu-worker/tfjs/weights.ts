/** Copies tensors of the parameter table into a network of layers and back. */
import { NcfError } from "../../src/core/errors.ts";
import type { ParameterSpec, TensorMap } from "../../src/ncf/parameters.ts";
import type { LayerVariable, TensorFlow, TfTensor, TfVariable } from "./tensorflow.ts";

export interface NetworkWeight {
  readonly variable: LayerVariable;
  /** Dense layers hold their kernel as [inputs, outputs], the parameter table as [outputs, inputs]. */
  readonly transposed: boolean;
}

/** The values of one tensor under the shape of the parameter table. */
export function readValues(variable: TfTensor, { shape }: ParameterSpec, transposed: boolean): Float32Array {
  // A copy: on the CPU, TensorFlow may give a view of its own memory.
  const values = Float32Array.from(variable.dataSync());
  return transposed ? transpose(values, shape[1], shape[0]) : values;
}

/**
 * Overwrites a variable by the tensor of that name.
 *
 * @param name in `tensors`, where it is not the specification's own
 * @throws NcfError `STATE_INVALID` if it is missing or has another size
 */
export function writeValues(
  tf: TensorFlow,
  target: { readonly variable: TfVariable; readonly transposed: boolean },
  tensors: TensorMap,
  { shape, name: ownName }: ParameterSpec,
  name = ownName,
): void {
  const source = tensors.get(name);
  const size = shape.reduce((product, n) => product * n, 1);
  if (source === undefined || source.data.length !== size) {
    const found = source === undefined ? "none" : `shape [${source.shape.join(", ")}]`;
    throw new NcfError(
      "STATE_INVALID",
      `expected a tensor ${name} of shape [${shape.join(", ")}], found ${found}: the state belongs to another configuration`,
    );
  }
  const values = target.transposed ? transpose(source.data, shape[0], shape[1]) : source.data;
  const tensor = tf.tensor(values, target.variable.shape, "float32");
  target.variable.assign(tensor);
  tensor.dispose();
}

/** The network's weight of that name. */
export function weightOf(weights: ReadonlyMap<string, NetworkWeight>, name: string): NetworkWeight {
  const weight = weights.get(name);
  if (weight === undefined) throw new NcfError("TENSOR_UNKNOWN", `no layer of the network has the tensor ${name}`);
  return weight;
}

/** Row-major [rows, columns] to row-major [columns, rows]. */
function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = values[r * columns + c];
  return out;
}
