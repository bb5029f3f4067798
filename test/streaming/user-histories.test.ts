import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UserHistories } from "../../src/streaming/user-histories.ts";

interface Entry {
  readonly item: number;
  readonly time: number;
  readonly tested: boolean;
}

/** Many users in turns, with a user who fills several blocks and pages. */
const appends = fc.array(
  fc.record({
    user: fc.constantFrom(1, 2, 2 ** 40, 2 ** 53 - 1),
    burst: fc.constantFrom(1, 1, 3, 40, 700),
    tested: fc.boolean(),
  }),
  { maxLength: 40 },
);

function fill(bursts: readonly { user: number; burst: number; tested: boolean }[]) {
  const histories = new UserHistories();
  const expected = new Map<number, Entry[]>();
  let clock = 0;
  for (const { user, burst, tested } of bursts) {
    const entries = expected.get(user) ?? [];
    expected.set(user, entries);
    for (let i = 0; i < burst; i++) {
      const entry = { item: 2 ** 33 + 7 * entries.length, time: (clock++ * 7919) % 1000, tested };
      histories.append(user, entry.item, entry.time, tested);
      entries.push(entry);
    }
  }
  return { histories, expected };
}

describe("user histories", () => {
  it("give each user's entries in the order in which they joined, however users alternate", () => {
    fc.assert(
      fc.property(appends, (bursts) => {
        const { histories, expected } = fill(bursts);
        expect(histories.userCount).toBe(expected.size);
        for (const [user, entries] of expected) {
          const index = histories.userIndex(user);
          const { itemIds, timesMs, tested } = histories.read(index);
          expect([...itemIds]).toEqual(entries.map(({ item }) => item));
          expect([...timesMs]).toEqual(entries.map(({ time }) => time));
          expect([...tested]).toEqual(entries.map((entry) => (entry.tested ? 1 : 0)));
          const items = new Int32Array(entries.length);
          histories.copyItems(index, items);
          expect([...items].map((item) => histories.itemId(item))).toEqual([...itemIds]);
        }
        expect(histories.entryCount).toBe([...expected.values()].reduce((sum, entries) => sum + entries.length, 0));
      }),
      { numRuns: 40 },
    );
  });

  it("know what a user has touched and nothing else", () => {
    fc.assert(
      fc.property(appends, (bursts) => {
        const { histories, expected } = fill(bursts);
        for (const user of [1, 2, 3, 2 ** 40]) {
          const items = new Set(expected.get(user)?.map(({ item }) => item));
          for (let n = 0; n < 2200; n += 61) {
            const item = 2 ** 33 + 7 * n;
            expect(histories.has(user, item)).toBe(items.has(item));
            expect(histories.has(user, item + 1)).toBe(false);
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  it("find the nearest tested events on both sides of a moment, and count those up to a cut-off", () => {
    fc.assert(
      fc.property(appends, fc.nat(1000), fc.nat(1000), (bursts, moment, cutOff) => {
        const { histories, expected } = fill(bursts);
        for (const [user, entries] of expected) {
          const tested = entries.filter((entry) => entry.tested).map(({ time }) => time);
          expect(histories.surroundings(histories.userIndex(user), moment, cutOff)).toEqual({
            testedBeforeMs: Math.max(...tested.filter((time) => time <= moment)),
            testedAfterMs: Math.min(...tested.filter((time) => time >= moment)),
            trained: entries.filter(({ time }) => time <= cutOff).length,
          });
        }
      }),
      { numRuns: 30 },
    );
  });

  it("take a user over from another table, whatever its numbering", () => {
    const { histories, expected } = fill([
      { user: 5, burst: 30, tested: false },
      { user: 2, burst: 300, tested: true },
    ]);
    const other = new UserHistories();
    other.append(9, 2 ** 33 + 70, 1, false);
    other.addFrom(histories, 2);
    other.addFrom(histories, 77);
    expect(other.read(other.userIndex(2))).toEqual(histories.read(histories.userIndex(2)));
    expect(other.count(other.userIndex(2))).toBe(expected.get(2)?.length);
    expect(other.userIndex(77)).toBe(-1);
    // Items that the other table met since.
    histories.append(5, 3, 7, true);
    other.addFrom(histories, 5);
    expect(other.read(other.userIndex(5))).toEqual(histories.read(histories.userIndex(5)));
  });

  it("answer for a user that they never met", () => {
    const histories = new UserHistories();
    expect(histories.userIndex(1)).toBe(-1);
    expect(histories.count(-1)).toBe(0);
    expect(histories.has(1, 1)).toBe(false);
    expect(histories.read(-1).itemIds).toHaveLength(0);
    expect(histories.surroundings(-1, 0, 0)).toEqual({
      testedBeforeMs: Number.NEGATIVE_INFINITY,
      testedAfterMs: Number.POSITIVE_INFINITY,
      trained: 0,
    });
  });

  it("take at most 22 bytes an entry for users of about 145 entries", () => {
    const histories = new UserHistories();
    for (let entry = 0; entry < 145; entry++) {
      for (let user = 0; user < 500; user++) histories.append(user, entry, entry, false);
    }
    expect(histories.byteLength / histories.entryCount).toBeLessThan(22);
  });
});
