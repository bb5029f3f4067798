/** The model's tensors and their gradients by name. */
import type { Tensor } from "../parameters.ts";

export type Tensors = ReadonlyMap<string, Tensor>;
/** Gradients by tensor name, each of its tensor's size. */
export type Gradients = ReadonlyMap<string, Float64Array>;

export function tensorData(tensors: Tensors, name: string): Float32Array {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new Error(`the parameter table has no tensor ${name}`);
  return tensor.data;
}

export function gradient(gradients: Gradients, name: string): Float64Array {
  const found = gradients.get(name);
  if (found === undefined) throw new Error(`the parameter table has no tensor ${name}`);
  return found;
}
