import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { ObjectStoreRegistry } from "../../../src/adapters/registry/object-store-registry.ts";
import { publishModel } from "../../../src/app/published-model.ts";
import { StreamVersions } from "../../../src/app/stream/stream-versions.ts";
import { createScorer } from "../../../src/ncf/wasm/scorer.ts";
import type { CutOff } from "../../../src/ports/model-registry.ts";
import type { StreamModel } from "../../../src/streaming/stream-model.ts";
import { twoTastesToPublish } from "../serving/two-tastes.ts";

const topic = "interactions";

async function world(cutOff?: CutOff) {
  const registry = new ObjectStoreRegistry(new MemoryObjectStore());
  const { published } = await twoTastesToPublish();
  const { version } = await publishModel(registry, {
    ...published,
    card: { ...published.card, ...(cutOff !== undefined && { cutOff }) },
  });
  let scorers = 0;
  const counted = (...of: Parameters<typeof createScorer>) => {
    scorers += 1;
    return createScorer(...of);
  };
  return { version, versions: new StreamVersions({ registry, topic, createScorer: counted }), scorers: () => scorers };
}

it("a version is loaded once for all that use it, and anew after it could not be", async () => {
  const { version, versions, scorers } = await world();
  await expect(versions.load("000009-00000000")).rejects.toMatchObject({ code: "VERSION_UNKNOWN" });
  await expect(versions.load("000009-00000000")).rejects.toMatchObject({ code: "VERSION_UNKNOWN" });
  const [one, other] = await Promise.all([versions.load(version), versions.load(version)]);
  expect(other).toBe(one);
  expect(await versions.load(version)).toBe(one);
  expect(scorers()).toBe(1);
});

it.each([
  [undefined, [[0, 5]]],
  [topic, [[0, 5]]],
  ["another topic", []],
])("a version goes by the offsets of its own input: %s", async (of, expected) => {
  const { version, versions } = await world({ offsets: { "0": 5 }, topic: of });
  expect([...((await versions.load(version)).cutOffOffsets ?? [])]).toEqual(expected);
});

it("a version that nothing uses any more leaves the memory", async () => {
  const { version, versions, scorers } = await world();
  const used: StreamModel[] = [await versions.load(version)];
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const later = async (): Promise<void> => {
    // What was looked up lives until its turn ends.
    await setImmediate();
    collectGarbage();
    await versions.load(version);
  };
  await later();
  expect(scorers()).toBe(1);
  expect(used.pop()?.version).toBe(version);
  await later();
  expect(scorers()).toBe(2);
});
