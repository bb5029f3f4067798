import { beforeAll, describe, expect, it } from "vitest";
import { MemoryObjectStore } from "../../src/adapters/local/memory-object-store.ts";
import { ObjectStoreRegistry } from "../../src/adapters/registry/object-store-registry.ts";
import { networkOf } from "../../src/app/fitted-model.ts";
import { type ModelToPublish, publishModel, readPublished } from "../../src/app/published-model.ts";
import { ChampionWatch, loadWhole } from "../../src/app/serving/champion-watch.ts";
import type { TrainedModel } from "../../src/ncf/model.ts";
import { createScorer } from "../../src/ncf/wasm/scorer.ts";
import { facts } from "../conformance/model-cards.ts";
import { items, twoTastesToPublish } from "./serving/two-tastes.ts";

let model: TrainedModel;
let published: ModelToPublish;
beforeAll(async () => {
  ({ model, published } = await twoTastesToPublish());
});

const scoresOf = (of: TrainedModel, user: number): Float64Array => {
  const scores = new Float64Array(items);
  createScorer(of).score(
    user,
    Int32Array.from(scores, (_, item) => item),
    scores,
  );
  return scores;
};

describe("a published model", () => {
  it("comes back with its users' histories, names, titles and the same scores", async () => {
    const registry = new ObjectStoreRegistry(new MemoryObjectStore());
    const { version } = await publishModel(registry, published);
    const found = await readPublished(registry, version);
    expect(found.sample).toEqual(published.sample);
    expect(found.items).toEqual(published.items);
    expect(found.card.cutOff).toEqual({ eventTimeMs: 24_000 });
    for (const user of [0, 1, 59])
      expect(scoresOf(networkOf(found.model, "scored"), user)).toEqual(scoresOf(model, user));
  });

  it("is refused where the registry's files are another program's", async () => {
    const registry = new ObjectStoreRegistry(new MemoryObjectStore());
    const { version } = await registry.publish({ model: published.model, metrics: {}, catalogue: {}, card: facts });
    await expect(readPublished(registry, version)).rejects.toMatchObject({
      code: "FILE_FOREIGN",
      message: expect.stringContaining("ncf run"),
    });
  });
});

describe("a watch on the champion", () => {
  it("gives each champion once, and one that cannot be read not again before the next move", async () => {
    const store = new MemoryObjectStore();
    const registry = new ObjectStoreRegistry(store);
    const open = () =>
      ChampionWatch.open({ registry, load: (champion) => loadWhole(registry, createScorer, champion) });
    await expect(open()).rejects.toMatchObject({ code: "NO_CHAMPION" });
    const first = await publishModel(registry, published);
    const second = await publishModel(registry, published);
    await registry.promote(first.version);
    const watch = await open();
    expect(watch.model).toMatchObject({
      version: first.version,
      dataset: { name: "ml-latest-small", generated: false },
      published: { revision: 1, judged: facts.judged },
    });
    expect(await watch.check()).toBe(false);
    const key = `models/${second.version}/model.safetensors`;
    const bytes = (await store.get(key)).slice();
    bytes[bytes.length - 1] ^= 1;
    await store.put(key, bytes);
    await registry.promote(second.version);
    await expect(watch.check()).rejects.toMatchObject({ code: "FILE_DAMAGED" });
    expect(await watch.check()).toBe(false);
    expect(watch.model.version).toBe(first.version);
    await registry.promote(first.version);
    expect(await watch.check()).toBe(true);
    expect(watch.model).toMatchObject({ version: first.version, published: { revision: 3 } });
    await store.delete("models/champion.json");
    expect(await watch.check()).toBe(false);
  });
});
