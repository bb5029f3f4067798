import { describe, expect, it } from "vitest";
import { reportTable } from "../../../src/app/report/report-table.ts";
import { modelOf, neumf, paper, popularity, reportOf } from "./report-fixtures.ts";

describe("the report on the terminal", () => {
  it("lines the figures up in columns, with what they mean below", () => {
    expect(reportTable(reportOf([neumf, paper, popularity]))).toBe(
      `ml-latest-small: 610 users tested, each with one held-out movie among 99 unseen
ones, of 9,724 movies.

            HR@10                 NDCG   HR@10 over          against
model       [95 % interval]       @10    all (est.)     ms   popularity
--------------------------------------------------------------------------
neumf       0.716 [0.680, 0.752]  0.448  0.079 (0.076)  4.9  +0.107 p<.001
popularity  0.609 [0.570, 0.648]  0.363  0.067 (0.065)  0.2
paper       0.571 [0.532, 0.610]  0.331  0.063 (0.061)  4.9  -0.038 p=.008

neumf wins: its HR@10 is 10.7 points above popularity's (p < 0.001).
paper loses to popularity by 3.8 points (p = 0.008): recommending the same
favourites to everybody does better.`,
    );
  });

  it("says once that the leader cannot be told from popularity", () => {
    const close = modelOf({
      name: "close",
      hr: 0.615,
      ndcg: 0.36,
      quartiles: [0.7, 0.6, 0.6, 0.5],
      versus: { difference: 0.006, pValue: 0.61 },
    });
    const text = reportTable(reportOf([close, popularity]));
    expect(text).toContain("No clear winner: close leads popularity by 0.6 points of HR@10");
    expect(text).not.toContain("cannot be told");
  });

  it("fits 80 columns with long names and the widest figures", () => {
    const name = "a-model-with-an-uncommonly-long-name";
    const long = modelOf({
      name,
      hr: 0.5,
      ndcg: 0.3,
      quartiles: [0.5, 0.5, 0.5, 0.5],
      versus: { difference: -0.109, pValue: 0.041 },
    });
    const negative = { ...long.corrected, hrAt10: -0.012 };
    const base = reportOf([{ ...long, corrected: negative }, neumf, popularity]);
    const report = { ...base, dataset: { ...base.dataset, name: "a rather long data set name ".repeat(6).trim() } };
    const lines = reportTable(report).split("\n");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines.some((line) => line.startsWith("a-model-with-.. "))).toBe(true);
  });

  it("groups what is to be said of many models", () => {
    const losing = (name: string, difference: number) =>
      modelOf({
        name,
        hr: 0.609 + difference,
        ndcg: 0.3,
        quartiles: [0.5, 0.5, 0.5, 0.5],
        versus: { difference, pValue: 0.003 },
      });
    const close = (name: string) =>
      modelOf({
        name,
        hr: 0.61,
        ndcg: 0.3,
        quartiles: [0.5, 0.5, 0.5, 0.5],
        versus: { difference: 0.001, pValue: 0.8 },
      });
    const models = [neumf, losing("a", -0.02), losing("b", -0.131), close("c"), close("d"), popularity];
    const text = reportTable(reportOf(models)).replaceAll("\n", " ");
    expect(text).toContain("a and b lose to popularity by 2.0 to 13.1 points: recommending");
    expect(text).toContain("c and d cannot be told from popularity: they lie 0.1 points off it");
  });

  it("says when the full catalogue orders models otherwise, and how seeds differ", () => {
    const sharp = { ...neumf, fullCatalogue: { ...neumf.fullCatalogue, hrAt10: 0.01 } };
    const spread = { mean: 0.7142, standardDeviation: 0.0061, values: [0.708, 0.7142, 0.7204] };
    const seeds = { seeds: [1, 2, 3], hrAt10: spread, ndcgAt10: spread, fullCatalogueHrAt10: spread };
    const text = reportTable(reportOf([{ ...sharp, seeds }, popularity])).replaceAll("\n", " ");
    expect(text).toContain(
      "The full catalogue orders the pair of models otherwise than the sampled candidates: popularity before neumf (p = 0.210)",
    );
    expect(text).toContain("HR@10 over 3 seeds, mean ± standard deviation: neumf 0.714 ± 0.006.");
  });

  it("names the moments of a split by time", () => {
    const base = reportOf([neumf, popularity]);
    const at = (year: number) => ({ ...base.splits[0], beforeMs: Date.UTC(year, 0, 1), testedUsers: 50 });
    const temporal = { ...base, protocol: { ...base.protocol, split: "temporal" as const }, splits: [at(2016)] };
    expect(reportTable(temporal).replaceAll("\n", " ")).toContain(
      "50 users tested, each with their next movie from 2016-01-01 on, among 99",
    );
    const rolling = {
      ...base,
      protocol: { ...base.protocol, split: "rolling" as const },
      splits: [at(2014), at(2016)],
    };
    expect(reportTable(rolling).replaceAll("\n", " ")).toContain(
      "100 tests of a user's next movie after one of 2 moments from 2014-01-01 to 2016-01-01, among 99",
    );
  });

  it("marks generated data in its first line", () => {
    const base = reportOf([neumf, popularity]);
    const text = reportTable({ ...base, dataset: { ...base.dataset, name: "generated", generated: true } });
    expect(text.split("\n")[0]).toBe("GENERATED DATA: these figures say nothing about real users.");
  });

  it("speaks of items where the data are not films", () => {
    const base = reportOf([neumf, popularity]);
    const validation = { ...base.dataset.validation, format: "csv" };
    const text = reportTable({ ...base, dataset: { ...base.dataset, validation } });
    expect(text).toContain("one held-out item");
    expect(text).not.toContain("movie");
  });

  it("lets no control character of a data set's name reach the terminal", () => {
    const base = reportOf([popularity]);
    const text = reportTable({ ...base, dataset: { ...base.dataset, name: "evil\u001b[2J\r\u0007" } });
    expect(text.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  });
});
