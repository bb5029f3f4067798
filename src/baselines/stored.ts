import { NcfError } from "../core/errors.ts";
import type { StoredTensor } from "../core/safetensors.ts";

/**
 * The data of a tensor of a model file.
 *
 * @throws NcfError `FILE_FOREIGN` where it is missing or of another type
 */
export function storedTensor<Data extends StoredTensor["data"]>(
  tensors: ReadonlyMap<string, StoredTensor>,
  name: string,
  type: abstract new (...args: never[]) => Data,
): Data {
  const data = tensors.get(name)?.data;
  if (data instanceof type) return data;
  throw new NcfError(
    "FILE_FOREIGN",
    `model file: expected a tensor "${name}" as ${type.name}, found ${data?.constructor.name ?? "none"}. ` +
      "It was written by another version or for another model: fit the model anew",
  );
}
