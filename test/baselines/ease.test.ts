import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type EaseSettings, ease } from "../../src/baselines/ease.ts";
import { undivided } from "../../src/core/leave-one-out.ts";
import { inverse } from "../../src/core/linear-algebra.ts";
import type { Sample } from "../../src/core/sample.ts";
import { checkerboard } from "../core/checkerboard.ts";
import { sampleOfHistories } from "../core/sample-of-histories.ts";

const settings: EaseSettings = { ...ease.defaults, regularization: 2 };

/** The closed form as it is published, over a dense X: each item's score for the history. */
function closedForm(
  histories: readonly (readonly number[])[],
  items: number,
  history: readonly number[],
  s: EaseSettings,
) {
  const row = (places: readonly number[], power: number): number[] => {
    const x = new Array<number>(items).fill(0);
    places.forEach((item, at) => {
      x[item] = (places.length - at) ** -power;
    });
    return x;
  };
  const gram = new Float64Array(items * items);
  for (const x of histories.map((places) => row(places, 0))) {
    for (let i = 0; i < items; i++) for (let j = 0; j < items; j++) gram[i * items + j] += x[i] * x[j];
  }
  for (let i = 0; i < items; i++) gram[i * items + i] += s.regularization;
  const p = inverse(gram, items);
  const asked = row(history, s.recency);
  return asked.map((_, j) =>
    asked.reduce((sum, x, i) => sum + (i === j ? 0 : (-x * p[i * items + j]) / p[j * items + j]), 0),
  );
}

async function scores(sample: Sample, s: EaseSettings, history: readonly number[]): Promise<number[]> {
  const model = await ease.fit({ sample, attributes: [] }, s);
  const items = Int32Array.from(sample.itemIds.keys());
  const found = new Float64Array(items.length);
  model.scoreHistory(Int32Array.from(history), items, found);
  return [...found];
}

describe("ease", () => {
  const history = fc.uniqueArray(fc.nat(9), { maxLength: 8 });

  it.each([
    { users: { minLength: 1, maxLength: 8 }, form: "with fewer users than items" },
    { users: { minLength: 10, maxLength: 20 }, form: "with as many users as items, or more" },
  ])("gives the published closed form $form, for any histories and weights of places", async ({ users }) => {
    const powers = fc.constantFrom(0, 0.5, 1);
    await fc.assert(
      fc.asyncProperty(fc.array(history, users), history, powers, async (all, asked, recency) => {
        const s = { ...settings, recency };
        const expected = closedForm(all, 10, asked, s);
        (await scores(sampleOfHistories(all, 10), s, asked)).forEach((score, item) => {
          expect(score).toBeCloseTo(expected[item], 5);
        });
      }),
      { seed: 1, numRuns: 60 },
    );
  });

  it("recommends the other colour's squares to nobody on a checkerboard", async () => {
    const sample = undivided(checkerboard(2, 20, 10));
    const [own, other] = await scores(sample, settings, [0, 2, 4]).then((all) => [all[6], all[7]]);
    expect(own).toBeGreaterThan(0.1);
    expect(other).toBeCloseTo(0, 6);
  });

  it("lets the newest of a history count most under recency", async () => {
    const sample = undivided(checkerboard(2, 20, 10));
    const recent = { ...settings, recency: 1 };
    const [even, odd] = await scores(sample, recent, [0, 1]).then((all) => [all[6], all[7]]);
    expect(odd / even).toBeCloseTo(2, 5);
  });

  it("refuses what would take too long, saying what it would take and what to do", async () => {
    const sample = sampleOfHistories([[0], [1], [2]], 5);
    const refused = ease.fit({ sample, attributes: [] }, { ...settings, largestSize: 2 });
    await expect(refused).rejects.toMatchObject({
      code: "MODEL_TOO_LARGE",
      message: expect.stringMatching(/at most 2 .*found 3 users and 5 items.*hours.*GB.*ials.*largestSize to 3/),
    });
  });

  it("reports progress up to the end, and ends with the signal's reason", async () => {
    const wide = sampleOfHistories([Array.from({ length: 800 }, (_, item) => item)], 800);
    const many = {
      ...wide,
      ...sampleOfHistories(
        Array.from({ length: 800 }, (_, user) => [user]),
        800,
      ),
    };
    const shares: number[] = [];
    await ease.fit({ sample: many, attributes: [] }, settings, { onProgress: (share) => shares.push(share) });
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBeGreaterThan(0.8);
    expect(shares.at(-1)).toBeLessThanOrEqual(1);
    const reason = new Error("enough");
    const stopped = ease.fit({ sample: many, attributes: [] }, settings, { signal: AbortSignal.abort(reason) });
    await expect(stopped).rejects.toBe(reason);
  });
});
