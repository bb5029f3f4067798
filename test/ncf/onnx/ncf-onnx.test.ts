import { expect, it } from "vitest";
import { type NcfConfig, presets } from "../../../src/ncf/config.ts";
import { createFoldIn } from "../../../src/ncf/fold-in.ts";
import { ncfOnnx } from "../../../src/ncf/onnx/ncf-onnx.ts";
import { createScorer } from "../../../src/ncf/wasm/scorer.ts";
import { drawnModel } from "../drawn-model.ts";
import { describeWithOnnxRuntime } from "./onnx-runtime.ts";

const { paper, neumf, mf } = presets;
const ofRows: Record<string, NcfConfig> = {
  "paper, batch norm before ReLU": { ...paper, mlp: { ...paper.mlp, batchNorm: "beforeRelu" } },
  "paper, batch norm after every layer": { ...paper, mlp: { ...paper.mlp, regularizedLayers: 4 } },
  "neumf of one hidden layer, with item bias": { ...neumf, mlp: { ...neumf.mlp, hidden: [24] }, itemBias: true },
  "mf, dense output without item bias": { ...mf, output: "dense", itemBias: false },
};

const ofHistories: Record<string, NcfConfig> = {
  "neumf, by recency, with own rows": {
    ...neumf,
    history: { weights: "recency", window: 6, alpha: 0.5, ownRow: true },
  },
  "mf, the mean of all, without": { ...mf, history: { weights: "mean", window: 40, alpha: 1, ownRow: false } },
};

/** Beside the presets that are so. */
function all(configs: Record<string, NcfConfig>, are: (config: NcfConfig) => boolean): [string, NcfConfig][] {
  return [...Object.entries<NcfConfig>(presets).filter(([, config]) => are(config)), ...Object.entries(configs)];
}

const ids = { userIds: ["ann", "bob"], itemIds: ["heat"] };

describeWithOnnxRuntime("an exported network in onnxruntime", (runtime) => {
  it.each(all(ofRows, (config) => !config.history))("gives the scorer's logits to 1e-5: %s", async (_name, config) => {
    const [users, items] = [30, 200];
    const model = drawnModel(config, 5, users, items);
    const session = await runtime.open(ncfOnnx(model, ids));
    const scorer = createScorer(model);
    const wanted = Int32Array.from({ length: 150 }, (_, i) => (i * 7) % items);
    const expected = new Float64Array(wanted.length);
    const close = (found: ArrayLike<number | bigint>, from: number, count: number): void => {
      for (let i = from; i < from + count; i++) {
        const tolerance = 1e-5 * Math.max(1, Math.abs(expected[i]));
        expect(Math.abs(Number(found[i]) - expected[i]), `item ${wanted[i]}`).toBeLessThan(tolerance);
      }
    };
    for (const user of [0, 7, users - 1]) {
      scorer.score(user, wanted, expected);
      const { logits } = await session.run({ users: runtime.int64(Int32Array.of(user)), items: runtime.int64(wanted) });
      expect(logits.data).toHaveLength(wanted.length);
      close(logits.data, 0, wanted.length);
    }
    // A user for each item.
    const pairs = wanted.map((_, i) => i % users);
    const { logits } = await session.run({ users: runtime.int64(pairs), items: runtime.int64(wanted) });
    for (let i = 0; i < wanted.length; i++) {
      scorer.score(pairs[i], wanted, expected);
      close(logits.data, i, 1);
    }
  });

  it.each(all(ofHistories, (config) => Boolean(config.history)))(
    "scores whoever has a history: %s",
    async (_name, config) => {
      const items = 50;
      const model = drawnModel(config, 3, 20, items);
      const session = await runtime.open(ncfOnnx(model, ids, "history"));
      const [scorer, foldIn] = [createScorer(model), createFoldIn(model)];
      const all = Int32Array.from({ length: items }, (_, item) => item);
      const expected = new Float64Array(items);
      for (const history of [Int32Array.of(), Int32Array.of(7), Int32Array.of(3, 1, 4, 15, 9, 26, 5, 35, 8)]) {
        scorer.scoreRow(foldIn.row(history), all, expected);
        const { logits } = await session.run({ history: runtime.int64(history), items: runtime.int64(all) });
        for (let item = 0; item < items; item++) {
          expect(Math.abs(Number(logits.data[item]) - expected[item])).toBeLessThan(
            1e-5 * Math.max(1, Math.abs(expected[item])),
          );
        }
      }
    },
  );

  it("refuses histories for a network that has a row for each user", () => {
    expect(() => ncfOnnx(drawnModel(mf, 1, 3, 4), ids, "history")).toThrow(/takes users by their history, found drawn/);
  });

  it("refuses an item that it does not have", async () => {
    const session = await runtime.open(ncfOnnx(drawnModel(mf, 1, 3, 4), ids));
    const [users, items] = [runtime.int64(Int32Array.of(0)), runtime.int64(Int32Array.of(4))];
    await expect(session.run({ users, items })).rejects.toThrow(/out of/i);
  });
});
