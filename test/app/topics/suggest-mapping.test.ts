import { describe, expect, it } from "vitest";
import { kindFields, suggestMapping } from "../../../src/app/topics/suggest-mapping.ts";

const iso = "2026-01-31T12:00:00.5Z";
const names = (userId: string, itemId: string, timestampMs: string) => ({ userId, itemId, timestampMs });

describe("a suggested mapping", () => {
  it.each([
    [{ userId: 1, itemId: "a", timestampMs: 1.7e12 }, { fields: names("userId", "itemId", "timestampMs") }],
    [
      { user_id: "u", product_id: 5, ts: 1_700_000_000 },
      { fields: names("user_id", "product_id", "ts"), time: "s" },
    ],
    [
      { customer: { name: "Ann", id: "c1" }, sku: "s-1", price: 3, occurredAt: iso, receivedAt: iso },
      { fields: names("customer.id", "sku", "occurredAt"), time: "iso" },
    ],
    [
      { user_agent: "x", account: "a1", content: { title: "T", id: 7 }, event_time: 1.7e12, updated_time: 1.7e12 },
      { fields: names("account", "content.id", "event_time") },
    ],
    [
      { visitorID: "v", asin: "B00", at: 1_700_000_000.25 },
      { fields: names("visitorID", "asin", "at"), time: "s" },
    ],
    [
      { user: 4, movie: 9, timestamp: 978_300_760 },
      { fields: names("user", "movie", "timestamp"), time: "s" },
    ],
  ])("of %j", (record, expected) => {
    expect(suggestMapping([record, record])).toEqual(expected);
  });

  it.each([
    [{ user_id: 1, item_id: 2 }],
    [{ user_id: 1, ts: 1.7e12 }],
    [{ id: 1, key: 2, ts: 1.7e12 }],
    [{ user_id: 1, item_id: 2, time: "noon" }],
    [{ user_id: 1, item_id: 2, time: 12 }],
    [{ user_id: [1], item_id: { x: null }, time: 1.7e12 }],
  ])("is not made of %j", (record) => {
    expect(suggestMapping([record])).toBeNull();
  });

  it("needs fields that most records have, and none at all without records", () => {
    const good = { user: 4, movie: 9, timestamp: 978_300_760 };
    expect(suggestMapping([good, good, { other: 1 }])).not.toBeNull();
    expect(suggestMapping([good, { other: 1 }, { other: 1 }])).toBeNull();
    expect(suggestMapping([])).toBeNull();
  });
});

describe("kinds of records", () => {
  it("are fields of few texts under a name that says so, the most frequent value first", () => {
    const records = ["view", "buy", "view"].map((action, i) => ({
      action,
      note: action,
      meta: { type: "x" },
      id: `${i}`,
    }));
    expect(kindFields(records)).toEqual([
      {
        path: "action",
        values: [
          { value: "view", count: 2 },
          { value: "buy", count: 1 },
        ],
      },
    ]);
    expect(kindFields(Array.from({ length: 20 }, (_, i) => ({ type: `t${i}` })))).toEqual([]);
  });
});
