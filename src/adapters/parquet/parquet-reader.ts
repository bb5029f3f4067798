import type { FileMetaData } from "hyparquet";
import { parquetMetadata, parquetRead } from "hyparquet";
import { numbersOfInt64 } from "../../core/int64.ts";
import type { ObjectStore } from "../../ports/object-store.ts";

/** Reads the tables that `parquetFile` writes, one row group at a time. */

const footerBytes = 1024 * 1024;

/** Values of one column in rows start … start + values.length − 1. */
export type ColumnValues = Float64Array | readonly (string | number | null)[];
export interface RowGroup {
  readonly start: number;
  readonly rows: number;
  readonly columns: ReadonlyMap<string, ColumnValues>;
}

export interface ParquetObject {
  readonly rows: number;
  /** The row groups in order; every byte of the object goes through `onBytes` once, in order. */
  rowGroups(onBytes: (bytes: Uint8Array) => void): AsyncGenerator<RowGroup>;
}

/** Opens a Parquet object of `size` bytes. @throws Error from hyparquet where the footer makes no sense */
export async function openParquet(store: ObjectStore, key: string, size: number): Promise<ParquetObject> {
  let tail = await store.getRange(key, Math.max(0, size - footerBytes), size);
  const footer = tail.length < 8 ? 0 : viewOf(tail).getUint32(tail.length - 8, true) + 8;
  if (footer > tail.length && footer < size) tail = await store.getRange(key, size - footer, size);
  const metadata = withPlainTimestamps(parquetMetadata(arrayBufferOf(tail)));
  return {
    rows: Number(metadata.num_rows),
    rowGroups: (onBytes) => readRowGroups(store, key, size, metadata, onBytes),
  };
}

async function* readRowGroups(
  store: ObjectStore,
  key: string,
  size: number,
  metadata: FileMetaData,
  onBytes: (bytes: Uint8Array) => void,
): AsyncGenerator<RowGroup> {
  let position = 0;
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const start = Number(group.columns[0].meta_data?.data_page_offset);
    const end = start + Number(group.total_compressed_size ?? group.total_byte_size);
    const bytes = await store.getRange(key, position, end);
    onBytes(bytes);
    const content = arrayBufferOf(bytes);
    const base = position;
    const columns = new Map<string, ColumnValues>();
    await parquetRead({
      file: { byteLength: size, slice: (from, to = size) => content.slice(from - base, to - base) },
      metadata,
      rowStart,
      rowEnd: rowStart + Number(group.num_rows),
      onChunk: ({ columnName, columnData }) => columns.set(columnName, columnValues(columnData as ArrayLike<unknown>)),
    });
    yield { start: rowStart, rows: Number(group.num_rows), columns };
    rowStart += Number(group.num_rows);
    position = end;
  }
  onBytes(await store.getRange(key, position, size));
}

function columnValues(data: ArrayLike<unknown>): ColumnValues {
  if (data instanceof BigInt64Array) return numbersOfInt64(data);
  return Array.from(data, (value) => (value ?? null) as string | number | null);
}

/** Leaves times as 64-bit integers, where hyparquet would make a Date of each. */
function withPlainTimestamps(metadata: FileMetaData): FileMetaData {
  const schema = metadata.schema.map((element) => {
    if (element.type !== "INT64") return element;
    const { converted_type: _converted, logical_type: _logical, ...plain } = element;
    return plain;
  });
  return { ...metadata, schema };
}

function arrayBufferOf(bytes: Uint8Array): ArrayBuffer {
  const whole = bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength;
  // `slice` of a Buffer would be a view of the same memory.
  return (whole ? bytes.buffer : new Uint8Array(bytes).buffer) as ArrayBuffer;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
