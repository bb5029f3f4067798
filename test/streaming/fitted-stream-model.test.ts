import { describe, expect, it } from "vitest";
import { ncfUserModel } from "../../src/app/fitted-model.ts";
import { profileOf } from "../../src/app/new-items.ts";
import { createFoldIn } from "../../src/ncf/fold-in.ts";
import { createScorer } from "../../src/ncf/wasm/scorer.ts";
import { fittedStreamModel } from "../../src/streaming/fitted-stream-model.ts";
import { detailsOf, twoTastesModel } from "../app/serving/two-tastes.ts";

async function twoTastes() {
  const { sample, model: network } = await twoTastesModel();
  const parts = { scorer: createScorer(network), foldIn: createFoldIn(network) };
  const profile = profileOf(sample, detailsOf(sample));
  const of = (model: ReturnType<typeof ncfUserModel>, cutOffOffsets?: ReadonlyMap<number, number>) =>
    fittedStreamModel({
      version: "v1",
      sample,
      model,
      popularityHalfLifeMs: 1,
      ...(cutOffOffsets !== undefined && { cutOffOffsets }),
    });
  return { sample, parts, profile, of };
}

describe("a stream model", () => {
  it("adds to the logits of trained and of folded-in users what their history's attributes say", async () => {
    const { sample, parts, profile, of } = await twoTastes();
    const trained = sample.train.items.slice(sample.train.offsets[0], sample.train.offsets[1]);
    const candidates = Int32Array.of(3, 1, 0, 70);
    for (const [userId, history] of [
      [1, trained],
      [1, Int32Array.of(...trained, 1)],
      [77, Int32Array.of(3)],
      [77, new Int32Array(0)],
    ] as const) {
      const [expected, added] = [new Float64Array(4), new Float64Array(4)];
      of(ncfUserModel(parts)).score(userId, history, candidates, expected);
      profile.addTo(expected, history, candidates);
      of(ncfUserModel({ ...parts, profile })).score(userId, history, candidates, added);
      expect(added).toEqual(expected);
    }
  });

  it("that was trained on a stream knows which interactions it has learnt, wherever these came from", async () => {
    const { sample, parts, of } = await twoTastes();
    const model = ncfUserModel(parts);
    expect(of(model).trainedOn).toBe(undefined);
    const { catalogue, trainedOn } = of(model, new Map([[0, 7]]));
    const own = new Set(sample.train.items.subarray(sample.train.offsets[1], sample.train.offsets[2]));
    const learnt = [...catalogue].map((itemId) => trainedOn?.(sample.userIds[1], itemId));
    expect(learnt).toEqual([...catalogue.keys()].map((item) => own.has(item)));
    expect(new Set(learnt).size).toBe(2);
    expect([trainedOn?.(-1, catalogue[0]), trainedOn?.(sample.userIds[1], -1)]).toEqual([false, false]);
  });
});
