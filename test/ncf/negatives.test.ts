import { describe, expect, it } from "vitest";
import type { TrainingData } from "../../src/ncf/backend.ts";
import { BatchSampler, negativeTable } from "../../src/ncf/batches.ts";
import { checkConfig, type NcfConfig, presets } from "../../src/ncf/config.ts";

const users = 400;
const items = 64;

/** Item i has 4 i takers, one after the other around the circle of users. */
const takers = Array.from({ length: items }, (_, item) => 4 * item);
const lists: number[][] = Array.from({ length: users }, () => []);
let next = 0;
takers.forEach((count, item) => {
  for (let i = 0; i < count; i++) lists[next++ % users].push(item);
});
const offsets = new Uint32Array(users + 1);
lists.forEach((list, user) => {
  offsets[user + 1] = offsets[user] + list.length;
});
const identity = (count: number): Int32Array => Int32Array.from({ length: count }, (_, i) => i);
const data: TrainingData = {
  users,
  items,
  offsets,
  positives: Int32Array.from(lists.flat()),
  userRows: identity(users),
  itemRows: identity(items),
  userRowCount: users,
  itemRowCount: items,
};

/** How often each item is a negative in an epoch, by the users who could have it as one. */
function rates(config: NcfConfig): number[] {
  const drawn = new Array<number>(items).fill(0);
  const sampler = new BatchSampler(config, data, 1);
  for (let step = 0; step < sampler.stepsPerEpoch; step++) {
    const { items: found, labels } = sampler.at(step);
    found.forEach((item, i) => {
      if (labels[i] === 0) drawn[item] += 1;
    });
  }
  return drawn.map((count, item) => count / (users - takers[item]));
}

describe("negatives", () => {
  it("are all alike by default", () => {
    const found = rates(presets.mf);
    const mean = found.reduce((sum, rate) => sum + rate, 0) / items;
    for (const rate of found.slice(0, 50)) expect(rate / mean).toBeCloseTo(1, 0);
  });

  it("are drawn in proportion to a power of their popularity where a configuration says so", () => {
    const found = rates({ ...presets.mf, negativePower: 0.5 });
    for (const [rare, popular] of [
      [2, 40],
      [10, 50],
    ]) {
      const expected = Math.sqrt((1 + takers[popular]) / (1 + takers[rare]));
      expect(found[popular] / found[rare] / expected).toBeGreaterThan(0.7);
      expect(found[popular] / found[rare] / expected).toBeLessThan(1.4);
    }
  });

  it("are refused by a power that makes no sense, and for a catalogue beyond the table", () => {
    expect(() => checkConfig({ ...presets.mf, negativePower: 2 })).toThrow("negativePower");
    expect(() => negativeTable({ ...presets.mf, negativePower: 0.5 }, { ...data, items: 2 ** 20 + 1 })).toThrow(
      expect.objectContaining({ code: "DATA_TOO_LARGE" }),
    );
  });
});
