import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { ObjectStoreRegistry } from "../../../src/adapters/registry/object-store-registry.ts";
import { type ModelToPublish, publishModel } from "../../../src/app/published-model.ts";
import { loadWhole } from "../../../src/app/serving/champion-watch.ts";
import { RecommendationService } from "../../../src/app/serving/recommendation-service.ts";
import { RecordedInteractions } from "../../../src/app/serving/recorded-interactions.ts";
import { StoredService, type StoredServiceDeps } from "../../../src/app/serving/stored-service.ts";
import { loadStored } from "../../../src/app/serving/stored-version.ts";
import { StreamInteractions } from "../../../src/app/serving/stream-interactions.ts";
import { onlyGroup } from "../../../src/app/stream/group-descriptor.ts";
import { NcfError } from "../../../src/core/errors.ts";
import { numericId } from "../../../src/core/ids.ts";
import { partitionOfKey } from "../../../src/core/murmur2.ts";
import { createScorer } from "../../../src/ncf/wasm/scorer.ts";
import { encodeSnapshot } from "../../../src/streaming/history-snapshot.ts";
import { UserHistories } from "../../../src/streaming/user-histories.ts";
import { textItem, textUser, twoTastesToPublish } from "./two-tastes.ts";

let published: ModelToPublish;
beforeAll(async () => {
  ({ published } = await twoTastesToPublish());
});

let store: MemoryObjectStore;
let registry: ObjectStoreRegistry;
let nowMs: number;
let seen: string[];
let troubles: unknown[];
beforeEach(() => {
  store = new MemoryObjectStore();
  registry = new ObjectStoreRegistry(store);
  nowMs = 0;
  seen = [];
  troubles = [];
});

async function promoted(): Promise<string> {
  const { version } = await publishModel(registry, published);
  await registry.promote(version);
  return version;
}

const open = (
  since: StoredServiceDeps["since"] = null,
  load: StoredServiceDeps["load"] = (champion) => loadStored({ registry, store, createScorer }, champion),
): Promise<StoredService> =>
  StoredService.open({
    registry,
    load,
    since,
    monotonicMs: () => nowMs,
    watchMs: 30_000,
    onVersion: (version) => seen.push(version),
    onError: (error) => troubles.push(error),
  });

/** With everything in memory. */
async function whole(): Promise<RecommendationService> {
  const champion = await registry.champion();
  if (champion === null) throw new Error("expected a champion");
  return new RecommendationService(await loadWhole(registry, createScorer, champion), new RecordedInteractions());
}

describe("a service whose histories lie in the object store", () => {
  it("answers as one that has them all in memory", async () => {
    await promoted();
    const service = await open();
    const inMemory = await whole();
    for (const userId of ["1", "2", textUser, "nobody"]) {
      const stored = await service.serviceFor(userId);
      expect(stored.recommend({ userId, k: 20 })).toEqual(inMemory.recommend({ userId, k: 20 }));
      expect(stored.scores(userId, ["3", textItem, "none"])).toEqual(inMemory.scores(userId, ["3", textItem, "none"]));
      expect(stored.history(userId, 100)).toEqual(inMemory.history(userId, 100));
    }
    const anybody = await service.serviceFor();
    expect(anybody.facts).toEqual(inMemory.facts);
    expect(anybody.users("", 100)).toEqual(inMemory.users("", 100));
    expect(anybody.searchItems("red", 5)).toEqual(inMemory.searchItems("red", 5));
  });

  it("reads a version that does not say how often items were touched whole", async () => {
    await promoted();
    const counting = await loadStored({ registry, store, createScorer }, (await registry.champion()) as never);
    const loaded = await registry.load(counting.version);
    const { counts: _, ...catalogue } = loaded.catalogue as { counts: unknown };
    const { version } = await registry.publish({
      ...loaded,
      catalogue,
      snapshot0: await registry.snapshot0(counting.version),
    });
    await registry.promote(version);
    const service = await (await open()).serviceFor("1");
    expect(service.recommend({ userId: "1", k: 5 }).items).toEqual(
      (await whole()).recommend({ userId: "1", k: 5 }).items,
    );
  });

  it("takes up the next champion without holding a request up, and keeps the former where it cannot be read", async () => {
    const first = await promoted();
    const service = await open();
    const second = await promoted();
    expect((await service.serviceFor()).facts.version).toBe(first);
    nowMs = 30_000;
    expect((await service.serviceFor()).facts.version).toBe(first);
    await expect.poll(async () => (await service.serviceFor()).facts.version).toBe(second);
    await store.put("models/champion.json", new TextEncoder().encode("{}"));
    nowMs = 60_000;
    await service.serviceFor();
    await expect.poll(() => troubles).toMatchObject([{ code: "FILE_FOREIGN" }]);
    expect((await service.serviceFor()).facts.version).toBe(second);
    expect(seen).toEqual([first, second]);
  });

  it.each([
    [true, 2],
    [false, 1],
  ])("tries a champion that could not be read again where that can help: %s", async (retriable, tries) => {
    const first = await promoted();
    const refusal = new NcfError("STORE_AWAY", "no answer", { retriable });
    let loads = 0;
    const service = await open(null, async (champion) => {
      if (champion.version !== first && loads++ === 0) throw refusal;
      return loadStored({ registry, store, createScorer }, champion);
    });
    const second = await promoted();
    for (nowMs = 30_000; nowMs <= 90_000; nowMs += 30_000) {
      await service.serviceFor();
      await expect.poll(() => troubles).toEqual([refusal]);
    }
    await expect.poll(async () => (await service.serviceFor()).facts.version).toBe(retriable ? second : first);
    expect(loads).toBe(tries);
  });

  it("refuses to start without a champion", async () => {
    await expect(open()).rejects.toMatchObject({ code: "NO_CHAMPION" });
  });
});

