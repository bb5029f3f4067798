import type { ColumnChunk, SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { writePageHeader } from "hyparquet-writer/src/datapage.js";

/**
 * Writes flat tables as Parquet, row group by row group, from typed arrays.
 *
 * hyparquet-writer frames the file; the pages (PLAIN, uncompressed, one a column and row group) are laid out here, as its
 * own path makes a BigInt of every 64-bit integer, which takes ten times as long.
 */

/** Rows of a row group. */
export const rowGroupRows = 131_072;

export type ParquetColumn =
  /** INT64, or TIMESTAMP(ms, UTC), from integers below 2^53. */
  | { name: string; type: "integer" | "timestampMs"; values: (start: number, end: number) => ArrayLike<number> }
  /** FLOAT, null for NaN. */
  | { name: string; type: "float"; values: (start: number, end: number) => Float32Array }
  /** STRING, null allowed. */
  | { name: string; type: "text"; values: (start: number, end: number) => readonly (string | null)[] };

interface Page {
  readonly bytes: Uint8Array;
  readonly nulls: number;
  readonly bounds?: { readonly min: bigint; readonly max: bigint };
}

/** The bytes of a Parquet file with these columns. */
export function* parquetFile(columns: readonly ParquetColumn[], rows: number): Generator<Uint8Array> {
  const writer = new ByteWriter();
  const schema: SchemaElement[] = [{ name: "root", num_children: columns.length }, ...columns.map(schemaElement)];
  const file = new ParquetWriter({ writer, schema, codec: "UNCOMPRESSED", createdBy: "ncf-stream" });
  for (let start = 0; start < rows; start += rowGroupRows) {
    const end = Math.min(rows, start + rowGroupRows);
    const groupStart = writer.offset;
    const chunks: ColumnChunk[] = [];
    for (const column of columns) {
      const chunkStart = writer.offset;
      const page = encodePage(column, start, end);
      writePageHeader(writer, {
        type: "DATA_PAGE",
        uncompressed_page_size: page.bytes.length,
        compressed_page_size: page.bytes.length,
        data_page_header: {
          num_values: end - start,
          encoding: "PLAIN",
          definition_level_encoding: "RLE",
          repetition_level_encoding: "RLE",
        },
      });
      yield taken(writer);
      yield page.bytes;
      writer.offset += page.bytes.length;
      chunks.push(columnChunk(column, page, end - start, chunkStart, writer.offset - chunkStart));
    }
    const size = BigInt(writer.offset - groupStart);
    const num_rows = BigInt(end - start);
    file.row_groups.push({ columns: chunks, total_byte_size: size, total_compressed_size: size, num_rows });
    file.num_rows += num_rows;
  }
  void file.finish(); // synchronous with a ByteWriter
  yield taken(writer);
}

/** What the writer holds so far; it goes on with an empty buffer. */
function taken(writer: ByteWriter): Uint8Array {
  const bytes = writer.getBytes().slice();
  writer.index = 0;
  return bytes;
}

function schemaElement({ name, type }: ParquetColumn): SchemaElement {
  switch (type) {
    case "integer":
      return { name, type: "INT64", repetition_type: "REQUIRED" };
    case "timestampMs":
      return {
        name,
        type: "INT64",
        repetition_type: "REQUIRED",
        converted_type: "TIMESTAMP_MILLIS",
        logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MILLIS" },
      };
    case "float":
      return { name, type: "FLOAT", repetition_type: "OPTIONAL" };
    case "text":
      return { name, type: "BYTE_ARRAY", repetition_type: "OPTIONAL", converted_type: "UTF8" };
  }
}

function columnChunk(column: ParquetColumn, page: Page, rows: number, start: number, bytes: number): ColumnChunk {
  const { bounds } = page;
  return {
    file_offset: BigInt(start),
    meta_data: {
      type: schemaElement(column).type ?? "INT64",
      encodings: ["PLAIN", "RLE"],
      path_in_schema: [column.name],
      codec: "UNCOMPRESSED",
      num_values: BigInt(rows),
      total_uncompressed_size: BigInt(bytes),
      total_compressed_size: BigInt(bytes),
      data_page_offset: BigInt(start),
      statistics: {
        null_count: BigInt(page.nulls),
        ...(bounds !== undefined && { min_value: bounds.min, max_value: bounds.max }),
      },
    },
  };
}

function encodePage(column: ParquetColumn, start: number, end: number): Page {
  switch (column.type) {
    case "integer":
    case "timestampMs":
      return encodeIntegers(column.values(start, end));
    case "float":
      return encodeFloats(column.values(start, end));
    case "text":
      return encodeTexts(column.values(start, end));
  }
}

/** Integers as two 32-bit halves, low one first. */
function encodeIntegers(values: ArrayLike<number>): Page {
  const halves = new Int32Array(values.length * 2);
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value < min) min = value;
    if (value > max) max = value;
    if (value >= 0 && value < 4294967296) {
      halves[2 * i] = value; // the other half is 0 already
      continue;
    }
    const high = Math.floor(value / 4294967296);
    halves[2 * i] = value - high * 4294967296;
    halves[2 * i + 1] = high;
  }
  return { bytes: bytesOf(halves), nulls: 0, bounds: { min: BigInt(min), max: BigInt(max) } };
}

function encodeFloats(values: Float32Array): Page {
  const present = new Uint8Array(values.length);
  const given = new Float32Array(values.length);
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) continue;
    present[i] = 1;
    given[count++] = values[i];
  }
  const levels = definitionLevels(present, count);
  return { bytes: concatenated(levels, bytesOf(given.subarray(0, count))), nulls: values.length - count };
}

function encodeTexts(values: readonly (string | null)[]): Page {
  const present = Uint8Array.from(values, (value) => (value === null ? 0 : 1));
  const texts = values.filter((value) => value !== null).map((value) => Buffer.from(value));
  const bytes = new Uint8Array(texts.reduce((sum, text) => sum + 4 + text.length, 0));
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const text of texts) {
    view.setUint32(offset, text.length, true);
    bytes.set(text, offset + 4);
    offset += 4 + text.length;
  }
  const levels = definitionLevels(present, texts.length);
  return { bytes: concatenated(levels, bytes), nulls: values.length - texts.length };
}

/** The RLE / bit-packing hybrid with one bit a value: a single run where all are present, else one bit-packed run. */
function definitionLevels(present: Uint8Array, count: number): Uint8Array {
  const body: number[] = [];
  if (count === present.length) {
    appendVarint(body, count * 2);
    body.push(1);
  } else {
    appendVarint(body, Math.ceil(present.length / 8) * 2 + 1);
    for (let i = 0; i < present.length; i += 8) {
      let byte = 0;
      for (let bit = 0; bit < 8; bit++) byte |= (present[i + bit] ?? 0) << bit;
      body.push(byte);
    }
  }
  const levels = new Uint8Array(4 + body.length);
  new DataView(levels.buffer).setUint32(0, body.length, true);
  levels.set(body, 4);
  return levels;
}

function appendVarint(bytes: number[], value: number): void {
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  bytes.push(rest);
}

function bytesOf(array: Int32Array | Float32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function concatenated(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
