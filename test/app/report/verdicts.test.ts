import { describe, expect, it } from "vitest";
import { verdictsOf } from "../../../src/app/report/verdicts.ts";
import { modelOf, neumf, paper, popularity, reportOf } from "./report-fixtures.ts";

const flat = [0.6, 0.6, 0.6, 0.6] as const;

describe("verdicts", () => {
  it("names a significant winner with the margin", () => {
    const { headline, winner, significant } = reportOf([popularity, paper, neumf]).verdicts;
    expect(headline).toBe("neumf wins: its HR@10 is 10.7 points above popularity's (p < 0.001).");
    expect({ winner, significant }).toEqual({ winner: "neumf", significant: true });
  });

  it("lets popularity win where it does", () => {
    const { headline, winner } = reportOf([paper, popularity]).verdicts;
    expect(headline).toBe("popularity wins: its HR@10 is 3.8 points above paper's (p = 0.008).");
    expect(winner).toBe("popularity");
  });

  it("calls no winner where chance may explain the lead", () => {
    const a = modelOf({ name: "a", hr: 0.61, ndcg: 0.3, quartiles: flat, versus: { difference: 0.001, pValue: 0.9 } });
    const { headline, significant } = verdictsOf([a, popularity], []);
    expect(headline).toContain("No clear winner: a leads popularity by 0.1 points");
    expect(significant).toBe(false);
  });

  it("calls models level that hit equally often", () => {
    const a = modelOf({ name: "a", hr: 0.6, ndcg: 0.3, quartiles: flat, versus: { difference: 0, pValue: 1 } });
    const { headline, significant } = verdictsOf(
      [a, { ...a, name: "b" }],
      [
        {
          model: "a",
          other: "b",
          difference: 0,
          interval: null,
          pValue: 1,
          fullCatalogue: { difference: 0, interval: null, pValue: 1 },
        },
      ],
    );
    expect({ headline, significant }).toEqual({
      headline: "No winner: a and b hit equally often.",
      significant: false,
    });
  });

  it("does not claim a test that was not made", () => {
    const { headline, significant } = verdictsOf([neumf, paper], []);
    expect(headline).toBe("neumf leads paper by 14.5 points of HR@10; the difference was not tested.");
    expect(significant).toBeNull();
  });

  it("compares nothing where there is one model", () => {
    const { headline, winner } = verdictsOf([neumf], []);
    expect(headline).toContain("there is no other model");
    expect(winner).toBeNull();
  });

  it("says plainly which models beat popularity and which lose to it", () => {
    const undecided = modelOf({
      name: "close",
      hr: 0.615,
      ndcg: 0.36,
      quartiles: flat,
      versus: { difference: -0.006, pValue: 0.61 },
    });
    const { models } = verdictsOf([neumf, paper, undecided, popularity], []);
    expect(models.map((m) => [m.name, m.versusPopularity])).toEqual([
      ["neumf", "beats"],
      ["paper", "loses"],
      ["close", "undecided"],
    ]);
    expect(models[2].text).toBe(
      "close cannot be told from popularity: 0.6 points below it, which may be chance (p = 0.610).",
    );
  });

  it.each([
    [
      [0.5, 0.6, 0.7, 0.8],
      "yes",
      "holds here. From the least to the most active quarter of users, HR@10 rises by 30.0 points for rising.",
    ],
    [
      [0.8, 0.7, 0.6, 0.5],
      "no",
      "does not hold here. From the least to the most active quarter of users, HR@10 falls by 30.0 points for rising.",
    ],
    [
      [0.6, 0.6, 0.6, 0.63],
      "undecided",
      "is not confirmed here. From the least to the most active quarter of users, HR@10 differs by no more than chance for rising.",
    ],
  ] as const)("judges the claim about active users: %j is %s", (quartiles, holds, text) => {
    const model = modelOf({ name: "rising", hr: 0.65, ndcg: 0.4, quartiles });
    const { activeUsers } = verdictsOf([model], []);
    expect(activeUsers.models[0].holds).toBe(holds);
    expect(activeUsers.text).toContain(text);
  });

  it("says so where there are no quartiles to compare", () => {
    const { activeUsers } = verdictsOf([{ ...neumf, byActivity: [] }], []);
    expect(activeUsers).toEqual({ text: "Too few users to compare active with less active ones.", models: [] });
  });
});
