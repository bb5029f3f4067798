import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RecordedInteractions } from "../../../src/app/serving/recorded-interactions.ts";

describe("recorded interactions", () => {
  it("are those that were added, in their order, no item of a user twice", () => {
    const id = fc.oneof(fc.constantFrom("", "__proto__", "0", "größe 🎬"), fc.nat(60).map(String));
    const touch = fc.record({ userId: id, itemId: id, timestampMs: fc.integer() });
    fc.assert(
      fc.property(fc.array(touch, { maxLength: 5000, size: "max" }), (touches) => {
        const recorded = new RecordedInteractions();
        const expected = new Map<string, { itemId: string; timestampMs: number }[]>();
        for (const { userId, itemId, timestampMs } of touches) {
          const own = expected.get(userId) ?? [];
          const known = own.some((touch) => touch.itemId === itemId);
          expect(recorded.has(userId, itemId)).toBe(known);
          if (known) continue;
          recorded.add(userId, { itemId, timestampMs });
          expected.set(userId, [...own, { itemId, timestampMs }]);
        }
        expect([...recorded.users()]).toEqual([...expected.keys()]);
        for (const [userId, own] of expected) expect(recorded.of(userId)).toEqual(own);
      }),
      { numRuns: 20 },
    );
  });

  it("of one user are many without being slow", () => {
    const recorded = new RecordedInteractions();
    for (let i = 0; i < 100_000; i++) {
      if (!recorded.has("a", String(i))) recorded.add("a", { itemId: String(i), timestampMs: i });
    }
    expect(recorded.of("a")).toHaveLength(100_000);
    expect(recorded.has("a", "100000")).toBe(false);
    expect(recorded.of("nobody")).toEqual([]);
  });
});
