import type { ItemDetails } from "../../core/ratings.ts";
import type { ColumnValues, RowGroup } from "./parquet-reader.ts";
import type { Table } from "./table-folder.ts";

/** The tables of users and items, alike in samples and data sets. A label is the text of an id that is no integer. */

const separator = "|";

/** users.parquet: `userId`, `label`. */
export function usersTable(ids: Float64Array, labels: ReadonlyMap<number, string>): Table {
  return {
    name: "users.parquet",
    rows: ids.length,
    columns: [
      { name: "userId", type: "integer", values: (start, end) => ids.subarray(start, end) },
      { name: "label", type: "text", values: texts(ids, (id) => labels.get(id)) },
    ],
  };
}

/**
 * items.parquet: `itemId`, `label`, and for items of the list `title` and `genres` (joined by `|`); likewise `tags`, where any
 * item has some.
 */
export function itemsTable(
  ids: Float64Array,
  labels: ReadonlyMap<number, string>,
  details: readonly ItemDetails[],
): Table {
  const byId = new Map(details.map((item) => [item.id, item]));
  return {
    name: "items.parquet",
    rows: ids.length,
    columns: [
      { name: "itemId", type: "integer", values: (start, end) => ids.subarray(start, end) },
      { name: "label", type: "text", values: texts(ids, (id) => labels.get(id)) },
      { name: "title", type: "text", values: texts(ids, (id) => byId.get(id)?.title) },
      { name: "genres", type: "text", values: texts(ids, (id) => byId.get(id)?.genres.join(separator)) },
      ...(details.some(({ tags }) => tags !== undefined)
        ? [{ name: "tags", type: "text" as const, values: texts(ids, (id) => byId.get(id)?.tags?.join(separator)) }]
        : []),
    ],
  };
}

function texts(ids: Float64Array, textOf: (id: number) => string | undefined) {
  return (start: number, end: number) => Array.from(ids.subarray(start, end), (id) => textOf(id) ?? null);
}

export interface IdRows {
  readonly ids: Float64Array;
  readonly labels: ReadonlyMap<number, string>;
  /** Of the items that have a title. */
  readonly details: ItemDetails[];
}

/** Reads what `usersTable` and `itemsTable` wrote. */
export async function readIds(groups: AsyncIterable<RowGroup>, idColumn: string): Promise<IdRows> {
  const ids: number[] = [];
  const labels = new Map<number, string>();
  const details: ItemDetails[] = [];
  for await (const { rows, columns } of groups) {
    const id = integers(columns, idColumn);
    const label = columns.get("label");
    const title = columns.get("title");
    const genres = columns.get("genres");
    const tags = columns.get("tags");
    for (let row = 0; row < rows; row++) {
      ids.push(id[row]);
      const text = label?.[row];
      if (typeof text === "string") labels.set(id[row], text);
      const name = title?.[row];
      if (typeof name !== "string") continue;
      const joined = String(genres?.[row] ?? "");
      const tagged = tags?.[row];
      details.push({
        id: id[row],
        title: name,
        genres: joined === "" ? [] : joined.split(separator),
        ...(typeof tagged === "string" && { tags: tagged.split(separator) }),
      });
    }
  }
  return { ids: Float64Array.from(ids), labels, details };
}

/** A column of integers or times. @throws Error where it is missing or of another type */
export function integers(columns: ReadonlyMap<string, ColumnValues>, name: string): Float64Array {
  const values = columns.get(name);
  if (values instanceof Float64Array) return values;
  throw new Error(`no 64-bit column ${name}`);
}
