import { describe, expect, it } from "vitest";
import { MemoryObjectStore } from "../../../src/adapters/local/memory-object-store.ts";
import { baselineTunable } from "../../../src/app/tuning/baseline-tunable.ts";
import { baselineSpace } from "../../../src/app/tuning/default-spaces.ts";
import { parseModelSettings } from "../../../src/app/tuning/model-settings.ts";
import { ncfTunable } from "../../../src/app/tuning/ncf-tunable.ts";
import { parseSearchSpace, type SearchSpace } from "../../../src/app/tuning/search-space.ts";
import { bestOf } from "../../../src/app/tuning/trial.ts";
import { rungsOf, type TuneResult, tune } from "../../../src/app/tuning/tune.ts";
import { ValidationSplit } from "../../../src/app/tuning/validation-score.ts";
import { itemKnn } from "../../../src/baselines/item-knn.ts";
import { leaveOneOut } from "../../../src/core/leave-one-out.ts";
import type { Sample } from "../../../src/core/sample.ts";
import { SyntheticDataset } from "../../../src/core/synthetic/dataset.ts";
import { syntheticRatingTable } from "../../../src/core/synthetic/table.ts";
import { type NcfConfig, presets } from "../../../src/ncf/config.ts";
import { wasmBackend } from "../../../src/ncf/wasm/backend.ts";
import { createScorer } from "../../../src/ncf/wasm/scorer.ts";
import { noProgress } from "../../../src/ports/progress.ts";

const table = syntheticRatingTable(
  new SyntheticDataset({ shape: "small", seed: 2, users: 60, movies: 200, ratings: 2400 }),
);
const { sample } = leaveOneOut(table, new Uint8Array(table.userIds.length).fill(1), {
  tieRule: "firstInFile",
  seed: 1,
  listedItemIds: null,
});
const small: NcfConfig = { ...presets.mf, gmf: { embeddingSize: 8, embeddingStd: 0.01 }, batchSize: 256 };
const space: SearchSpace = {
  learningRate: { from: 1e-4, to: 0.02, scale: "log" },
  negatives: [2, 4],
};

interface SearchOptions {
  readonly store?: MemoryObjectStore;
  readonly searched?: Sample;
  readonly space?: SearchSpace;
  readonly config?: NcfConfig;
  readonly seed?: number;
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

function search({
  store = new MemoryObjectStore(),
  searched = sample,
  ...options
}: SearchOptions = {}): Promise<TuneResult> {
  const { seed = 1, threads = 1, signal, config = small } = options;
  const split = new ValidationSplit(searched, "hrAt10", seed, 2);
  const model = ncfTunable(
    { backend: wasmBackend(), createScorer, store, monotonicMs: () => performance.now() },
    { name: "mf", config, epochs: 9, split, sampleSha256: "of the sample", seed, threads, signal },
  );
  return tune(
    { store, progress: noProgress },
    {
      model,
      space: options.space ?? space,
      trials: 9,
      metric: "hrAt10",
      seed,
      sample: "of the sample",
      candidateDraws: 2,
    },
  );
}

/** A store that aborts at the n-th checkpoint. */
class InterruptingStore extends MemoryObjectStore {
  readonly abort = new AbortController();
  #left: number;

  constructor(checkpoints: number) {
    super();
    this.#left = checkpoints;
  }

