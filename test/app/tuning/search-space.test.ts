import { describe, expect, it } from "vitest";
import { defaultSpace } from "../../../src/app/tuning/default-spaces.ts";
import { asSettings } from "../../../src/app/tuning/ncf-tunable.ts";
import { drawSettings, parseSearchSpace, pathsOf, settingAt } from "../../../src/app/tuning/search-space.ts";
import { checkConfig, type NcfConfig, presets } from "../../../src/ncf/config.ts";

const check = (settings: unknown): void => checkConfig(settings as NcfConfig);
const neumf = { base: asSettings(presets.neumf), check };

describe("search space", () => {
  it("draws values from lists and ranges, the same for the same seed and trial", () => {
    const space = parseSearchSpace(
      {
        learningRate: { from: 1e-4, to: 1e-2, scale: "log" },
        "mlp.dropout": { from: 0, to: 0.5 },
        "gmf.embeddingSize": { from: 8, to: 128, scale: "log", multipleOf: 4 },
        "mlp.hidden": [[32], [64, 32]],
      },
      neumf,
      "space.json",
    );
    const draws = Array.from({ length: 200 }, (_, trial) => drawSettings(space, neumf, 7, trial));
    expect(draws[0]).toEqual(neumf.base);
    expect(drawSettings(space, neumf, 7, 5)).toEqual(draws[5]);
    expect(drawSettings(space, neumf, 8, 5)).not.toEqual(draws[5]);
    const rates = draws.slice(1).map((settings) => Number(settings.learningRate));
    expect(Math.min(...rates)).toBeGreaterThanOrEqual(1e-4);
    expect(Math.max(...rates)).toBeLessThanOrEqual(1e-2);
    // On a log scale half of them lie below the geometric mean.
    const low = rates.filter((rate) => rate < 1e-3).length / rates.length;
    expect(low).toBeGreaterThan(0.38);
    expect(low).toBeLessThan(0.62);
    const sizes = new Set(draws.map((settings) => Number(settingAt(settings, "gmf.embeddingSize"))));
    expect([...sizes].every((size) => size % 4 === 0)).toBe(true);
    expect(sizes.size).toBeGreaterThan(8);
    expect(settingAt(draws[3], "mlp.embeddingSize")).toBe(presets.neumf.mlp.embeddingSize);
  });

  it("draws again what makes no model", () => {
    const searched = { base: asSettings(presets.paper), check };
    const space = parseSearchSpace({ "mlp.regularizedLayers": [0, 3], "mlp.hidden": [[32, 16, 8]] }, searched, "s");
    const pairs = { ...space, "mlp.hidden": [[32], [32, 16, 8]] };
    for (let trial = 1; trial < 50; trial++) expect(() => check(drawSettings(pairs, searched, 1, trial))).not.toThrow();
    expect(() => drawSettings({ batchSize: [63] }, searched, 1, 1)).toThrow(/go together, found none/);
  });

  it.each([
    [{ learningrate: [1] }, /learningrate: expected one of learningRate, .*mlp\.embeddingSize/],
    [{ mlp: [null] }, /mlp: expected one of/],
    [{ learningRate: ["fast"] }, /learningRate: expected values such as 0.002, found "fast"/],
    [{ learningRate: [] }, /learningRate: expected a list of values, or/],
    [{ learningRate: { from: 1, to: 0.1 } }, /learningRate: expected a list of values, or/],
    [{ learningRate: { from: 0, to: 0.1, scale: "log" } }, /learningRate: expected/],
    [{ learningRate: { from: 0.1, to: 1, step: 2 } }, /learningRate: expected/],
    [{ batchSize: [500] }, /batchSize = 500: model configuration: batchSize: a multiple of 64/],
    [{ "mlp.hidden": [[33]] }, /mlp\.hidden = \[33\]: model configuration: mlp\.hidden: multiples of 8/],
    [[], /the document: expected/],
  ])("refuses %j", (value, message) => {
    expect(() => parseSearchSpace(value, neumf, "space.json")).toThrow(message);
  });

  it.each(Object.keys(presets))("has a default for %s, all of whose values make a model", (name) => {
    const config: NcfConfig = presets[name as keyof typeof presets];
    const searched = { base: asSettings(config), check };
    const space = defaultSpace(config, searched);
    expect(Object.keys(space).every((path) => pathsOf(searched.base).includes(path))).toBe(true);
    expect(parseSearchSpace(JSON.parse(JSON.stringify(space)), searched, "default")).toEqual(space);
    for (let trial = 1; trial < 20; trial++) check(drawSettings(space, searched, 3, trial));
  });
});
