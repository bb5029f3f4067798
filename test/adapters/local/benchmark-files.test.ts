import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { textLines } from "../../../src/adapters/local/benchmark-files.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ncf-lines-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function linesOf(content: string): Promise<string[]> {
  const file = path.join(folder, "lines.txt");
  await writeFile(file, content);
  const lines: string[] = [];
  for await (const line of textLines(file)) lines.push(line);
  return lines;
}

describe("lines of a file", () => {
  it("come whole across reads, with or without an end of the last one", async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `${i}\tü${"x".repeat(i % 90)}`);
    expect(await linesOf(lines.join("\n"))).toEqual(lines);
    expect(await linesOf(`${lines.join("\n")}\n`)).toEqual(lines);
    expect(await linesOf("")).toEqual([]);
  });

  it("are refused where they cannot be lines of text", async () => {
    await expect(linesOf("x".repeat(3 << 20))).rejects.toThrow(/a line of more than 1048576 characters/);
    const read = async (file: string): Promise<void> => {
      for await (const line of textLines(file)) expect(line).toBe("none");
    };
    await expect(read(folder)).rejects.toMatchObject({ code: "FILE_NOT_READ" });
    await expect(read(path.join(folder, "missing"))).rejects.toMatchObject({ code: "FILE_NOT_READ" });
  });
});
