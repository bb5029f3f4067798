import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { FileObjectStore } from "../../../src/adapters/local/file-object-store.ts";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { testObjectStore } from "../../conformance/object-store.ts";
import { startChild } from "./child-process.ts";

testObjectStore("memory", async () => ({ store: new MemoryObjectStore() }));

testObjectStore("folder", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "ncf-store-"));
  return { store: new FileObjectStore(folder), close: () => rm(folder, { recursive: true }) };
});

describe("a folder in which a writer was killed", () => {
  it("is rid of the half-written file an hour later, not before", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "ncf-store-"));
    const [old, fresh] = ["key.aaaaaaaaaaaa.tmp", "key.bbbbbbbbbbbb.tmp"].map((name) => path.join(folder, name));
    await writeFile(old, "half");
    await writeFile(fresh, "half");
    const longAgo = new Date(Date.now() - 2 * 3_600_000);
    await utimes(old, longAgo, longAgo);
    const store = new FileObjectStore(folder);
    await store.put("key", new Uint8Array(1));
    expect((await readdir(folder)).sort()).toEqual(["key", path.basename(fresh)]);
    expect(await store.list("")).toEqual(["key"]);
    await rm(folder, { recursive: true });
  });
});

describe("a file system whose clock ticks slowly and uses inode numbers again", () => {
  it("still gives other content another etag", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "ncf-store-"));
    const store = new FileObjectStore(folder);
    const file = path.join(folder, "key");
    const tick = new Date(1_700_000_000_000);
    const etagOf = async (content: string) => {
      // Written in place: the same inode.
      await writeFile(file, content);
      await utimes(file, tick, tick);
      return (await store.head("key"))?.etag;
    };
    const one = await etagOf("one");
    expect(await etagOf("two")).not.toBe(one);
    expect(await etagOf("one")).toBe(one);
    await rm(folder, { recursive: true });
  });
});

describe("a folder that cannot be written", () => {
  it("is named in the error, with the way out", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "ncf-store-"));
    const blocked = path.join(folder, "file");
    await writeFile(blocked, "a file stands where the folder should be");
    const put = new FileObjectStore(blocked).put("key", new Uint8Array(1));
    await expect(put).rejects.toMatchObject({ code: "OBJECT_NOT_WRITTEN" });
    await expect(put).rejects.toThrow(/Choose a folder/);
    await rm(folder, { recursive: true });
  });
});

describe("a folder that several processes write to", () => {
  const script = new URL("./children/increment.ts", import.meta.url);

  it("loses no update of a counter", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "ncf-store-"));
    await new FileObjectStore(folder).put("counter", new TextEncoder().encode("0"));
    const children = [1, 2, 3, 4].map(() => startChild(script, [folder, "50"]));
    expect(await Promise.all(children.map(({ ended }) => ended))).toEqual([0, 0, 0, 0]);
    const values = children.flatMap(({ lines }) => lines.map(Number)).sort((a, b) => a - b);
    expect(values).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    expect(await readFile(path.join(folder, "counter"), "utf8")).toBe("200");
    expect(await readdir(folder)).toEqual(["counter"]);
    await rm(folder, { recursive: true });
  });

  it("keeps what killed writers were told, and waits for no lock of theirs", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "ncf-store-"));
    const store = new FileObjectStore(folder);
    await store.put("counter", new TextEncoder().encode("0"));
    const killed: number[] = [];
    for (let round = 0; round < 4; round++) {
      const children = [1, 2].map(() => startChild(script, [folder, "100000"]));
      await Promise.all(children.map(({ linesReach }) => linesReach(5 + round)));
      for (const child of children) child.process.kill("SIGKILL");
      await Promise.all(children.map(({ ended }) => ended));
      killed.push(...children.flatMap(({ lines }) => lines.map(Number)));
    }
    expect(new Set(killed).size).toBe(killed.length);
    const start = performance.now();
    const survivor = startChild(script, [folder, "20"]);
    await survivor.ended;
    expect(performance.now() - start).toBeLessThan(15_000);
    const last = Number(await readFile(path.join(folder, "counter"), "utf8"));
    expect(last).toBe(Number(survivor.lines.at(-1)));
    // A killed writer may have written one value more than it said, not fewer.
    expect(Math.max(...killed)).toBeLessThan(Number(survivor.lines[0]));
    expect(last).toBeGreaterThanOrEqual(killed.length + 20);
    expect(last).toBeLessThanOrEqual(killed.length + 20 + 8);
    await rm(folder, { recursive: true });
  });
});
