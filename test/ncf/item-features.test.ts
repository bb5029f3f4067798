import { describe, expect, it } from "vitest";
import { interactionsBefore } from "../../src/core/temporal-split.ts";
import type { TrainingData } from "../../src/ncf/backend.ts";
import { checkConfig, type ItemFeaturesConfig, type NcfConfig, presets } from "../../src/ncf/config.ts";
import { fineTune } from "../../src/ncf/fine-tune.ts";
import {
  attributeFeatureNames,
  attributeFeatures,
  vectorFeatureNames,
  vectorFeatures,
} from "../../src/ncf/item-features.ts";
import { type TrainedModel, trainingData } from "../../src/ncf/model.ts";
import { withNewItems } from "../../src/ncf/new-items.ts";
import { referenceBackend } from "../../src/ncf/reference/backend.ts";
import { wasmBackend } from "../../src/ncf/wasm/backend.ts";
import { dataOf } from "../../src/ncf/wasm/folding.ts";
import { createScorer } from "../../src/ncf/wasm/scorer.ts";
import { sameBytes } from "../conformance/numeric-backend.ts";
import { ratings, split } from "../streaming/trained-model.ts";

const users = 60;
const items = 80;
/** The last items of the catalogue, which nobody has taken. */
const cold = 8;
const colourOf = (item: number): string => (item % 2 === 0 ? "even" : "odd");
const attributes = Array.from({ length: items }, (_, item) => ["thing", colourOf(item)]);

/** Users of even number took 24 items of even number, the others odd ones. */
function data(features: Pick<TrainingData, "itemFeatures">): TrainingData {
  const perUser = 24;
  return {
    users,
    items,
    offsets: Uint32Array.from({ length: users + 1 }, (_, user) => user * perUser),
    positives: Int32Array.from({ length: users * perUser }, (_, i) => {
      const user = Math.floor(i / perUser);
      return (user % 2) + 2 * ((i % perUser) + ((user >> 1) % 12));
    }),
    places: Int32Array.from({ length: users * perUser }, (_, i) => i % perUser),
    userRows: Int32Array.from({ length: users }, (_, user) => user),
    itemRows: Int32Array.from({ length: items }, (_, item) => 2 * (items - 1 - item) + 1),
    userRowCount: users,
    itemRowCount: 2 * items,
    ...features,
  };
}

async function trained(config: NcfConfig, of: TrainingData): Promise<TrainedModel> {
  const session = await wasmBackend().open(config, of, { seed: 3, threads: 2 });
  for (let epoch = 0; epoch < 40; epoch++) await session.run(session.stepsPerEpoch);
  const tensors = session.model();
  await session.close();
  return { name: "with features", config, tensors, userRows: of.userRows, itemRows: of.itemRows };
}

const interactions = new Int32Array(items);
for (const item of data({}).positives) interactions[item] += 1;

const names = attributeFeatureNames(attributes);
const places = vectorFeatureNames(3);
const vectors = Array.from({ length: items }, (_, item) => (item % 2 === 0 ? [3, 4, 0.1] : [-3, 4, 0.1]));
const sources: Record<string, { config: ItemFeaturesConfig; features: Pick<TrainingData, "itemFeatures"> }> = {
  attributes: { config: names, features: { itemFeatures: attributeFeatures(names, attributes) } },
  vectors: { config: places, features: { itemFeatures: vectorFeatures(places, vectors) } },
};
const presetsWithBias: Record<string, NcfConfig> = {
  mf: presets.mf,
  "neumf of histories": {
    ...presets.neumf,
    itemBias: true,
    history: { weights: "recency", window: 20, alpha: 0.5, ownRow: false },
  },
};

