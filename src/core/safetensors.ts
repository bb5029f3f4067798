/**
 * The safetensors file format (huggingface/safetensors): 8 bytes little-endian header length, a JSON header that gives
 * each tensor's dtype, shape and byte range, then the raw little-endian data. Python opens these files as they are.
 */
import { NcfError } from "./errors.ts";

/** Row-major. */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Int32Array | BigInt64Array;
}

type ElementType = "F32" | "F64" | "I32" | "I64";

interface TensorArray {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): StoredTensor["data"];
}

const arrayOf: Readonly<Record<ElementType, TensorArray>> = {
  F32: Float32Array,
  F64: Float64Array,
  I32: Int32Array,
  I64: BigInt64Array,
};

export interface SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/**
 * How the header starts: the first metadata entry is a checksum over the whole file, taken with zeros in its own place,
 * so that a torn or altered file is noticed.
 */
const headerStart = '{"__metadata__":{"checksum":"';
const blankChecksum = "0".repeat(16);
const checksumAt = 8 + headerStart.length;

/** The file's bytes. The same content always gives the same bytes. */
export function encodeSafetensors({ metadata, tensors }: SafetensorsFile): Uint8Array {
  const entries: Record<string, HeaderEntry> = {};
  let size = 0;
  for (const [name, { shape, data }] of tensors) {
    entries[name] = {
      dtype: elementType(data),
      shape,
      data_offsets: [size, size + data.byteLength],
    };
    size += data.byteLength;
  }
  const header = { __metadata__: { checksum: blankChecksum, ...metadata }, ...entries };
  const json = new TextEncoder().encode(JSON.stringify(header));
  // The format asks for a header padded with spaces so that the data is aligned.
  const padded = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(8 + padded + size);
  file.fill(0x20, 8, 8 + padded);
  new DataView(file.buffer).setBigUint64(0, BigInt(padded), true);
  file.set(json, 8);
  let offset = 8 + padded;
  for (const { data } of tensors.values()) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  file.set(new TextEncoder().encode(checksum(file)), checksumAt);
  return file;
}

/**
 * Reads a file that `encodeSafetensors` wrote.
 *
 * @param bytes belong to the tensors from then on
 * @param what names the file in errors, such as "checkpoint ncf-out/neumf/checkpoint.safetensors"
 * @param isChecked whether the caller has compared a hash of all bytes already: looking again takes 20 ms for 40 MB
 * @throws NcfError `FILE_DAMAGED` for a torn or altered file, `FILE_FOREIGN` for another kind of file
 */
export function decodeSafetensors(bytes: Uint8Array, what: string, isChecked = false): SafetensorsFile {
  const foreign = (reason: string): NcfError =>
    new NcfError("FILE_FOREIGN", `${what}: expected a safetensors file written by ncf-stream, ${reason}`);
  const damaged = (reason: string): NcfError =>
    new NcfError("FILE_DAMAGED", `${what}: expected a whole file, ${reason}. Remove it and make it anew`);
  if (bytes.length < 8) throw damaged(`found ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  if (headerLength > 100_000_000) throw foreign("found no header length at its start");
  if (8 + headerLength > bytes.length) throw damaged("found its header cut off");
  const { checksum: expectedChecksum, metadata, entries } = parseHeader(bytes.subarray(8, 8 + headerLength), foreign);
  if (!startsAsOurs(bytes)) throw foreign("found no checksum at the start of its metadata");
  // The tensors are views of the bytes, where these lie at an aligned place.
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
  const body = aligned.subarray(8 + headerLength);
  const expected = Math.max(0, ...entries.map(([, entry]) => entry.data_offsets[1]));
  if (body.length !== expected) throw damaged(`found ${body.length} bytes of data instead of ${expected}`);
  if (!isChecked && expectedChecksum !== checksumOfFile(aligned))
    throw damaged("found content that does not match its checksum");
  const tensors = new Map<string, StoredTensor>();
  for (const [name, { dtype, shape, data_offsets: offsets }] of entries) {
    const content = body.subarray(offsets[0], offsets[1]);
    const ArrayType = arrayOf[dtype];
    const width = ArrayType.BYTES_PER_ELEMENT;
    const { buffer, byteOffset } = content.byteOffset % width === 0 ? content : new Uint8Array(content);
    const data = new ArrayType(buffer, byteOffset, content.length / width);
    tensors.set(name, { shape, data });
  }
  return { metadata, tensors };
}

function elementType(data: StoredTensor["data"]): ElementType {
  for (const [type, ArrayType] of Object.entries(arrayOf)) if (data instanceof ArrayType) return type as ElementType;
  throw new TypeError("expected an array of a type that safetensors has");
}

function startsAsOurs(bytes: Uint8Array): boolean {
  return new TextDecoder().decode(bytes.subarray(8, checksumAt)) === headerStart;
}

interface HeaderEntry {
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

function parseHeader(
  bytes: Uint8Array,
  foreign: (reason: string) => NcfError,
): { checksum: string | undefined; metadata: Record<string, string>; entries: [string, HeaderEntry][] } {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw foreign("found no JSON header");
  }
  if (typeof header !== "object" || header === null) throw foreign("found a header that is no object");
  const { __metadata__: metadata = {}, ...entries } = header as Record<string, unknown>;
  for (const [name, entry] of Object.entries(entries)) {
    if (!isHeaderEntry(entry)) throw foreign(`found the tensor "${name}" of an unknown form`);
  }
  const { checksum: found, ...own } = metadata as Record<string, string>;
  return {
    checksum: found,
    metadata: own,
    entries: Object.entries(entries as Record<string, HeaderEntry>),
  };
}

function isHeaderEntry(entry: unknown): entry is HeaderEntry {
  if (typeof entry !== "object" || entry === null) return false;
  const { dtype, shape, data_offsets: offsets } = entry as Record<string, unknown>;
  if (!isElementType(dtype) || !Array.isArray(shape) || !Array.isArray(offsets)) return false;
  const [from, to] = offsets;
  const values = shape.reduce((product: number, n: unknown) => product * Number(n), 1);
  return Number.isSafeInteger(from) && from >= 0 && to - from === values * arrayOf[dtype].BYTES_PER_ELEMENT;
}

function isElementType(dtype: unknown): dtype is ElementType {
  return typeof dtype === "string" && Object.hasOwn(arrayOf, dtype);
}

/** The checksum of a file in which its place may be filled. */
function checksumOfFile(file: Uint8Array): string {
  const end = checksumAt + blankChecksum.length;
  // `slice` of a Buffer would be a view.
  const head = new Uint8Array(file.subarray(0, 4 * Math.ceil(end / 4)));
  head.fill(0x30, checksumAt, end);
  return checksum(head, file.subarray(head.length));
}

/** FNV-1a over 32-bit little-endian words (the tensors' sizes are multiples of 4), two lanes; as 16 hex digits. */
export function checksum(...parts: readonly Uint8Array[]): string {
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  for (const bytes of parts) {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
    // An index, as an iterator takes ten times as long on files of megabytes.
    for (let i = 0; i < words.length; i++) {
      const word = words[i];
      a = Math.imul(a ^ word, 0x01000193);
      b = Math.imul(b ^ word, 0x85ebca6b) ^ (b >>> 15);
    }
  }
  return [a, b].map((lane) => (lane >>> 0).toString(16).padStart(8, "0")).join("");
}
