import { describe, expect, it } from "vitest";
import { hash53 } from "../../../src/core/ids.ts";
import { IdTable } from "../../../src/core/ratings/id-table.ts";

describe("IdTable", () => {
  it("numbers ids by first appearance, small, large and text", () => {
    const table = new IdTable();
    const ids = [7, 2 ** 53 - 1, 0, 5_000_000];
    expect(ids.map((id) => table.indexOf(id))).toEqual([0, 1, 2, 3]);
    expect(table.indexOfText("alice")).toBe(4);
    expect(table.indexOfText("7")).toBe(0);
    expect(table.indexOfText("007")).toBe(5);
    expect(ids.map((id) => table.indexOf(id))).toEqual([0, 1, 2, 3]);
    expect(table.indexOfText("alice")).toBe(4);
    expect(table.length).toBe(6);
    expect([...table.ids().subarray(0, 4)]).toEqual(ids);
    expect([...table.labels.values()]).toEqual(["alice", "007"]);
  });

  it("counts an integer and a text of the same number as one collision, in either order", () => {
    const alice = hash53(new TextEncoder().encode("alice"));
    const textFirst = new IdTable();
    textFirst.indexOfText("alice");
    textFirst.indexOf(alice);
    textFirst.indexOf(alice);
    expect([...textFirst.collisions]).toEqual([String(alice)]);
    const integerFirst = new IdTable();
    integerFirst.indexOf(alice);
    integerFirst.indexOfText("alice");
    integerFirst.indexOfText("alice");
    expect([...integerFirst.collisions]).toEqual(["alice"]);
    expect(integerFirst.length).toBe(1);
  });

  it("stays right while it grows", () => {
    const table = new IdTable();
    const ids = Array.from({ length: 20_000 }, (_, i) => (i * 7919) % 1_000_003);
    for (const id of ids) table.indexOf(id);
    expect(ids.map((id) => table.indexOf(id))).toEqual(ids.map((_, i) => i));
  });
});