describe("item features", () => {
  for (const [source, { config: itemFeatures, features }] of Object.entries(sources)) {
    for (const [preset, config] of Object.entries(presetsWithBias)) {
      it(`give rows to items that nobody has taken, and to new ones: ${source}, ${preset}`, async () => {
        const model = await trained({ ...config, itemFeatures }, data(features));
        const extended = withNewItems(model, {
          attributes: [...attributes, ["thing", "even"], ["thing", "odd"]],
          interactions,
        });
        const scorer = createScorer(extended);
        const unseen = Int32Array.from({ length: cold + 2 }, (_, i) => items - cold + i);
        const scores = new Float64Array(unseen.length);
        for (const user of [0, 1, 17, 42]) {
          scorer.score(user, unseen, scores);
          unseen.forEach((item, i) => {
            const other = unseen.findIndex((candidate) => colourOf(candidate) !== colourOf(item));
            if (colourOf(item) === colourOf(user)) expect(scores[i], `user ${user}`).toBeGreaterThan(scores[other]);
          });
        }
      });
    }
  }

  it("add up to the rows that scoring reads", async () => {
    const { config: itemFeatures, features } = sources.attributes;
    const { tensors, itemRows } = await trained({ ...presets.mf, itemFeatures }, data(features));
    const [whole, own, table] = ["item_embedding", "own_item_embedding", "item_feature_embedding"].map((name) =>
      dataOf(tensors, `gmf_${name}.weight`),
    );
    for (const item of [0, 3, items - 1]) {
      const at = itemRows[item] * 64;
      const [thing, colour] = attributes[item].map((name) => itemFeatures.names.indexOf(name) * 64);
      for (let k = 0; k < 64; k++) {
        expect(whole[at + k]).toBeCloseTo(own[at + k] + (table[thing + k] + table[colour + k]) * Math.SQRT1_2, 6);
      }
    }
  });

  it("are lists of unit length, of known names only, each once", () => {
    const { offsets, features, values } = attributeFeatures({ from: "attributes", names: ["a", "b", "c"] }, [
      ["c", "a", "c", "unheard of"],
      [],
      ["b"],
    ]);
    expect([...offsets]).toEqual([0, 2, 2, 3]);
    expect([...features]).toEqual([0, 2, 1]);
    expect([...values].map((value) => value.toFixed(4))).toEqual(["0.7071", "0.7071", "1.0000"]);
    expect([...vectorFeatures(vectorFeatureNames(2), [[3, 4], null, [0, 0]]).values]).toEqual([
      Math.fround(0.6),
      Math.fround(0.8),
      0,
      0,
    ]);
  });

  it.each([[[1]], [[1, 2, 3]], [[1, Number.NaN]]])("refuse the vector %j where two numbers are expected", (vector) => {
    expect(() => vectorFeatures(vectorFeatureNames(2), [vector])).toThrow(
      expect.objectContaining({ code: "FEATURES_INVALID" }),
    );
  });

  it.each<[Partial<ItemFeaturesConfig>, string]>([
    [{ names: [] }, "itemFeatures.names"],
    [{ names: ["a", "a"] }, "itemFeatures.names"],
    [{ from: "titles" as "vectors" }, "itemFeatures.from"],
  ])("are refused where they make no sense: %j", (change, field) => {
    expect(() => checkConfig({ ...presets.mf, itemFeatures: { ...names, ...change } })).toThrow(field);
  });
});

describe("fine-tuning a model with item features", () => {
  const { before } = split;
  const sample = interactionsBefore(ratings, Number.POSITIVE_INFINITY);
  const kinds = (ids: Float64Array): string[][] => Array.from(ids, (id) => [`kind ${id % 3}`]);
  const tune = (base: TrainedModel, threads: number, backend = wasmBackend()) =>
    fineTune(
      { backend, monotonicMs: () => 0 },
      { base, before, sample, attributes: kinds(sample.itemIds), epochs: 1, olderPerNew: 1, seed: 7, threads },
    );
  const base = async (itemFeatures: ItemFeaturesConfig, features: TrainingData["itemFeatures"]) => {
    const config = { ...presets.mf, itemFeatures };
    return trained(config, trainingData(config, before, features));
  };

  it("takes new items in by their attributes", async () => {
    const attributesBefore = kinds(before.itemIds);
    const itemFeatures = attributeFeatureNames(attributesBefore);
    const model = await base(itemFeatures, attributeFeatures(itemFeatures, attributesBefore));
    const [one, two] = [await tune(model, 1), await tune(model, 2)];
    expect(sameBytes(one.model.tensors, two.model.tensors)).toBe(true);
    const readable = await tune(model, 1, referenceBackend);
    for (const [name, { data: expected }] of readable.model.tensors) {
      const found = dataOf(one.model.tensors, name);
      expect(found.length, name).toBe(expected.length);
      expect(
        expected.every((value, i) => Math.abs(found[i] - value) < 1e-4),
        name,
      ).toBe(true);
    }
    expect(one.model.tensors.get("gmf_item_embedding.weight")?.shape[0]).toBe(sample.itemIds.length);
  });

  it("is refused where it was trained with vectors, which are not kept", async () => {
    const itemFeatures = vectorFeatureNames(2);
    const of = Array.from(before.itemIds, (id) => [id % 2, 1]);
    await expect(tune(await base(itemFeatures, vectorFeatures(itemFeatures, of)), 1)).rejects.toMatchObject({
      code: "FEATURES_INVALID",
    });
  });
});
