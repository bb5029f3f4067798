import { describe, expect, it } from "vitest";
import { type NcfConfig, presets } from "../../src/ncf/config.ts";
import { createFoldIn } from "../../src/ncf/fold-in.ts";
import { embeddingRows, type TrainedModel } from "../../src/ncf/model.ts";
import { type ItemCatalogue, withNewItems } from "../../src/ncf/new-items.ts";
import { initialTensors, parameterTable } from "../../src/ncf/parameters.ts";
import { wasmBackend } from "../../src/ncf/wasm/backend.ts";
import { dataOf } from "../../src/ncf/wasm/folding.ts";
import { createScorer } from "../../src/ncf/wasm/scorer.ts";

const users = 60;
const items = 80;
const colours = ["even", "odd"];
const coloursOf = (count: number): string[][] => Array.from({ length: count }, (_, item) => [colours[item % 2]]);

/** Users of even number took 24 items of even number, the others odd ones. */
async function checkerboard(config: NcfConfig): Promise<{ model: TrainedModel; interactions: Int32Array }> {
  const perUser = 24;
  const positives = Int32Array.from({ length: users * perUser }, (_, i) => {
    const user = Math.floor(i / perUser);
    return (user % 2) + 2 * ((i % perUser) + ((user >> 1) % 16));
  });
  const interactions = new Int32Array(items);
  for (const item of positives) interactions[item] += 1;
  const rows = {
    userRows: Int32Array.from({ length: users }, (_, user) => user),
    itemRows: Int32Array.from({ length: items }, (_, item) => items - 1 - item),
  };
  const offsets = Uint32Array.from({ length: users + 1 }, (_, user) => user * perUser);
  const places = Int32Array.from({ length: users * perUser }, (_, i) => i % perUser);
  const data = { users, items, offsets, positives, places, ...rows, userRowCount: users, itemRowCount: items };
  const session = await wasmBackend().open(config, data, { seed: 3, threads: 1 });
  for (let epoch = 0; epoch < 40; epoch++) await session.run(session.stepsPerEpoch);
  const tensors = session.model();
  await session.close();
  return { model: { name: "checkerboard", config, tensors, ...rows }, interactions };
}

/** Rows drawn at random, with item ids 3, 5, 7, … */
function untrained(config: NcfConfig, count: number): TrainedModel {
  const ids = Float64Array.from({ length: count }, (_, i) => 2 * i + 3);
  const rows = embeddingRows(config, { userIds: Float64Array.of(1, 2), itemIds: ids });
  const tensors = initialTensors(parameterTable(config, rows.userRowCount, rows.itemRowCount), 7);
  dataOf(tensors, "item_bias.weight").forEach((_, row, bias) => {
    bias[row] = Math.sin(row);
  });
  return { name: "untrained", config, tensors, ...rows };
}

const itemTables = ["item_embedding.weight", "gmf_item_embedding.weight", "item_bias.weight"];
const allTables: NcfConfig = { ...presets.neumf, itemBias: true };
const variants: Record<string, NcfConfig> = {
  mf: presets.mf,
  neumf: presets.neumf,
  "neumf with bias": allTables,
  "neumf of histories": { ...presets.neumf, history: { weights: "recency", window: 10, alpha: 1, ownRow: false } },
};

