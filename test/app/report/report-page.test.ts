import { describe, expect, it } from "vitest";
import { reportPage } from "../../../src/app/report/report-page.ts";
import { neumf, paper, popularity, reportOf } from "./report-fixtures.ts";

const three = reportOf([neumf, paper, popularity]);
const hostile = `<img src=x onerror=alert(1)>"'&</title><script>alert(2)</script>`;

/** What a reader sees: the text between tags, style left out. */
function textOf(page: string): string {
  return page
    .replace(/<style>[\s\S]*?<\/style>/, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ");
}

describe("the report page", () => {
  it("opens with the verdict and says plainly which model loses to popularity", () => {
    const text = textOf(reportPage(three));
    expect(text).toContain("neumf wins: its HR@10 is 10.7 points above popularity’s");
    expect(text).toContain("paper loses to popularity by 3.8 points");
  });

  it("asks for nothing from outside and forbids it as well", () => {
    const page = reportPage(three);
    expect(page).toContain("default-src 'none'".replaceAll("'", "&#39;"));
    expect(page).not.toMatch(/<(?:script|link|img|iframe|object|embed|base|form)\b/i);
    expect(page).not.toMatch(/https?:|url\(|@import|\son\w+=/i);
  });

  it("escapes every text that comes from the data", () => {
    const { validation } = three.dataset;
    const model = { ...neumf, name: hostile };
    const base = reportOf([model, popularity]);
    const page = reportPage({
      ...base,
      command: hostile,
      dataset: {
        ...base.dataset,
        name: hostile,
        source: hostile,
        genres: [{ genre: hostile, movies: 1, ratings: 1 }],
        validation: {
          ...validation,
          format: hostile,
          rejected: [{ reason: hostile, count: 1, examples: [{ line: 2, text: hostile }] }],
        },
      },
      timings: [{ stage: hostile, seconds: 1 }],
      machine: { ...base.machine, cpu: hostile, os: hostile },
      hashes: { sample: hostile, models: { [hostile]: hostile } },
    });
    expect(page).not.toMatch(/<img|<script/);
    expect(page.match(/<\/title>\n<style>/g)).toHaveLength(1);
    expect(page.match(/&lt;script&gt;alert\(2\)/g)?.length).toBeGreaterThan(10);
    expect(page).not.toMatch(/="[^"]*<img/);
  });

  it("names and describes every chart, with ids that occur once", () => {
    const page = reportPage(three);
    const charts = page.match(/<svg class="chart"[\s\S]*?<\/desc>/g) ?? [];
    expect(charts.length).toBe(11);
    for (const chart of charts) expect(chart).toMatch(/<title id="[^"]+">.+<\/title><desc id="[^"]+">.+<\/desc>/);
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map((m) => m[1]);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, refs] of page.matchAll(/aria-labelledby="([^"]+)"/g)) {
      for (const ref of refs.split(" ")) expect(ids).toContain(ref);
    }
  });

  it("shows no broken number, whatever is missing", () => {
    const { validation } = three.dataset;
    const bare = reportOf([{ ...popularity, byActivity: [] }], {
      dataset: {
        ...three.dataset,
        genres: [],
        validation: {
          ...validation,
          rowsRead: 0,
          rejected: [],
          rowsRejected: 0,
          ratingHistogram: [],
          firstTimestampMs: null,
          lastTimestampMs: null,
          itemsWithoutRatings: null,
          itemsNotListed: null,
        },
      },
      timings: [],
    });
    for (const report of [bare, three, reportOf([neumf]), reportOf([popularity, paper])]) {
      expect(reportPage(report)).not.toMatch(/NaN|Infinity|undefined|null|\[object/);
    }
  });

  it("marks generated data in the title, in a banner and at every figure", () => {
    const page = reportPage({ ...three, dataset: { ...three.dataset, name: "generated", generated: true } });
    expect(page).toContain("<title>Generated data: ");
    expect(page).toContain('<body class="generated">');
    expect(page).toContain("No person gave these ratings");
    expect(reportPage(three)).not.toContain("No person gave these ratings");
  });

  it("tells the protocol with the figures of the run", () => {
    const text = textOf(
      reportPage({
        ...three,
        protocol: {
          ...three.protocol,
          fraction: 0.3,
          sampler: "numpy123",
          tieRule: "largestItemId",
          candidateDraw: "withReplacement",
          shortCandidateUsers: 3,
          negativeDraw: "once",
          fullCatalogueUsers: 2000,
        },
      }),
    );
    expect(text).toContain("30 % of the users (610 users), drawn as the paper drew them");
    expect(text).toContain("11.8 % of the tested users rated several movies at their latest moment");
    expect(text).toContain("the one with the largest item id is taken");
    expect(text).toContain("99 possibly repeated others");
    expect(text).toContain("3 users have fewer unseen movies than that");
    expect(text).toContain("drawn once");
    expect(text).toContain("38.3 % of all training interactions happened after");
  });

  it("shows every model ranked in full and estimated, and its coverage against accuracy", () => {
    const page = reportPage(three);
    const chart = (id: string) => page.split(`aria-labelledby="${id}-t ${id}-d"`)[1].split("</figure>")[0];
    expect(chart("full").match(/class="hollow"/g)).toHaveLength(3);
    expect(chart("full")).toContain("neumf 7.9 %, estimated 7.6 %");
    expect(chart("coverage").match(/class="leader/g)).toHaveLength(3);
    expect(chart("coverage")).toContain("popularity covers 0.8 % at 6.7 %");
    expect(textOf(page)).toContain("The full catalogue orders the models as the sampled candidates do");
  });

  it("tells of popularity, genres, lists and cost, and leaves out what is not known", () => {
    const text = textOf(reportPage(three));
    expect(text).toContain("Well-known and little-known movies");
    expect(text).toContain("none 31 1.4 % (0.0 %)");
    expect(text).toContain("Drama 300 71.6 % (7.9 %)");
    expect(text).toContain("3.47 bits");
    expect(text).toMatch(/neumf 7\.4 s 1\.3 MB 4\.9 ms/);
    const unknown = [neumf, popularity].map((model) => ({
      ...model,
      byGenre: [],
      byPopularity: [],
      lists: { ...model.lists, diversity: null },
      cost: { fitSeconds: null, modelBytes: null, millisecondsPerRequest: null },
    }));
    const bare = textOf(reportPage(reportOf(unknown)));
    for (const absent of ["Well-known", "The figures by genre", "What it costs"]) expect(bare).not.toContain(absent);
  });

  it("shows six models by group, and says where the others are", () => {
    const models = Array.from({ length: 8 }, (_, i) => ({ ...neumf, name: `model-${i}`, hrAt10: 0.7 - 0.01 * i }));
    const text = textOf(reportPage(reportOf([...models, popularity])));
    expect(text).toContain("The other 2 models are in the table.");
    expect(text).not.toContain("HR@10 of model-6 by user activity");
  });

  it("has the moments of a split by time in the place of leakage", () => {
    const [split] = three.splits;
    const at = (year: number) => ({
      ...split,
      beforeMs: Date.UTC(year, 5, 1),
      newUsers: 47,
      shareOfTrainingAfterTestEvent: 0,
    });
    const protocol = { ...three.protocol, split: "rolling" as const };
    const text = textOf(reportPage({ ...three, protocol, splits: [at(2014), at(2016)] }));
    expect(text).toContain("Models are trained on what came before 2014-06-01 and 2016-06-01");
    expect(text).toContain("2014-06-01 100,226 610 47 0.0 %");
    expect(text).toContain("1,220 tests · 9,724 movies");
    expect(text).toContain("All 610 users who had ratings before the last moment");
    expect(text).toContain("At the last moment the sample has 610 users");
    expect(text).not.toContain("Leave-one-out looks into the future");
  });

  it("says whether the paper's sample was met, where that is a question", () => {
    const withMatch = (paperSampleMatched: boolean | null) =>
      textOf(reportPage({ ...three, dataset: { ...three.dataset, paperSampleMatched } }));
    expect(withMatch(true)).toContain("This is the paper’s own sample");
    expect(withMatch(false)).toContain("This is not the paper’s sample");
    expect(withMatch(null)).not.toContain("41,547");
  });

  it("carries what is needed to repeat the run", () => {
    const page = reportPage(three);
    const text = textOf(page);
    expect(text).toContain("--models neumf,paper,popularity");
    expect(page).toContain("3c".repeat(32));
    expect(page).toContain("a7".repeat(32));
    expect(text).toContain("Example CPU @ 2.4 GHz, 2 cores, linux x64, Node v22.18.0");
    expect(text).toContain("231 MB");
    expect(text).toContain("17.6 s in all");
  });

  it("is the same text for the same report", () => {
    expect(reportPage(three)).toBe(reportPage(structuredClone(three)));
  });

  it("sums up genres beyond thirty in a last row", () => {
    const genres = Array.from({ length: 40 }, (_, i) => ({ genre: `genre ${i}`, movies: 100 - i, ratings: 10 }));
    const text = textOf(reportPage({ ...three, dataset: { ...three.dataset, genres } }));
    expect(text).toContain("10 more 655 100");
    expect(text).not.toContain("genre 30");
  });
});
