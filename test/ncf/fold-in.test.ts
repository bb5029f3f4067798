import { describe, expect, it } from "vitest";
import type { TrainingData } from "../../src/ncf/backend.ts";
import { type NcfConfig, presets } from "../../src/ncf/config.ts";
import { createFoldIn, defaultFoldInOptions } from "../../src/ncf/fold-in.ts";
import { linearizedItems } from "../../src/ncf/linearized-items.ts";
import type { TrainedModel } from "../../src/ncf/model.ts";
import { wasmBackend } from "../../src/ncf/wasm/backend.ts";
import { createScorer, type RowScorer } from "../../src/ncf/wasm/scorer.ts";

const users = 60;
const items = 80;

/** Users of even number took items of even number, the others the odd ones; everyone lacks some of their colour. */
async function checkerboard(config: NcfConfig): Promise<TrainedModel> {
  const perUser = 24;
  const data: TrainingData = {
    users,
    items,
    offsets: Uint32Array.from({ length: users + 1 }, (_, user) => user * perUser),
    positives: Int32Array.from({ length: users * perUser }, (_, i) => {
      const user = Math.floor(i / perUser);
      return (user % 2) + 2 * ((i % perUser) + ((user >> 1) % 16));
    }),
    places: Int32Array.from({ length: users * perUser }, (_, i) => i % perUser),
    userRows: Int32Array.from({ length: users }, (_, user) => 2 * user + 1),
    itemRows: Int32Array.from({ length: items }, (_, item) => items - 1 - item),
    userRowCount: 2 * users + 1,
    itemRowCount: items,
  };
  const session = await wasmBackend().open(config, data, { seed: 3, threads: 1 });
  for (let epoch = 0; epoch < 40; epoch++) await session.run(session.stepsPerEpoch);
  const tensors = session.model();
  await session.close();
  return { name: "checkerboard", config, tensors, userRows: data.userRows, itemRows: data.itemRows };
}

const everything = Int32Array.from({ length: items }, (_, item) => item);

function logits(scorer: RowScorer, row: ReturnType<ReturnType<typeof createFoldIn>["row"]>): Float64Array {
  const scores = new Float64Array(items);
  scorer.scoreRow(row, everything, scores);
  return scores;
}

const variants: Record<string, NcfConfig> = {
  mf: presets.mf,
  neumf: presets.neumf,
  "batch norm, dropout and GMF": {
    ...presets.paper,
    ids: "compact",
    mlp: { ...presets.paper.mlp, embeddingStd: 0.1, hidden: [32, 16], regularizedLayers: 2 },
    gmf: { embeddingSize: 8, embeddingStd: 0.1 },
    itemBias: true,
  },
  "neumf, of histories by recency": {
    ...presets.neumf,
    history: { weights: "recency", window: 10, alpha: 1, ownRow: false },
  },
  "mf, of histories beside own rows": {
    ...presets.mf,
    history: { weights: "mean", window: 24, alpha: 0.5, ownRow: true },
  },
};

describe("fold-in", () => {
  for (const [name, config] of Object.entries(variants)) {
    it(`linearizes the network at a row: ${name}`, async () => {
      const model = await checkerboard(config);
      const scorer = createScorer(model);
      const width = (config.mlp?.embeddingSize ?? 0) + (config.gmf?.embeddingSize ?? 0);
      const row = Float64Array.from({ length: width }, (_, k) => Math.sin(k) / 4);
      const split = (values: Float64Array) => {
        const at = config.mlp?.embeddingSize ?? 0;
        return { mlp: Float32Array.from(values.subarray(0, at)), gmf: Float32Array.from(values.subarray(at)) };
      };
      const { base, slopes } = linearizedItems(model, row);
      const found = logits(scorer, split(row));
      found.forEach((logit, item) => {
        expect(Math.abs(base[item] - logit)).toBeLessThan(1e-5 * Math.max(1, Math.abs(logit)));
      });
      const step = Float64Array.from({ length: width }, (_, k) => 0.002 * Math.cos(3 * k));
      const moved = logits(scorer, split(row.map((value, k) => value + step[k])));
      let total = 0;
      let error = 0;
      moved.forEach((logit, item) => {
        const expected = step.reduce((sum, value, k) => sum + value * slopes[item * width + k], 0);
        total += Math.abs(expected);
        error += Math.abs(logit - found[item] - expected);
      });
      // Few of the units' kinks lie within so short a step.
      expect(error).toBeLessThan(0.02 * total + items * 1e-6);
    });

    it(`recommends a new user's own colour after a few items: ${name}`, async () => {
      const model = await checkerboard(config);
      const scorer = createScorer(model);
      const foldIn = createFoldIn(model);
      for (const colour of [0, 1]) {
        const history = Int32Array.from([colour + 20, colour + 34, colour + 28]);
        const scores = logits(scorer, foldIn.row(history));
        const unseen = [...everything].filter((item) => !history.includes(item)).sort((a, b) => scores[b] - scores[a]);
        const own = unseen.slice(0, 10).filter((item) => item % 2 === colour).length;
        expect(own).toBeGreaterThanOrEqual(9);
      }
    });
  }

  it("is a function of the model and the newest items alone", async () => {
    const model = await checkerboard(presets.neumf);
    const { window } = defaultFoldInOptions;
    const newest = Int32Array.from({ length: window }, (_, i) => (i * 7) % items);
    const foldIn = createFoldIn(model);
    const expected = foldIn.row(newest);
    foldIn.row(Int32Array.from([1, 2, 3]));
    expect(foldIn.row(newest)).toEqual(expected);
    expect(createFoldIn(model).row(Int32Array.from([9, 8, ...newest]))).toEqual(expected);
    expect(foldIn.row(newest.toReversed())).not.toEqual(expected);
  });

  it("gives the same rows whether it was prepared or not", async () => {
    const model = await checkerboard(presets.neumf);
    const history = Int32Array.from([3, 1, 4]);
    const [prepared, lazy] = [createFoldIn(model), createFoldIn(model)];
    prepared.prepare();
    prepared.prepare();
    expect(prepared.row(history)).toEqual(lazy.row(history));
  });

  it("gives a user without history the mean of the trained rows", async () => {
    const model = await checkerboard(presets.mf);
    const table = model.tensors.get("gmf_user_embedding.weight")?.data ?? new Float32Array();
    const { gmf, mlp } = createFoldIn(model).row(new Int32Array(0));
    expect(mlp).toHaveLength(0);
    gmf.forEach((value, k) => {
      const mean = model.userRows.reduce((sum, row) => sum + table[row * gmf.length + k], 0) / users;
      expect(value).toBeCloseTo(mean, 6);
    });
  });
});