  override async put(...args: Parameters<MemoryObjectStore["put"]>): ReturnType<MemoryObjectStore["put"]> {
    const info = await super.put(...args);
    if (args[0].endsWith("checkpoint.safetensors") && --this.#left === 0) this.abort.abort();
    return info;
  }
}

describe("tune", () => {
  it("has rungs of a third of the trials with three times the epochs, the last with all", () => {
    const rung = (trials: number, epochs: number, before: number) => ({ trials, epochs, before });
    expect(rungsOf(18, 27)).toEqual([rung(27, 2, 0), rung(9, 6, 2), rung(3, 18, 6)]);
    expect(rungsOf(20, 5)).toEqual([rung(5, 7, 0), rung(2, 20, 7)]);
    expect(rungsOf(1, 30)).toEqual([rung(30, 1, 0)]);
    expect(rungsOf(8, 1)).toEqual([rung(1, 8, 0)]);
  });

  it("finds settings that are better than those it starts from, and leaves no checkpoints", async () => {
    const store = new MemoryObjectStore();
    const { best, trials, tuned } = await search({ store, config: { ...small, learningRate: 1e-5 } });
    const first = trials.find(({ trial }) => trial === 0);
    expect(bestOf(best)).toBeGreaterThan((first === undefined ? 1 : bestOf(first)) + 0.05);
    expect(trials).toHaveLength(9);
    expect(trials.filter(({ validation }) => validation.length === 9)).toHaveLength(1);
    expect(parseModelSettings(await store.get("tuned.json"), "tuned.json")).toEqual(tuned);
    expect(tuned.settings.epochs).toBe(best.validation.indexOf(bestOf(best)) + 1);
    expect((await store.list("trials/")).filter((key) => key.endsWith("checkpoint.safetensors"))).toEqual([]);
  });

  it("ends with the same bytes when it was stopped anywhere, on any number of threads", async () => {
    const whole = new MemoryObjectStore();
    await search({ store: whole });
    for (const checkpoints of [2, 14]) {
      const store = new InterruptingStore(checkpoints);
      await expect(search({ store, signal: store.abort.signal })).rejects.toMatchObject({ code: "INTERRUPTED" });
      await search({ store, threads: 2 });
      expect(await store.get("tuned.json")).toEqual(await whole.get("tuned.json"));
    }
  });

  it("never looks at test items", async () => {
    const { best } = await search();
    const others = sample.testItems.map((item) => (item < 0 ? item : (item + 7) % sample.itemIds.length));
    const again = await search({ searched: { ...sample, testItems: others } });
    expect(again.best.settings).toEqual(best.settings);
    expect(again.best.validation).toEqual(best.validation);
  });

  it("goes on past trials that cannot be trained, and says why all failed", async () => {
    const { best, trials } = await search({ space: { learningRate: [1e-3, 1e38] } });
    expect(best.settings.learningRate).toBeLessThan(1);
    const failed = trials.filter(({ failure }) => failure !== null);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed[0].failure).toContain("Lower the learning rate");
    const hopeless = search({ config: { ...small, learningRate: 1e38 }, space: { learningRate: [1e38] } });
    await expect(hopeless).rejects.toMatchObject({ code: "SEARCH_FAILED" });
  });

  it("says that epochs are found, not searched", async () => {
    const split = new ValidationSplit(sample, "hrAt10", 1, 1);
    const deps = { backend: wasmBackend(), createScorer, store: new MemoryObjectStore(), monotonicMs: () => 0 };
    const request = { name: "mf", config: small, epochs: 9, split, sampleSha256: "", seed: 1, threads: 1 };
    const model = ncfTunable(deps, request);
    expect(() => parseSearchSpace({ epochs: [3] }, model, "space.json")).toThrow(
      /epochs = 3: .*Say the most: --epochs/,
    );
  });

  it("refuses the folder of another search", async () => {
    const store = new MemoryObjectStore();
    await search({ store });
    await expect(search({ store, seed: 2 })).rejects.toThrow(/seed 1, not 2\. Choose another folder/);
  });

  it("tunes a baseline by fitting it", async () => {
    const split = new ValidationSplit(sample, "ndcgAt10", 1, 1);
    const attributes = Array.from(sample.itemIds, () => []);
    const model = baselineTunable({ kind: itemKnn, attributes, split, monotonicMs: () => performance.now() });
    const { best, trials } = await tune(
      { store: new MemoryObjectStore(), progress: noProgress },
      {
        model,
        space: baselineSpace(itemKnn.defaults),
        trials: 6,
        metric: "ndcgAt10",
        seed: 1,
        sample: "",
        candidateDraws: 1,
      },
    );
    expect(trials.every(({ failure }) => failure === null)).toBe(true);
    expect(bestOf(best)).toBe(Math.max(...trials.map(bestOf)));
    expect(new Set(trials.map(bestOf)).size).toBeGreaterThan(1);
  });
});
