import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { SchemaElement } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, describe, expect, it } from "vitest";
import { readItemVectors } from "../../../src/adapters/parquet/item-vectors-reader.ts";
import { numericId } from "../../../src/core/ids.ts";

const folder = mkdtempSync(path.join(tmpdir(), "ncf-vectors-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;

type Column = { readonly name: string; readonly data: unknown[] };

/** An id column of integers or text, and vectors as Parquet's three-level lists of floats. */
function written(columns: readonly Column[]): string {
  const schema: SchemaElement[] = [{ name: "root", num_children: columns.length }];
  for (const { name, data } of columns) {
    const column = { name, repetition_type: "OPTIONAL" } as const;
    if (Array.isArray(data[0])) {
      schema.push(
        { ...column, num_children: 1, converted_type: "LIST" },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        { name: "element", repetition_type: "OPTIONAL", type: "FLOAT" },
      );
    } else if (typeof data[0] === "string") schema.push({ ...column, type: "BYTE_ARRAY", converted_type: "UTF8" });
    else schema.push({ ...column, type: "INT64" });
  }
  const file = path.join(folder, `${columns.map(({ name }) => name).join("-")}-${++files}.parquet`);
  writeFileSync(file, new Uint8Array(parquetWriteBuffer({ columnData: [...columns], schema })));
  return file;
}

describe("vectors of items", () => {
  it("are read by numeric id, from integers and text", async () => {
    const vectors = [
      [0.5, -1],
      [2, 3],
    ];
    const integers = written([
      { name: "movieId", data: [1n, 70n] },
      { name: "vector", data: vectors },
    ]);
    expect(await readItemVectors(integers)).toEqual({
      length: 2,
      byItem: new Map([
        [1, Float32Array.of(0.5, -1)],
        [70, Float32Array.of(2, 3)],
      ]),
    });
    const texts = written([
      { name: "item_id", data: ["sku-1", "9"] },
      { name: "vector", data: vectors },
    ]);
    expect([...(await readItemVectors(texts)).byItem.keys()]).toEqual([numericId("sku-1"), 9]);
  });

  const ids = { name: "item", data: [1n, 2n] };
  it.each([
    ["other columns", [{ name: "film", data: [1n] }], /found the columns film$/],
    ["no vectors", [ids], /found the columns item$/],
    [
      "another length",
      [ids, { name: "vector", data: [[1, 2], [1]] }],
      /found 1 numbers in row 2, item 2, where the first row has 2/,
    ],
    [
      "a value that is no number",
      [ids, { name: "vector", data: [[1], [Number.NaN]] }],
      /finite numbers in row 2, item 2/,
    ],
    [
      "an item twice",
      [
        { ...ids, data: [5n, 5n] },
        { name: "vector", data: [[1], [2]] },
      ],
      /found item 5 twice, in row 2/,
    ],
  ])("with %s are refused", async (_, columns, message) => {
    await expect(readItemVectors(written(columns))).rejects.toThrow(message);
  });

  it("of a file that is none, or is not there, are refused with the reason", async () => {
    const file = path.join(folder, "text.parquet");
    writeFileSync(file, "movieId,vector\n1,2\n");
    await expect(readItemVectors(file)).rejects.toThrow(/expected Parquet .* reading it failed/);
    await expect(readItemVectors(path.join(folder, "none"))).rejects.toThrow(/ENOENT/);
  });
});
