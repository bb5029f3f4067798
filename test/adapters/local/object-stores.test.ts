import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { FileObjectStore } from "../../../src/adapters/local/file-object-store.ts";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { testObjectStore } from "../../conformance/object-store.ts";

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
