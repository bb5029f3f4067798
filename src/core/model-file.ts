/**
 * The frame that model files of every kind share: a safetensors file whose metadata name the kind and describe the model as
 * JSON, and which holds the ids of the users and items that the model was fitted to.
 */
import { NcfError } from "./errors.ts";
import { numbersOfInt64 } from "./int64.ts";
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from "./safetensors.ts";

const formatVersion = "1";
const idTensors = { users: "user_ids", items: "item_ids" } as const;

export interface ModelFrame {
  /** Who reads the rest, such as "ncf-model". */
  readonly kind: string;
  /** What JSON holds; nothing that depends on clock, machine or thread count, so that equal models are equal files. */
  readonly description: unknown;
  /** Named otherwise than "user_ids" and "item_ids". */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Shape [users]: numeric ids, ascending. */
  readonly userIds: Float64Array;
  /** Shape [items]: numeric ids, ascending. */
  readonly itemIds: Float64Array;
}

export function encodeModelFrame({ kind, description, tensors, userIds, itemIds }: ModelFrame): Uint8Array {
  const stored = new Map(tensors);
  stored.set(idTensors.users, idTensor(userIds));
  stored.set(idTensors.items, idTensor(itemIds));
  const metadata = { kind, formatVersion, description: JSON.stringify(description) };
  return encodeSafetensors({ metadata, tensors: stored });
}

/**
 * @param bytes belong to the tensors from then on
 * @param what names the file in errors
 * @param isChecked see `decodeSafetensors`
 * @throws NcfError `FILE_DAMAGED`, `FILE_FOREIGN` or `FILE_VERSION`
 */
export function decodeModelFrame(bytes: Uint8Array, what: string, isChecked = false): ModelFrame {
  const { metadata, tensors } = decodeSafetensors(bytes, what, isChecked);
  const { kind, description } = metadata;
  if (kind === undefined || description === undefined) throw foreignModel(what, "a model file", "no model's metadata");
  if (metadata.formatVersion !== formatVersion) {
    throw new NcfError(
      "FILE_VERSION",
      `${what}: this program reads ${kind} version ${formatVersion}, found version ${metadata.formatVersion}. ` +
        "Use the program version that wrote it, or make it anew",
    );
  }
  const rest = new Map(tensors);
  const ids = (name: string): Float64Array => {
    const data = rest.get(name)?.data;
    if (!(data instanceof BigInt64Array)) throw foreignModel(what, `an ${kind} file`, `no tensor ${name}`);
    rest.delete(name);
    return numbersOfInt64(data);
  };
  return {
    kind,
    description: parsed(description, what),
    userIds: ids(idTensors.users),
    itemIds: ids(idTensors.items),
    tensors: rest,
  };
}

/** The error for a file of another kind than the reader's. */
export function foreignModel(what: string, expected: string, found: string): NcfError {
  return new NcfError(
    "FILE_FOREIGN",
    `${what}: expected ${expected}, found ${found}. Make it anew, or name another file`,
  );
}

function parsed(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new NcfError("FILE_FOREIGN", `${what}: expected JSON in its metadata, found "${text}"`, { cause });
  }
}

function idTensor(ids: Float64Array): StoredTensor {
  return { shape: [ids.length], data: BigInt64Array.from(Array.from(ids, BigInt)) };
}
