import { describe, expect, it } from "vitest";
import type { TrainingData } from "../../src/ncf/backend.ts";
import { type NcfConfig, presets } from "../../src/ncf/config.ts";
import type { TrainedModel } from "../../src/ncf/model.ts";
import { ReferenceScorer } from "../../src/ncf/reference/scorer.ts";
import { wasmBackend } from "../../src/ncf/wasm/backend.ts";
import { createScorer } from "../../src/ncf/wasm/scorer.ts";

const users = 30;
const items = 200;
const { paper } = presets;
const variants: Record<string, NcfConfig> = {
  paper: { ...paper, ids: "raw" },
  neumf: presets.neumf,
  mf: presets.mf,
  "batch norm before ReLU, one hidden layer": {
    ...paper,
    mlp: { ...paper.mlp, hidden: [24], batchNorm: "beforeRelu", regularizedLayers: 1 },
    itemBias: true,
  },
  "batch norm after the last layer too, beside GMF": {
    ...paper,
    mlp: { ...paper.mlp, embeddingSize: 12, hidden: [40, 8], regularizedLayers: 2 },
    gmf: { embeddingSize: 4, embeddingStd: 0.5 },
  },
};

/** A model after some training on a regular pattern, with embedding rows that are not the sample's indices. */
async function trained(config: NcfConfig): Promise<TrainedModel> {
  const perUser = 12;
  const data: TrainingData = {
    users,
    items,
    offsets: Uint32Array.from({ length: users + 1 }, (_, user) => user * perUser),
    positives: Int32Array.from(
      { length: users * perUser },
      (_, i) => (i % perUser) * 16 + (Math.floor(i / perUser) % 9),
    ),
    userRows: Int32Array.from({ length: users }, (_, user) => 2 * user + 1),
    itemRows: Int32Array.from({ length: items }, (_, item) => 3 * item + 2),
    userRowCount: 2 * users + 1,
    itemRowCount: 3 * items + 2,
  };
  const session = await wasmBackend().open(config, data, { seed: 2, threads: 1 });
  for (let epoch = 0; epoch < 3; epoch++) await session.run(session.stepsPerEpoch);
  const tensors = session.model();
  await session.close();
  return { name: "trained", config, tensors, userRows: data.userRows, itemRows: data.itemRows };
}

describe("wasm scorer", () => {
  for (const [name, config] of Object.entries(variants)) {
    it(`gives the readable scorer's logits: ${name}`, async () => {
      const model = await trained(config);
      const wanted = Int32Array.from({ length: 150 }, (_, i) => (i * 7) % items);
      const expected = new Float64Array(wanted.length);
      const found = new Float64Array(wanted.length);
      const reference = new ReferenceScorer(model);
      const scorer = createScorer(model);
      expect(scorer.name).toBe("trained");
      for (const user of [0, 7, users - 1]) {
        reference.score(user, wanted, expected);
        scorer.score(user, wanted, found);
        found.forEach((score, i) => {
          expect(Math.abs(score - expected[i]), `item ${wanted[i]}`).toBeLessThan(
            1e-5 * Math.max(1, Math.abs(expected[i])),
          );
        });
      }
    });
  }

  it("scores lists of any length, longer than one call of the kernel too, the same item always alike", async () => {
    const model = await trained(presets.neumf);
    const scorer = createScorer(model);
    const all = new Float64Array(items);
    scorer.score(
      3,
      Int32Array.from({ length: items }, (_, i) => i),
      all,
    );
    for (const length of [0, 1, 65, 9001]) {
      const list = Int32Array.from({ length }, (_, i) => (i * 13) % items);
      const scores = new Float64Array(length);
      scorer.score(3, list, scores);
      expect([...scores]).toEqual([...list].map((item) => all[item]));
    }
  });
});
