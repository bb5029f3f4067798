import { describe, expect, it } from "vitest";
import { withItemFeatures } from "../../src/app/item-features.ts";
import { presets } from "../../src/ncf/config.ts";

const itemIds = Float64Array.of(3, 5, 9);
const details = [
  { id: 5, title: "Heat (1995)", genres: ["Action", "Crime"] },
  { id: 9, title: "Untitled", genres: ["Crime"] },
];

describe("features of items", () => {
  it("are genres and periods, none for an item that is not listed", () => {
    const { config, itemFeatures } = withItemFeatures(presets.mf, "attributes", itemIds, details);
    expect(config).toEqual({
      ...presets.mf,
      itemFeatures: { from: "attributes", names: ["Action", "Crime", "released from 1995"] },
    });
    expect([...itemFeatures.offsets]).toEqual([0, 0, 3, 4]);
    expect([...itemFeatures.features]).toEqual([0, 1, 2, 1]);
    expect(itemFeatures.values[0]).toBeCloseTo(1 / Math.sqrt(3), 6);
    expect(itemFeatures.values[3]).toBe(1);
  });

  it("are vectors by id, of unit length", () => {
    const byItem = new Map([
      [3, Float32Array.of(3, 4)],
      [77, Float32Array.of(1, 0)],
    ]);
    const { config, itemFeatures } = withItemFeatures(presets.mf, { length: 2, byItem }, itemIds, []);
    expect(config.itemFeatures).toEqual({ from: "vectors", names: ["0", "1"] });
    expect([...itemFeatures.offsets]).toEqual([0, 2, 2, 2]);
    expect(itemFeatures.values[0]).toBeCloseTo(0.6, 6);
    expect(itemFeatures.values[1]).toBeCloseTo(0.8, 6);
  });

  it("are missed where no item has any", () => {
    expect(() => withItemFeatures(presets.mf, "attributes", itemIds, [])).toThrow(/found none\. Use data with a list/);
    const foreign = { length: 1, byItem: new Map([[1, Float32Array.of(1)]]) };
    expect(() => withItemFeatures(presets.mf, foreign, itemIds, [])).toThrow(
      /vectors of the 3 items, found 1 of others/,
    );
  });
});
