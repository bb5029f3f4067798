import { describe, expect, it } from "vitest";
import { isNetworkPlan } from "../../../src/app/fit-model.ts";
import { parseModelSettings } from "../../../src/app/tuning/model-settings.ts";
import { settledPlan } from "../../../src/app/tuning/settled-plan.ts";
import { encodeJson } from "../../../src/core/json.ts";
import { presets } from "../../../src/ncf/config.ts";

const file = (model: string, settings: object) =>
  parseModelSettings(encodeJson({ formatVersion: 1, model, settings }), "mine.json");

describe("a file of settings", () => {
  it("replaces those settings of a preset that it has, and gives way to changes", () => {
    const settings = { learningRate: 0.004, mlp: { hidden: [32, 16] }, gmf: { embeddingSize: 8 } };
    const plan = settledPlan(file("neumf", settings), { epochs: 3 }, "mine.json");
    const { mlp, gmf } = presets.neumf;
    expect(plan).toEqual({
      name: "neumf",
      config: {
        ...presets.neumf,
        learningRate: 0.004,
        epochs: 3,
        mlp: { ...mlp, hidden: [32, 16] },
        gmf: { ...gmf, embeddingSize: 8 },
      },
    });
  });

  it("may add the history that a preset does without", () => {
    const history = { weights: "mean", window: 50, alpha: 1, ownRow: false };
    const plan = settledPlan(file("mf", { history }), {}, "mine.json");
    expect(isNetworkPlan(plan) && plan.config.history).toEqual(history);
  });

  it("is for baselines, too", () => {
    const plan = settledPlan(file("decayed-popularity", { halfLifeDays: 30 }), {}, "mine.json");
    expect(plan).toMatchObject({ name: "decayed-popularity", settings: { halfLifeDays: 30 } });
  });

  it("reaches the parts of a hybrid", () => {
    const settings = { collaborative: "ease", "collaborative.regularization": 50 };
    expect(settledPlan(file("hybrid", settings), {}, "mine.json")).toMatchObject({
      settings: { ridge: 10, ...settings },
    });
  });

  it.each([
    ["neumf", { learningrate: 1 }, /mine\.json: expected settings among .*learningRate.*, found learningrate/],
    ["neumf", { mlp: { width: 1 } }, /mine\.json: mlp: expected settings among .*hidden.*, found width/],
    ["neumf", { mlp: { hidden: 64 } }, /mine\.json: mlp: hidden: expected such as \[64,32,16\], found 64/],
    ["neumf", { batchSize: 500 }, /batchSize: a multiple of 64/],
    ["neumff", {}, /expected a preset/],
    ["decayed-popularity", { days: 3 }, /mine\.json: .*: expected only halfLifeDays, found days/],
    ["ease", { regularization: -2 }, /mine\.json: .*ease: expected regularization: a number above 0, found -2/],
    ["hybrid", { "collaborative.colour": 1 }, /mine\.json: .*item-knn-recency: expected only .*, found colour/],
  ])("refuses %s with %j", (model, settings, message) => {
    expect(() => settledPlan(file(model, settings), {}, "mine.json")).toThrow(message);
  });

  it("says what is wrong with another file", () => {
    expect(() => parseModelSettings(new TextEncoder().encode("{"), "x.json")).toThrow(/x\.json: .* found no JSON/);
    expect(() => parseModelSettings(encodeJson({ formatVersion: 1, model: 3 }), "x.json")).toThrow(/at model/);
  });
});
