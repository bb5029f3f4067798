import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { TrainingData } from "../../src/ncf/backend.ts";
import { type NcfConfig, presets } from "../../src/ncf/config.ts";
import { createFoldIn } from "../../src/ncf/fold-in.ts";
import type { TrainedModel } from "../../src/ncf/model.ts";

import { ReferenceScorer } from "../../src/ncf/reference/scorer.ts";
import { wasmBackend } from "../../src/ncf/wasm/backend.ts";
import { createScorer } from "../../src/ncf/wasm/scorer.ts";
import { drawnModel } from "./drawn-model.ts";

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

const { neumf, mf } = presets;

/** Every preset, and each place that batch normalization can have in the MLPs of the presets. */
const randomVariants: Record<string, NcfConfig> = {
  paper,
  "paper, batch norm before ReLU": { ...paper, mlp: { ...paper.mlp, batchNorm: "beforeRelu" } },
  "paper, no batch norm": { ...paper, mlp: { ...paper.mlp, batchNorm: "none" } },
  "paper, batch norm after every layer": { ...paper, mlp: { ...paper.mlp, regularizedLayers: 4 } },
  neumf,
  "neumf, batch norm after ReLU": { ...neumf, mlp: { ...neumf.mlp, batchNorm: "afterRelu", regularizedLayers: 3 } },
  "neumf, batch norm before ReLU": { ...neumf, mlp: { ...neumf.mlp, batchNorm: "beforeRelu", regularizedLayers: 2 } },
  mf,
  "mf, dense output without item bias": { ...mf, output: "dense", itemBias: false },
};

/**
 * sha256 of the items by falling score and of the scores' bytes, little-endian, for three users each of a drawn model:
 * the same on every machine and in every version of Node. They change only with the arithmetic of the scorer, or with how
 * models are drawn. Presets of histories have the networks of others.
 */
const fingerprints = {
  paper: "e45103680464f0d9c9761841a32f5b03e5a220df2408b4344f0387a82b86cba2",
  neumf: "0db405b50d81ab3d7d9c876b1dc6b11e0ce491e379daa3dd24745b37f42274d9",
  "neumf-large": "2ad777dbd5a05db6a3200608fd5b86599b67cf298a768c1c7b8e43c1e9fb8993",
  mf: "0b2e1930cad55f857ceab7a3410ca85576a182c707cfe6031180c9b7581356dd",
} as const satisfies Partial<Record<keyof typeof presets, string>>;

/** The same of users with a history: of their vectors as the model folds them in, and of the scores. */
const historyFingerprints = {
  recency: "e9bcc07ba0ad2533adaf549f83a202d0d3da265d9fc673cb193a74c191d64a01",
  mean: "cc5ac931c67bc14d5b1235ce4e6337c54507f772c6262e9a25968fa85865eea3",
} as const;

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

  for (const [name, config] of Object.entries(randomVariants)) {
    it(`gives the readable scorer's logits for any statistics and weights: ${name}`, () => {
      for (const seed of [1, 2]) {
        const model = drawnModel(config, seed, users, 90);
        const everything = Int32Array.from(model.itemRows.keys());
        const expected = new Float64Array(everything.length);
        const found = new Float64Array(everything.length);
        const reference = new ReferenceScorer(model);
        const scorer = createScorer(model);
        for (const user of [0, 11, users - 1]) {
          reference.score(user, everything, expected);
          scorer.score(user, everything, found);
          found.forEach((score, item) => {
            const difference = Math.abs(score - expected[item]) / Math.max(1, Math.abs(expected[item]));
            expect(difference, `user ${user}, item ${item}`).toBeLessThan(1e-5);
          });
          expect(new Set(found).size).toBeGreaterThan(everything.length / 2);
        }
      }
    });
  }

  for (const [name, expected] of Object.entries(fingerprints)) {
    it(`ranks and scores alike on every machine and Node: ${name}`, () => {
      const model = drawnModel(presets[name as keyof typeof presets], 7, users, 1000);
      const everything = Int32Array.from(model.itemRows.keys());
      const scorer = createScorer(model);
      const hash = createHash("sha256");
      for (const user of [0, 7, users - 1]) {
        const scores = new Float64Array(everything.length);
        scorer.score(user, everything, scores);
        hash.update(everything.toSorted((a, b) => scores[b] - scores[a] || a - b)).update(scores);
      }
      expect(hash.digest("hex")).toBe(expected);
    });
  }

  for (const [weights, expected] of Object.entries(historyFingerprints)) {
    it(`folds histories in and scores them alike on every machine and Node: ${weights}`, () => {
      const history = { weights: weights as "mean" | "recency", window: 200, alpha: 0.7, ownRow: true };
      const model = drawnModel({ ...neumf, history }, 7, users, 1000);
      const everything = Int32Array.from(model.itemRows.keys());
      const [scorer, foldIn] = [createScorer(model), createFoldIn(model)];
      const hash = createHash("sha256");
      for (const length of [0, 1, 40, 900]) {
        const row = foldIn.row(Int32Array.from({ length }, (_, i) => (i * 7) % 1000));
        const scores = new Float64Array(everything.length);
        scorer.scoreRow(row, everything, scores);
        hash.update(row.mlp).update(row.gmf).update(scores);
      }
      expect(hash.digest("hex")).toBe(expected);
    });
  }
});
