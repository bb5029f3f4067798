import { describe, expect, it } from "vitest";
import { ncfStreamModel } from "../../src/streaming/ncf-stream-model.ts";
import { twoTastes } from "../app/serving/two-tastes.ts";

describe("a stream model", () => {
  it("adds to the logits of trained and of folded-in users what their history's attributes say", async () => {
    const { sample, scorer, foldIn, profile, version } = await twoTastes();
    const parts = { version, sample, scorer, foldIn, popularityHalfLifeMs: 1 };
    const trained = sample.train.items.slice(sample.train.offsets[0], sample.train.offsets[1]);
    const candidates = Int32Array.of(3, 1, 0, 70);
    for (const [userId, history] of [
      [1, trained],
      [1, Int32Array.of(...trained, 1)],
      [77, Int32Array.of(3)],
      [77, new Int32Array(0)],
    ] as const) {
      const [expected, added] = [new Float64Array(4), new Float64Array(4)];
      ncfStreamModel(parts).score(userId, history, candidates, expected);
      profile.addTo(expected, history, candidates);
      ncfStreamModel({ ...parts, profile }).score(userId, history, candidates, added);
      expect(added).toEqual(expected);
    }
  });

  it("that was trained on a stream knows which interactions it has learnt, wherever these came from", async () => {
    const { sample, scorer, foldIn, version } = await twoTastes();
    const parts = { version, sample, scorer, foldIn, popularityHalfLifeMs: 1 };
    expect(ncfStreamModel(parts).trainedOn).toBe(undefined);
    const { catalogue, trainedOn } = ncfStreamModel({ ...parts, cutOffOffsets: new Map([[0, 7]]) });
    const own = new Set(sample.train.items.subarray(sample.train.offsets[1], sample.train.offsets[2]));
    const learnt = [...catalogue].map((itemId) => trainedOn?.(sample.userIds[1], itemId));
    expect(learnt).toEqual([...catalogue.keys()].map((item) => own.has(item)));
    expect(new Set(learnt).size).toBe(2);
    expect([trainedOn?.(-1, catalogue[0]), trainedOn?.(sample.userIds[1], -1)]).toEqual([false, false]);
  });
});