describe("new items", () => {
  for (const [name, config] of Object.entries(variants)) {
    it(`are recommended to those who like their attributes: ${name}`, async () => {
      const { model, interactions } = await checkerboard(config);
      const extended = withNewItems(model, { attributes: coloursOf(items + 2), interactions });
      const scorer = createScorer(extended);
      const foldIn = createFoldIn(extended);
      for (const colour of [0, 1]) {
        const scores = new Float64Array(2);
        const [own, other] = [items + colour, items + 1 - colour];
        scorer.score(colour, Int32Array.of(own, other), scores);
        expect(scores[0]).toBeGreaterThan(scores[1]);
        const newcomer = foldIn.row(Int32Array.of(colour + 20, colour + 34, colour + 28));
        scorer.scoreRow(newcomer, Int32Array.of(own, other), scores);
        expect(scores[0]).toBeGreaterThan(scores[1]);
      }
    });
  }

  it("leave the scores of trained items and the model itself as they are", () => {
    for (const config of [allTables, presets.mf, presets.paper]) {
      const model = untrained(config, 20);
      const before = structuredClone(model);
      const extended = withNewItems(model, { attributes: coloursOf(23), interactions: new Int32Array(20).fill(1) });
      expect(model).toEqual(before);
      const known = Int32Array.from({ length: 20 }, (_, item) => item);
      const scoresOf = (of: TrainedModel): Float64Array => {
        const scores = new Float64Array(20);
        createScorer(of).score(1, known, scores);
        return scores;
      };
      expect(scoresOf(extended)).toEqual(scoresOf(model));
      expect(extended.itemRows).toHaveLength(23);
      for (const table of itemTables) expect(extended.tensors.has(table)).toBe(model.tensors.has(table));
    }
  });

  it("have the rows that minimize the weighted ridge regression", () => {
    const trained = 30;
    const model = untrained(allTables, trained);
    const names = ["Drama", "Comedy", "War"];
    const subsets = Array.from({ length: 8 }, (_, set) => names.filter((_, g) => (set >> g) & 1));
    const interactions = Int32Array.from({ length: trained }, (_, item) => 1 + (item % 5));
    // The last eight, one for each set of attributes, give the regression's value for it.
    const attributes = [...Array.from({ length: trained }, (_, item) => subsets[(item * 5) % 8]), ...subsets];
    const extended = withNewItems(model, { attributes: attributes, interactions });
    const weights = Array.from(interactions, (count) => 1 / count);
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / trained;
    for (const name of itemTables) {
      const table = dataOf(extended.tensors, name);
      const width = table.length / attributes.length;
      for (let k = 0; k < width; k++) {
        const fitted = (set: number): number => table[(trained + set) * width + k];
        const residual = (item: number): number =>
          (weights[item] / mean) * (table[item * width + k] - fitted((item * 5) % 8));
        const all = Array.from({ length: trained }, (_, item) => item);
        // The gradient is 0: for the intercept Σ w r = 0, for an attribute Σ over its items of w r = λ b, with one λ for all.
        expect(all.reduce((sum, item) => sum + residual(item), 0)).toBeCloseTo(0, 4);
        names.forEach((attribute, g) => {
          const pulled = all.reduce(
            (sum, item) => sum + (attributes[item].includes(attribute) ? residual(item) : 0),
            0,
          );
          expect(pulled).toBeCloseTo(200 * (fitted(1 << g) - fitted(0)), 3);
        });
        expect(fitted(7) - fitted(3)).toBeCloseTo(fitted(4) - fitted(0), 5);
      }
    }
  });

  it("have the bias of seldom touched items rather than that of the average item", () => {
    const model = untrained(presets.mf, 20);
    const bias = dataOf(model.tensors, "item_bias.weight");
    const interactions = Int32Array.from({ length: 20 }, (_, item) => (item < 10 ? 1 : 99));
    model.itemRows.forEach((row, item) => {
      bias[row] = item < 10 ? -3 : 3;
    });
    const extended = withNewItems(model, { attributes: coloursOf(22), interactions });
    for (const value of dataOf(extended.tensors, "item_bias.weight").subarray(20)) expect(value).toBeLessThan(-2.9);
  });

  it("are also those of the sample that have no training interaction", () => {
    const model = untrained(presets.mf, 20);
    const interactions = new Int32Array(20).fill(1);
    interactions[4] = 0;
    const extended = withNewItems(model, { attributes: coloursOf(22), interactions });
    const table = dataOf(extended.tensors, "gmf_item_embedding.weight");
    const rowOf = (item: number): Float32Array => table.slice(item * 64, (item + 1) * 64);
    expect(rowOf(4)).toEqual(rowOf(20));
    expect(rowOf(4)).not.toEqual(rowOf(6));
    expect(rowOf(21)).not.toEqual(rowOf(20));
  });

  it("without an attribute that a trained item has start from the intercept", () => {
    const model = untrained(presets.mf, 20);
    const attributes = [...coloursOf(20), [], ["unheard of"], ["even"], ["even", "unheard of", "even"]];
    const extended = withNewItems(model, { attributes: attributes, interactions: new Int32Array(20).fill(1) });
    const table = dataOf(extended.tensors, "gmf_item_embedding.weight");
    const rowOf = (item: number): Float32Array => table.slice(item * 64, (item + 1) * 64);
    expect(rowOf(20)).toEqual(rowOf(21));
    expect(rowOf(22)).toEqual(rowOf(23));
    expect(rowOf(20)).not.toEqual(rowOf(22));
  });

  it("are refused where the catalogue is not the model's", () => {
    const model = untrained(presets.mf, 20);
    const wrong: ItemCatalogue[] = [
      { attributes: coloursOf(22), interactions: new Int32Array(22).fill(1) },
      { attributes: coloursOf(19), interactions: new Int32Array(20).fill(1) },
      { attributes: coloursOf(22), interactions: new Int32Array(20) },
    ];
    for (const catalogue of wrong) {
      expect(() => withNewItems(model, catalogue)).toThrow(expect.objectContaining({ code: "CATALOGUE_INVALID" }));
    }
  });
});
