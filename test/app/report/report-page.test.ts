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
