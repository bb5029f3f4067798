import { beforeAll, describe, expect, it } from "vitest";
import { fitAndStore, type ModelRequest, planNamed } from "../../src/app/fit-model.ts";
import { recommenderOf } from "../../src/app/fitted-model.ts";
import { decodeFittedModel } from "../../src/app/model-file.ts";
import { baselineNames } from "../../src/baselines/kinds.ts";
import { encodeModelFrame } from "../../src/core/model-file.ts";
import { createScorer } from "../../src/ncf/wasm/scorer.ts";
import type { SampleFiles } from "../../src/ports/sample-store.ts";
import { fitDeps, sampleFiles } from "./fit-deps.ts";

let files: SampleFiles;
beforeAll(() => {
  files = sampleFiles();
});

const request = (name: string, changes: Partial<ModelRequest> = {}): ModelRequest => ({
  plan: planNamed(name, { epochs: 1 }),
  sample: files.sample,
  items: files.items,
  sampleSha256: files.manifest.sha256,
  seed: 1,
  threads: 1,
  prefix: `models/${name}/`,
  existing: "resumeIfSame",
  ...changes,
});

/** Of some users and all items, as training left them. */
function scoresOf(model: Parameters<typeof recommenderOf>[1]): number[][] {
  const { sample } = files;
  const recommender = recommenderOf(createScorer, model, sample);
  const items = Int32Array.from(sample.itemIds.keys());
  return [0, 7, 59].map((user) => {
    const scores = new Float64Array(items.length);
    recommender.score(user, items, scores);
    return [...scores];
  });
}

describe("a fitted model", () => {
  it.each(["mf", ...baselineNames])(
    "%s comes back from its file with the same scores, ids and sample",
    async (name) => {
      const deps = fitDeps();
      const fitted = await fitAndStore(deps, request(name));
      const bytes = await deps.store.get(`models/${name}/model.safetensors`);
      const { model, sampleSha256, userIds, itemIds } = decodeFittedModel(bytes, "model");
      expect(model.name).toBe(name);
      expect(scoresOf(model)).toEqual(scoresOf(fitted.model));
      expect(sampleSha256).toBe(files.manifest.sha256);
      expect({ userIds, itemIds }).toEqual({ userIds: files.sample.userIds, itemIds: files.sample.itemIds });
      expect(fitted).toMatchObject({ reused: false, modelBytes: bytes.length });
    },
  );

  it.each(["mf", "item-knn", "hybrid"])("%s is fitted once, and what it cost is remembered", async (name) => {
    const said: string[] = [];
    const deps = fitDeps(said);
    const { model, ...first } = await fitAndStore(deps, request(name));
    const { model: again, ...second } = await fitAndStore(deps, request(name));
    expect(second).toEqual({ ...first, reused: true });
    expect(scoresOf(again)).toEqual(scoresOf(model));
    expect(said.join()).toMatch(/already (fitted|trained)/);
    expect((await fitAndStore(deps, request(name, { existing: "discard" }))).sha256).toBe(first.sha256);
  });

  it("is fitted anew for another sample, other settings and other attributes of its items", async () => {
    const deps = fitDeps();
    const plan = planNamed("popularity");
    const changed = "kind" in plan ? { ...plan, settings: { halfLifeDays: 77 } } : plan;
    const reused = async (changes: Partial<ModelRequest>) =>
      (await fitAndStore(deps, request("popularity", changes))).reused;
    expect(await reused({})).toBe(false);
    expect(await reused({})).toBe(true);
    expect(await reused({ sampleSha256: "another" })).toBe(false);
    expect(await reused({ sampleSha256: "another", plan: changed })).toBe(false);
    expect(await reused({ sampleSha256: "another", plan: changed, items: [] })).toBe(false);
    expect(await reused({ sampleSha256: "another", plan: changed, items: [] })).toBe(true);
  });

  it("is refused where its record is another program's", async () => {
    const deps = fitDeps();
    await fitAndStore(deps, request("popularity"));
    await deps.store.put("models/popularity/fit.json", new TextEncoder().encode("{}"));
    await expect(fitAndStore(deps, request("popularity"))).rejects.toMatchObject({ code: "FILE_FOREIGN" });
  });

  it("of a kind that this program does not know is refused by name", () => {
    const file = (kind: string, description: object) =>
      encodeModelFrame({
        kind,
        description,
        tensors: new Map(),
        userIds: Float64Array.of(1),
        itemIds: Float64Array.of(2),
      });
    expect(() => decodeFittedModel(file("tree", {}), "m")).toThrow(/expected a model file of ncf-stream, found tree/);
    expect(() => decodeFittedModel(file("baseline-model", { name: "oracle" }), "m")).toThrow(
      /known kind, found oracle/,
    );
    const older = { name: "popularity", settings: { halfLife: 3 } };
    expect(() => decodeFittedModel(file("baseline-model", older), "m")).toThrow(/with a setting "halfLifeDays"/);
  });
});
