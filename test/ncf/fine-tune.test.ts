import { beforeAll, describe, expect, it } from "vitest";
import { indexOfId } from "../../src/core/ids.ts";
import { trainingCounts, undivided } from "../../src/core/leave-one-out.ts";
import type { Sample } from "../../src/core/sample.ts";
import { interactionsBefore } from "../../src/core/temporal-split.ts";
import type { NumericBackend } from "../../src/ncf/backend.ts";
import { type NcfConfig, presets } from "../../src/ncf/config.ts";
import { type FineTuneInput, fineTune } from "../../src/ncf/fine-tune.ts";
import { grownModel } from "../../src/ncf/grown-model.ts";
import { type TrainedModel, trainingData } from "../../src/ncf/model.ts";
import { referenceBackend } from "../../src/ncf/reference/backend.ts";
import { wasmBackend } from "../../src/ncf/wasm/backend.ts";
import { createScorer } from "../../src/ncf/wasm/scorer.ts";
import { sameBytes } from "../conformance/numeric-backend.ts";
import { ratings, split } from "../streaming/trained-model.ts";

const before = split.before;
const sample = undivided(interactionsBefore(ratings, Number.POSITIVE_INFINITY));
const attributes = Array.from(sample.itemIds, () => []);
const backends: Record<string, NumericBackend> = { reference: referenceBackend, wasm: wasmBackend() };

async function trained(name: string, config: NcfConfig): Promise<TrainedModel> {
  const data = trainingData(config, before);
  const session = await wasmBackend().open(config, data, { seed: 5, threads: 1 });
  for (let epoch = 0; epoch < config.epochs; epoch++) await session.run(session.stepsPerEpoch);
  const tensors = session.model();
  await session.close();
  return { name, config, tensors, userRows: data.userRows, itemRows: data.itemRows };
}

const tune = (backend: NumericBackend, base: TrainedModel, options: Partial<FineTuneInput> = {}) =>
  fineTune(
    { backend, monotonicMs: () => 0 },
    { base, before, sample, attributes, epochs: 2, olderPerNew: 1, seed: 7, threads: 1, ...options },
  );

const isNewUser = (user: number): boolean => indexOfId(before.userIds, sample.userIds[user]) < 0;
const isNewItem = (item: number): boolean => indexOfId(before.itemIds, sample.itemIds[item]) < 0;

// A wider neumf would show nothing more, slowly.
const { "neumf-large": _, ...tuned } = presets;
for (const [name, config] of Object.entries<NcfConfig>(tuned)) {
  // As histories grow, so do the vectors of known users: test/ncf/history.test.ts.
  if (config.history) continue;
  describe(`fine-tuning ${name}`, () => {
    let base: TrainedModel;
    beforeAll(async () => {
      base = await trained(name, config);
    });

    it("starts from what the model knew, with rows for new users and items", () => {
      const grown = grownModel({ base, before, sample, attributes });
      expect(grown.userRows.filter((_, user) => isNewUser(user)).length).toBeGreaterThan(0);
      expect(grown.itemRows.filter((_, item) => isNewItem(item)).length).toBeGreaterThan(0);
      const scores = (model: TrainedModel, of: Sample, user: number): number[] => {
        const known = [...before.itemIds].map((id) => indexOfId(of.itemIds, id));
        const found = new Float64Array(known.length);
        createScorer(model).score(user, Int32Array.from(known), found);
        return [...found];
      };
      for (const id of [before.userIds[0], before.userIds.at(-1) ?? 0]) {
        expect(scores(grown, sample, indexOfId(sample.userIds, id))).toEqual(
          scores(base, before, indexOfId(before.userIds, id)),
        );
      }
    });

    it("gives the same bytes for any number of threads, and other ones for another seed", async () => {
      const one = await tune(backends.wasm, base);
      const two = await tune(backends.wasm, base, { threads: 2 });
      const other = await tune(backends.wasm, base, { seed: 8 });
      expect(sameBytes(one.model.tensors, two.model.tensors)).toBe(true);
      expect(sameBytes(one.model.tensors, other.model.tensors)).toBe(false);
    });

    it("does in the fast backend what it does in the readable one", async () => {
      const [fast, readable] = [await tune(backends.wasm, base), await tune(backends.reference, base)];
      fast.training.curve.forEach(({ loss }, i) => {
        expect(Math.abs(loss / readable.training.curve[i].loss - 1)).toBeLessThan(1e-4);
      });
    });

    it("learns the new interactions", async () => {
      const { training } = await tune(backends.wasm, base, { epochs: 6 });
      const perEpoch = training.curve.length / 6;
      const mean = (points: typeof training.curve): number =>
        points.reduce((sum, { loss }) => sum + loss / points.length, 0);
      expect(mean(training.curve.slice(-perEpoch))).toBeLessThan(mean(training.curve.slice(0, perEpoch)));
    });
  });
}

describe("fine-tuning", () => {
  it("goes over all new interactions and as many older ones as it is told", async () => {
    const base = await trained("mf", { ...presets.mf, epochs: 1 });
    const all = before.train.items.length;
    const added = sample.train.items.length - all;
    for (const olderPerNew of [0, 2, 100]) {
      const tuned = await tune(backends.wasm, base, { olderPerNew, epochs: 1 });
      expect(tuned.newInteractions).toBe(added);
      expect(tuned.olderInteractions).toBeGreaterThanOrEqual(Math.min(all, olderPerNew * added));
      expect(tuned.training.samples).toBe((added + tuned.olderInteractions) * (1 + presets.mf.negatives));
    }
  });

  it("leaves the rows of whom it does not rehearse as they were", async () => {
    const base = await trained("mf", { ...presets.mf, epochs: 1 });
    const { model } = await tune(backends.wasm, base, { olderPerNew: 0, epochs: 1 });
    const start = grownModel({ base, before, sample, attributes });
    const row = ({ tensors, userRows }: TrainedModel, user: number): Float32Array | undefined =>
      tensors.get("gmf_user_embedding.weight")?.data.slice(userRows[user] * 64, userRows[user] * 64 + 64);
    const count = (of: Sample, user: number): number => of.train.offsets[user + 1] - of.train.offsets[user];
    const idle = [...sample.userIds.keys()].filter((user) => {
      const known = indexOfId(before.userIds, sample.userIds[user]);
      return known >= 0 && count(before, known) === count(sample, user);
    });
    expect(idle.length).toBeGreaterThan(0);
    for (const user of idle) expect(row(model, user)).toEqual(row(start, user));
  });

  it("starts an item of known genres nearer to its kind than to the mean item", async () => {
    const base = await trained("mf", presets.mf);
    const counts = trainingCounts(before);
    const kinds = Array.from(sample.itemIds, (id) => {
      const item = indexOfId(before.itemIds, id);
      return [item < 0 || counts[item] > 3 ? "popular" : "seldom"];
    });
    const grown = grownModel({ base, before, sample, attributes: kinds });
    const plain = grownModel({ base, before, sample, attributes });
    const bias = ({ tensors, itemRows }: TrainedModel, item: number): number =>
      tensors.get("item_bias.weight")?.data[itemRows[item]] ?? Number.NaN;
    const item = sample.itemIds.findIndex((_, index) => isNewItem(index));
    expect(bias(grown, item)).toBeGreaterThan(bias(plain, item));
  });

  it("is refused where there is nothing new", async () => {
    const base = await trained("mf", { ...presets.mf, epochs: 1 });
    await expect(tune(backends.wasm, base, { sample: before })).rejects.toMatchObject({
      code: "NOTHING_NEW",
      message: expect.stringContaining(`${before.train.items.length}`),
    });
  });
});
