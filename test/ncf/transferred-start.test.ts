import { beforeAll, describe, expect, it } from "vitest";
import { indexOfId } from "../../src/core/ids.ts";
import { leaveOneOut, undivided } from "../../src/core/leave-one-out.ts";
import type { Sample } from "../../src/core/sample.ts";
import { SyntheticDataset } from "../../src/core/synthetic/dataset.ts";
import { syntheticRatingTable } from "../../src/core/synthetic/table.ts";
import type { ModelFile } from "../../src/ncf/checkpoint.ts";
import { type ItemFeaturesConfig, type NcfConfig, presets } from "../../src/ncf/config.ts";
import { createFoldIn } from "../../src/ncf/fold-in.ts";
import { attributeFeatures } from "../../src/ncf/item-features.ts";
import { embeddingRows, trainingData } from "../../src/ncf/model.ts";
import { initialTensors, parameterTable, type TensorMap } from "../../src/ncf/parameters.ts";
import { transferredStart } from "../../src/ncf/transferred-start.ts";
import { wasmBackend } from "../../src/ncf/wasm/backend.ts";

const table = syntheticRatingTable(
  new SyntheticDataset({ shape: "small", seed: 6, users: 120, movies: 250, ratings: 5000 }),
);

/** Users of one half, which never meet those of the other. */
function half(parity: number): Sample {
  const chosen = Uint8Array.from(table.userIds, (_, user) => (user % 2 === parity ? 1 : 0));
  return undivided(leaveOneOut(table, chosen, { tieRule: "firstInFile", seed: 1, listedItemIds: null }).sample);
}
const [ours, theirs] = [half(0), half(1)];

async function train(config: NcfConfig, sample: Sample, epochs: number, start?: TensorMap) {
  const session = await wasmBackend().open(config, trainingData(config, sample), { seed: 5, threads: 1, start });
  let losses: Float64Array = new Float64Array(0);
  for (let epoch = 0; epoch < epochs; epoch++) losses = await session.run(session.stepsPerEpoch);
  const tensors = session.model();
  await session.close();
  return { tensors, loss: losses.reduce((sum, loss) => sum + loss, 0) / losses.length };
}

async function modelOf(name: string, config: NcfConfig, sample: Sample): Promise<ModelFile> {
  const { tensors } = await train(config, sample, 6);
  const { userIds, itemIds } = sample;
  const description = { name, config, seed: 5, backend: "wasm", arithmetic: "", epochs: 6, sample: "", data: "" };
  return { description, tensors, userIds, itemIds };
}

