import { describe, expect, it } from "vitest";
import { reportTable } from "../../../src/app/report/report-table.ts";
import { modelOf, neumf, paper, popularity, reportOf } from "./report-fixtures.ts";

describe("the report on the terminal", () => {
  it("lines the figures up in columns, with what they mean below", () => {
    expect(reportTable(reportOf([neumf, paper, popularity]))).toBe(
      `ml-latest-small: 610 users tested, each with one held-out movie among 99 unseen
ones, of 9,724 movies.

            HR@10                 NDCG@10               HR@10  against
model       [95 % interval]       [95 % interval]       full   popularity
----------------------------------------------------------------------------
neumf       0.716 [0.680, 0.752]  0.448 [0.421, 0.476]  0.079  +0.107 p<.001
paper       0.571 [0.532, 0.610]  0.331 [0.304, 0.359]  0.063  -0.038 p=.008
popularity  0.609 [0.570, 0.648]  0.363 [0.336, 0.391]  0.067

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
    const base = reportOf([long, neumf, popularity]);
    const report = { ...base, dataset: { ...base.dataset, name: "a rather long data set name ".repeat(6).trim() } };
    const lines = reportTable(report).split("\n");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines.some((line) => line.startsWith("a-model-wit.. "))).toBe(true);
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
