import { describe, expect, it } from "vitest";
import { encodeJson, encodeJsonEach } from "../../src/core/json.ts";

describe("many values as JSON", () => {
  for (const [what, text] of [
    ["ASCII alone", "Heat (1995)"],
    ["other text too", "Amélie 👓"],
  ]) {
    it(`are each the bytes of one: ${what}`, () => {
      const values = [{ offset: 1 }, { offset: 2, text }, [], null, { text: "plain" }];
      expect(encodeJsonEach(values)).toEqual(values.map(encodeJson));
      expect(encodeJsonEach([])).toEqual([]);
    });
  }
});
