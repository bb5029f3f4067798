import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { FileObjectStore } from "../../../src/adapters/local/file-object-store.ts";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { ObjectStoreRegistry } from "../../../src/adapters/registry/object-store-registry.ts";
import type { Champion } from "../../../src/ports/model-registry.ts";
import type { ObjectStore } from "../../../src/ports/object-store.ts";
import { testModelRegistry } from "../../conformance/model-registry.ts";
import { startChild } from "../local/child-process.ts";

const nowMs = 1_700_000_000_123;

function registriesOn(store: ObjectStore, rivalStore: ObjectStore) {
  const options = { nowMs: () => nowMs };
  const [registry, rival] = [store, rivalStore].map((own) => new ObjectStoreRegistry(own, options));
  return { registry, rival, store, nowMs };
}

testModelRegistry(
  "memory",
  async () => {
    const store = new MemoryObjectStore();
    return registriesOn(store, store);
  },
  { moves: 1000 },
);

testModelRegistry(
  "folder",
  async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "ncf-models-"));
    const registries = registriesOn(new FileObjectStore(folder), new FileObjectStore(folder));
    return { ...registries, close: () => rm(folder, { recursive: true }) };
  },
  { moves: 1000 },
);

describe("publishers in processes of their own", () => {
  it("lose no version and no move, even when some are killed", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "ncf-models-"));
    const script = new URL("./children/publish-models.ts", import.meta.url);
    const children = ["a", "b"].map((name) => startChild(script, [folder, name, "30"]));
    const killed = startChild(script, [folder, "c", "1000"]);
    await killed.linesReach(10);
    killed.process.kill("SIGKILL");
    await Promise.all([...children, killed].map(({ ended }) => ended));
    const moves = [...children, killed].flatMap(({ lines }) => lines.map((line): Champion => JSON.parse(line)));
    expect(new Set(moves.map(({ revision }) => revision)).size).toBe(moves.length);
    const registry = new ObjectStoreRegistry(new FileObjectStore(folder));
    const champion = await registry.champion();
    // The killed one may have made one move, and one version more, than it said.
    expect(champion?.revision).toBeGreaterThanOrEqual(moves.length);
    expect(champion?.revision).toBeLessThanOrEqual(moves.length + 1);
    const versions = await registry.list();
    expect(versions).toEqual(expect.arrayContaining(moves.map(({ version }) => version)));
    expect(versions.length).toBeLessThanOrEqual(moves.length + 1);
    expect((await registry.load(champion?.version ?? "")).card.version).toBe(champion?.version);
    await rm(folder, { recursive: true });
  });
});