describe.each(["neumf", "mf", "paper"] as const)("a training of %s from a model of other users", (name) => {
  const config: NcfConfig = presets[name];
  let base: ModelFile;
  beforeAll(async () => {
    base = await modelOf(name, config, theirs);
  });

  it("takes the network over, and the rows of items by their id", () => {
    const { tensors, items, users } = transferredStart(base, config, ours, 9);
    const rows = embeddingRows(config, ours);
    const baseRows = embeddingRows(config, theirs);
    const specs = parameterTable(config, rows.userRowCount, rows.itemRowCount);
    const initial = initialTensors(specs, 9);
    expect([...tensors.keys()]).toEqual([...initial.keys()]);
    expect(items).toBeLessThan(ours.itemIds.length);
    expect(users).toBe(ours.userIds.length);
    for (const { name: tensor, kind, shape } of specs) {
      const [now, before, fresh] = [tensors, base.tensors, initial].map((map) => map.get(tensor)?.data);
      if (kind !== "rows") {
        expect(now, tensor).toEqual(before);
        continue;
      }
      if (tensor.includes("user_embedding")) continue;
      const width = shape[1];
      const row = (data: Float32Array | undefined, at: number) => data?.slice(at * width, (at + 1) * width);
      ours.itemIds.forEach((id, item) => {
        const known = indexOfId(theirs.itemIds, id);
        const expected = known < 0 ? row(fresh, rows.itemRows[item]) : row(before, baseRows.itemRows[known]);
        expect(row(now, rows.itemRows[item]), `${tensor} of ${id}`).toEqual(expected);
      });
    }
  });

  it("folds its users in from the items that both know", () => {
    const { tensors } = transferredStart(base, config, ours, 9);
    const { userRows } = embeddingRows(config, ours);
    const foldIn = createFoldIn({ name, config, tensors: base.tensors, ...embeddingRows(config, theirs) });
    for (const user of [0, 7, ours.userIds.length - 1]) {
      const history = ours.train.items.subarray(ours.train.offsets[user], ours.train.offsets[user + 1]);
      const known = history.map((item) => indexOfId(theirs.itemIds, ours.itemIds[item])).filter((item) => item >= 0);
      const { mlp, gmf } = foldIn.row(known);
      const rowOf = (tensor: string, width: number) =>
        tensors.get(tensor)?.data.slice(userRows[user] * width, (userRows[user] + 1) * width);
      if (config.mlp !== null) expect(rowOf("user_embedding.weight", mlp.length)).toEqual(mlp);
      if (config.gmf !== null) expect(rowOf("gmf_user_embedding.weight", gmf.length)).toEqual(gmf);
    }
  });

  it("is ahead of one from nothing after an epoch", async () => {
    const { tensors } = transferredStart(base, config, ours, 9);
    const [transferred, anew] = [await train(config, ours, 1, tensors), await train(config, ours, 1)];
    expect(transferred.loss).toBeLessThan(anew.loss - 0.01);
  });

  it("refuses another network and another catalogue", () => {
    const wider: NcfConfig = config.gmf
      ? { ...config, gmf: { ...config.gmf, embeddingSize: 32 } }
      : { ...config, mlp: { ...presets.paper.mlp, embeddingSize: 16 } };
    expect(() => transferredStart(base, wider, ours, 9)).toThrow(/expected a model with the settings .* Train it with/);
    const foreign = { ...ours, itemIds: ours.itemIds.map((id) => id + 1e6) };
    expect(() => transferredStart(base, config, foreign, 9)).toThrow(/knows some of the \d+ items/);
  });
});

describe("a model with item features", () => {
  it("takes the rows of features over by their name", async () => {
    const features = (names: readonly string[]): NcfConfig => ({
      ...presets.mf,
      itemFeatures: { from: "attributes", names },
    });
    const attributes = (sample: Sample) => Array.from(sample.itemIds, (id) => [id % 2 === 0 ? "even" : "odd"]);
    const [theirConfig, ourConfig] = [features(["even", "odd"]), features(["odd", "prime", "even"])];
    const data = trainingData(theirConfig, theirs, attributeFeatures(featuresOf(theirConfig), attributes(theirs)));
    const session = await wasmBackend().open(theirConfig, data, { seed: 5, threads: 1 });
    await session.run(session.stepsPerEpoch);
    const tensors = session.model();
    await session.close();
    const { userIds, itemIds } = theirs;
    const run = { seed: 5, backend: "wasm", arithmetic: "", epochs: 1, sample: "", data: "" };
    const base = { description: { name: "mf", config: theirConfig, ...run }, tensors, userIds, itemIds };
    const start = transferredStart(base, ourConfig, ours, 9).tensors;
    const table = "gmf_item_feature_embedding.weight";
    const row = (of: TensorMap, at: number) => of.get(table)?.data.slice(at * 64, (at + 1) * 64);
    expect(row(start, 0)).toEqual(row(tensors, 1));
    expect(row(start, 2)).toEqual(row(tensors, 0));
    expect(row(start, 1)).not.toEqual(row(tensors, 1));
  });
});

function featuresOf({ itemFeatures }: NcfConfig): ItemFeaturesConfig {
  if (!itemFeatures) throw new Error("expected a configuration with item features");
  return itemFeatures;
}
