/**
 * The user's own vectors of items, such as a text or image model gives: a Parquet file of any writer with a column of item
 * ids and one of lists of numbers.
 */
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from "hyparquet";
import { NcfError } from "../../core/errors.ts";
import { numericId } from "../../core/ids.ts";
import type { ItemVectors } from "../../core/item-vectors.ts";

const idColumns = ["itemId", "item_id", "movieId", "item", "id"];

/** @throws NcfError `ITEM_VECTORS_INVALID` naming the row, counted from 1 */
export async function readItemVectors(path: string): Promise<ItemVectors> {
  const invalid = (found: string, cause?: unknown): NcfError =>
    new NcfError(
      "ITEM_VECTORS_INVALID",
      `${path}: expected Parquet with a column of item ids (${idColumns.join(", ")}) and one of lists of numbers, ${found}`,
      { cause },
    );
  let rows: Record<string, unknown>[];
  let columns: readonly string[];
  try {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    columns = parquetSchema(metadata).children.map(({ element }) => element.name);
    rows = await parquetReadObjects({ file, metadata });
  } catch (cause) {
    throw invalid(`but reading it failed: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
  if (rows.length === 0) throw invalid("found no rows");
  const idColumn = idColumns.find((name) => columns.includes(name));
  const vectorColumns = columns.filter((name) => Array.isArray(rows[0][name]));
  if (idColumn === undefined || vectorColumns.length !== 1) throw invalid(`found the columns ${columns.join(", ")}`);
  const [vectorColumn] = vectorColumns;
  const byItem = new Map<number, Float32Array>();
  let length = 0;
  for (const [index, { [idColumn]: id, [vectorColumn]: vector }] of rows.entries()) {
    const at = `row ${index + 1}`;
    if (typeof id !== "string" && typeof id !== "number" && typeof id !== "bigint") {
      throw invalid(`found ${String(id)} as ${idColumn} of ${at}`);
    }
    const item = numericId(String(id));
    if (byItem.has(item)) throw invalid(`found item ${id} twice, in ${at}, too`);
    const values = numbersOf(vector);
    if (values === null)
      throw invalid(`found a ${vectorColumn} with something else than finite numbers in ${at}, item ${id}`);
    if (index === 0) length = values.length;
    if (values.length !== length || length === 0) {
      throw invalid(`found ${values.length} numbers in ${at}, item ${id}, where the first row has ${length}`);
    }
    byItem.set(item, values);
  }
  return { length, byItem };
}

/** Null for anything but a list of finite numbers. */
function numbersOf(vector: unknown): Float32Array | null {
  if (!Array.isArray(vector)) return null;
  const values = Float32Array.from(vector, (value) => (typeof value === "number" ? value : Number.NaN));
  return values.every(Number.isFinite) ? values : null;
}
