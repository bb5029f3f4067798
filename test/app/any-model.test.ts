import { beforeAll, describe, expect, it } from "vitest";
import { MemoryInteractionLog } from "../../src/adapters/local/memory-interaction-log.ts";
import { MemoryObjectStore } from "../../src/adapters/local/memory-object-store.ts";
import { ObjectStoreRegistry } from "../../src/adapters/registry/object-store-registry.ts";
import { planNamed } from "../../src/app/fit-model.ts";
import { modelToPublish, trainAndPublish } from "../../src/app/publish.ts";
import { readPublished } from "../../src/app/published-model.ts";
import {
  type ReplayDatasetDeps,
  type ReplayDatasetRequest,
  replayDataset,
  replayModel,
} from "../../src/app/replay-dataset.ts";
import { loadWhole } from "../../src/app/serving/champion-watch.ts";
import { RecommendationService } from "../../src/app/serving/recommendation-service.ts";
import { RecordedInteractions } from "../../src/app/serving/recorded-interactions.ts";
import type { ServedModel } from "../../src/app/serving/served-model.ts";
import { loadStored } from "../../src/app/serving/stored-version.ts";
import { StreamVersions } from "../../src/app/stream/stream-versions.ts";
import { baselineNames } from "../../src/baselines/kinds.ts";
import { createScorer } from "../../src/ncf/wasm/scorer.ts";
import { noProgress } from "../../src/ports/progress.ts";
import type { SampleFiles } from "../../src/ports/sample-store.ts";
import { TimeWindows } from "../../src/streaming/time-windows.ts";
import { fitDeps, generated, sampleFiles } from "./fit-deps.ts";

let files: SampleFiles;
beforeAll(() => {
  files = sampleFiles();
});

async function published(name: string) {
  const store = new MemoryObjectStore();
  const registry = new ObjectStoreRegistry(store);
  const { card, champion } = await trainAndPublish(
    { ...fitDeps(), registry },
    { plan: planNamed(name, { epochs: 1 }), files, report: { models: [] }, seed: 1, threads: 1 },
  );
  return { store, registry, card, champion };
}

const serviceOf = (model: ServedModel) => new RecommendationService(model, new RecordedInteractions());

describe.each([...baselineNames])("%s", (name) => {
  it("is published with its settings, and served with or without histories in memory", async () => {
    const { store, registry, card, champion } = await published(name);
    const plan = planNamed(name);
    expect(card).toMatchObject({ name, settings: "kind" in plan ? plan.settings : null });
    const whole = await loadWhole(registry, createScorer, champion);
    const stored = await loadStored({ registry, store, createScorer }, champion);
    expect(whole.version).toBe(card.version);
    const userId = String(files.sample.userIds[3]);
    await stored.histories.load(3);
    const [one, other] = [serviceOf(whole), serviceOf(stored)];
    expect(one.facts.name).toBe(name);
    const { basis, items } = one.recommend({ userId, k: 20 });
    expect({ basis, count: items.length }).toEqual({ basis: "model", count: 20 });
    expect(other.recommend({ userId, k: 20 }).items).toEqual(items);
    const seen = one.history(userId, 1000).items.map(({ itemId }) => itemId);
    expect(items.filter(({ itemId }) => seen.includes(itemId))).toEqual([]);
  });

  it("counts each interaction at once, as the history is what it scores from", async () => {
    const { registry, champion } = await published(name);
    const { model, sample } = await readPublished(registry, champion.version);
    if (!("scoreHistory" in model)) throw new Error("expected a baseline");
    const service = serviceOf(await loadWhole(registry, createScorer, champion));
    const history: number[] = [];
    for (const [i, item] of [5, 80, 31, 120, 7].entries()) {
      const itemId = String(sample.itemIds[item]);
      service.record([{ userId: "new", itemId, timestampMs: i }]);
      history.push(item);
      const candidates = Int32Array.of(1, 2, 50, 99);
      const scores = new Float64Array(4);
      model.scoreHistory(Int32Array.from(history), candidates, scores);
      const found = service.scores(
        "new",
        Array.from(candidates, (candidate) => String(sample.itemIds[candidate])),
      );
      expect(found.basis).toBe("foldIn");
      expect(found.scores.map(({ score }) => score)).toEqual([...scores]);
    }
  });

  it("is streamed: a user's history at the time decides", async () => {
    const { registry, card } = await published(name);
    const { model, sample } = await readPublished(registry, card.version);
    if (!("scoreHistory" in model)) throw new Error("expected a baseline");
    const stream = await new StreamVersions({ registry, topic: "interactions", createScorer }).load(card.version);
    const candidates = Int32Array.of(4, 9, 60, 150);
    const trained = sample.train.items.subarray(0, sample.train.offsets[1]);
    for (const [userId, history] of [
      [sample.userIds[0], trained],
      [sample.userIds[0], Int32Array.of(...trained, 3)],
      [123_456, Int32Array.of(8, 3)],
      [123_456, new Int32Array(0)],
    ] as const) {
      const [found, expected] = [new Float64Array(4), new Float64Array(4)];
      stream.score(userId, history, candidates, found);
      model.scoreHistory(history, candidates, expected);
      expect(found).toEqual(expected);
    }
  });
});

describe("a replay", () => {
  const deps = (): ReplayDatasetDeps => ({
    ...fitDeps(),
    createScorer,
    progress: noProgress,
    interactions: new MemoryInteractionLog(),
    samples: { write: async () => {}, read: () => Promise.reject(new Error("expected no reading")) },
  });
  const request = (changes: Partial<ReplayDatasetRequest> = {}): ReplayDatasetRequest => ({
    dataset: { name: "small", generated: true, ratingsSha256: "ab", ...generated },
    plan: planNamed("item-knn"),
    share: 0.8,
    catalogue: "sample",
    windows: TimeWindows.ofSizeAndGrace(30 * 86_400_000, 0),
    partitions: 1,
    seed: 1,
    threads: 1,
    ...changes,
  });

  it("fits a baseline to what came before, with all listed items where they can be tested", async () => {
    const [known, listed] = [
      await replayDataset(deps(), request()),
      await replayDataset(deps(), request({ catalogue: "listed" })),
    ];
    expect(known.model).toMatch(/^item-knn-[0-9a-f]{12}$/);
    const unknown = (of: typeof known) => of.windows.reduce((sum, { unknownItems }) => sum + unknownItems, 0);
    expect(unknown(listed)).toBe(0);
    expect(unknown(known)).toBeGreaterThan(0);
    expect(listed.windows.at(-1)?.total.cases).toBeGreaterThan(known.windows.at(-1)?.total.cases ?? 0);
  });

  it("refuses a baseline that lacks items which it is to be tested on", async () => {
    const { dataset, ...rest } = request({ catalogue: "listed" });
    const more = { ...dataset, items: [...dataset.items, { id: 999_999, title: "New", genres: [] }] };
    const { registry, card } = await published("popularity");
    const { model } = await readPublished(registry, card.version);
    await expect(
      replayModel(deps(), { ...rest, dataset: more, model, version: "v", sample: files, allowLeak: true }),
    ).rejects.toMatchObject({ code: "MODEL_KIND" });
  });
});

it("the best preset is published, and a baseline where no preset was judged", () => {
  const judged = (hr: Record<string, number>) => ({
    models: Object.entries(hr).map(([name, hrAt10]) => ({ name, hrAt10 }) as never),
  });
  expect(modelToPublish(judged({ ease: 0.8, mf: 0.5, neumf: 0.6 }))).toBe("neumf");
  expect(modelToPublish(judged({ popularity: 0.4, ease: 0.8 }))).toBe("ease");
});
