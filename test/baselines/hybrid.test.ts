import { describe, expect, it } from "vitest";
import type { Baseline } from "../../src/baselines/baseline.ts";
import { baselineKindNamed } from "../../src/baselines/kinds.ts";
import { sampleOfHistories } from "../core/sample-of-histories.ts";

/** Users take what has their colour, in an order of their own; the last item of each colour is taken by nobody. */
const colours = 2;
const perColour = 12;
const attributes = Array.from({ length: colours * perColour }, (_, item) => [`colour ${item % colours}`]);
const histories = Array.from({ length: 40 }, (_, user) =>
  Array.from({ length: 3 + (user % 7) }, (_, n) => ((n * 5 + user) % (perColour - 1)) * colours + (user % colours)),
);
const sample = sampleOfHistories(histories, colours * perColour);
const kind = baselineKindNamed("hybrid");

async function hybrid(settings: Record<string, string | number> = {}): Promise<Baseline> {
  if (kind === null) throw new Error("expected a hybrid among the kinds");
  return kind.fit({ sample, attributes }, { ...kind.defaults, ...settings });
}

function scores(model: Baseline, history: readonly number[]): Float64Array {
  const found = new Float64Array(attributes.length);
  model.scoreHistory(Int32Array.from(history), Int32Array.from(found.keys()), found);
  return found;
}

describe("a hybrid", () => {
  it("knows items that nobody has taken by their attributes", async () => {
    const [evenUntaken, oddUntaken] = [colours * perColour - 2, colours * perColour - 1];
    const found = scores(await hybrid(), histories[0]);
    expect(found[evenUntaken]).toBeGreaterThan(found[oddUntaken]);
  });

  it("recommends to a user without a history what is popular", async () => {
    const counts = new Float64Array(attributes.length);
    for (const item of sample.train.items) counts[item] += 1;
    const order = (values: Float64Array): number[] => [...values.keys()].sort((a, b) => values[b] - values[a] || a - b);
    const found = scores(await hybrid(), []);
    expect(
      Math.min(
        ...order(found)
          .slice(0, 5)
          .map((item) => counts[item]),
      ),
    ).toBeGreaterThanOrEqual(counts[order(counts)[4]] - 1);
  });

  it("takes its parts and their settings by name, and keeps them all", async () => {
    const model = await hybrid({ collaborative: "user-knn", "collaborative.neighbours": 7, "content.prior": 2 });
    expect(model.settings).toMatchObject({
      collaborative: "user-knn",
      "collaborative.neighbours": 7,
      "collaborative.amplification": baselineKindNamed("user-knn")?.defaults.amplification,
      "content.prior": 2,
    });
    expect([...model.tensors.keys()]).toContain("collaborative.offsets");
  });

  it("refuses a part that does not exist, and settings that a part does not have", async () => {
    await expect(hybrid({ collaborative: "oracle" })).rejects.toThrow(/collaborative: one of item-knn, .*"oracle"/);
    await expect(hybrid({ "collaborative.colour": 1 })).rejects.toThrow(/item-knn-recency: .*colour/);
    await expect(hybrid({ "content.prior": 0 })).rejects.toThrow(/content-based: .*prior.*above 0/);
  });
});