describe("what users did over a stream", () => {
  const partitionCount = 3;
  const snapshot = async (userId: string, offset: number, items: readonly string[]): Promise<string> => {
    const histories = new UserHistories();
    for (const [i, item] of items.entries()) histories.append(numericId(userId), numericId(item), 1e6 + i, true);
    const partition = partitionOfKey(userId, partitionCount);
    const place = { partitionCount, partition, offset, streamTimeMs: 1, ended: false, base: "" };
    await store.put("streams/live.json", new Uint8Array());
    const key = `snapshots/live/${partition}/${String(offset).padStart(16, "0")}`;
    await store.put(key, encodeSnapshot(place, histories));
    return key;
  };
  const since = () =>
    new StreamInteractions({ store, group: () => onlyGroup(store), monotonicMs: () => nowMs, refreshMs: 10_000 });

  it("counts from the newest snapshot of the user's partition on, beside what was trained on", async () => {
    await promoted();
    const before = (await (await open()).serviceFor("1")).history("1", 100);
    const trained = before.items.map(({ itemId }) => itemId);
    const fresh = ["2", "4"];
    await snapshot("1", 5, [...trained, "6"]);
    await snapshot("1", 12, [...trained, ...fresh]);
    const service = await open(since());
    const mine = await service.serviceFor("1");
    const { total, items } = mine.history("1", 100);
    expect(total).toBe(before.total + 2);
    expect(items.filter(({ recorded }) => recorded).map(({ itemId }) => itemId)).toEqual(["4", "2"]);
    const { basis, items: best } = mine.recommend({ userId: "1", k: 60 });
    expect(basis).toBe("foldIn");
    expect(best.map(({ itemId }) => itemId)).not.toContain("2");
    expect((await service.serviceFor("2")).recommend({ userId: "2", k: 1 }).basis).toBe("model");
    expect((await service.serviceFor("new")).recommend({ userId: "new", k: 1 }).basis).toBe("popularity");
  });

  it("is not looked for where two groups have it", async () => {
    await store.put("streams/a.json", new Uint8Array());
    await store.put("streams/b.json", new Uint8Array());
    await expect(since().refresh()).rejects.toMatchObject({ code: "GROUP_AMBIGUOUS" });
  });

  it("looks for a newer snapshot in time, and at once where the known one is gone", async () => {
    await promoted();
    const service = await open(since());
    const total = async () => (await service.serviceFor("new")).history("new", 9).total;
    expect(await total()).toBe(0);
    const first = await snapshot("new", 5, ["1"]);
    expect(await total()).toBe(0);
    nowMs = 10_000;
    expect(await total()).toBe(1);
    await snapshot("new", 7, ["1", "3", textItem]);
    expect(await total()).toBe(1);
    await store.delete(first);
    expect(await total()).toBe(3);
    expect((await service.serviceFor("new")).history("new", 1).items).toMatchObject([{ itemId: textItem }]);
  });
});
