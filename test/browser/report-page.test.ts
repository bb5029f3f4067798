/** The report page in a real browser. Set `NCF_SCREENSHOTS` to a folder to keep pictures of every page and size. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Report } from "../../src/app/report/report.ts";
import { reportPage } from "../../src/app/report/report-page.ts";
import { modelOf, neumf, paper, popularity, reportOf, trainingOf } from "../app/report/report-fixtures.ts";
import { chromiumPath, launchChromium, noChromium } from "./chromium.ts";
import { labelsOverlap, lowestContrasts, pageColours, sticksOut } from "./page-measurements.ts";

const path = chromiumPath();
const required = process.env.CI_REQUIRE_SERVICES === "1";
const screenshots = process.env.NCF_SCREENSHOTS || undefined;

const three = reportOf([neumf, paper, popularity]);

function withDataset(report: Report, changes: Partial<Report["dataset"]>): Report {
  return { ...report, dataset: { ...report.dataset, ...changes } };
}

function manyModels(): Report {
  const names = [
    "a-rather-long-name-for-a-model-that-someone-made",
    "mf",
    "neumf",
    "item-knn",
    "user-knn",
    "ials",
    "ease",
    "decayed-popularity",
    "content-based",
  ];
  const models = names.map((name, i) =>
    modelOf({
      name,
      hr: 0.735 - 0.012 * i,
      ndcg: 0.47 - 0.01 * i,
      quartiles: [0.78, 0.74 - 0.01 * i, 0.7, 0.66 - 0.02 * i],
      versus: { difference: 0.126 - 0.012 * i, pValue: 0.0003 },
      ...(i < 4 ? { training: trainingOf(name, 10, 0.6, 0.21 + 0.002 * i) } : {}),
    }),
  );
  return reportOf([...models, popularity]);
}

/** Judged at five moments, under three seeds, with an estimate below zero. */
function splitByTime(): Report {
  const spread = (mean: number) => ({ mean, standardDeviation: 0.0042, values: [mean - 0.004, mean, mean + 0.004] });
  const models = [neumf, paper, popularity].map((model) => ({
    ...model,
    corrected: { ...model.corrected, hrAt10Interval: [-0.004, 0.09] as const },
    seeds:
      model === popularity
        ? null
        : {
            seeds: [1, 2, 3],
            hrAt10: spread(model.hrAt10),
            ndcgAt10: spread(model.ndcgAt10),
            fullCatalogueHrAt10: spread(model.fullCatalogue.hrAt10),
          },
  }));
  const base = reportOf(models);
  const [split] = base.splits;
  return {
    ...base,
    protocol: { ...base.protocol, split: "rolling" },
    splits: [2001, 2004, 2007, 2011, 2015].map((year, i) => ({
      ...split,
      beforeMs: Date.UTC(year, 3, 1),
      trainingInteractions: 50_000 + 10_000 * i,
      testedUsers: 40 - 3 * i,
      newUsers: 70 + i,
      shareOfTrainingAfterTestEvent: 0,
    })),
  };
}

function longNames(): Report {
  const text = "purchases_of_the_whole_year_2025_without_any_space_in_its_name";
  const genres = Array.from({ length: 20 }, (_, i) => ({
    genre: i === 3 ? text : `Genre number ${i}`,
    movies: 20 - i,
    ratings: 20_000_263 - 900_000 * i,
  }));
  const report = withDataset(manyModels(), { name: text, source: `${text}.csv`, genres });
  return {
    ...report,
    command: `npx ncf run --dataset /data/${text}/${text}/${text}.csv --columns user=CustomerID --seed 9007199254740991`,
    machine: {
      ...report.machine,
      cpu: "A processor with a very long name (R) Platinum 9999 CPU @ 2.10GHz, revision 7",
    },
  };
}

const reports: Readonly<Record<string, Report>> = {
  "three models": three,
  "one model": reportOf([neumf]),
  "popularity ahead": reportOf([{ ...paper, training: trainingOf("paper", 5, 0.6, 0.49) }, neumf, popularity], {
    timings: [{ stage: "judge everything", seconds: 3_599 }],
  }),
  "generated data": withDataset(three, { name: "generated", source: "generated", generated: true }),
  "ten models": manyModels(),
  "split by time": splitByTime(),
  "long names": longNames(),
};

if (path === undefined && required) {
  it("finds a Chromium, as CI_REQUIRE_SERVICES=1 demands", () => expect.fail(noChromium));
}

describe.skipIf(path === undefined)(
  `the report page in Chromium${path === undefined ? ` (${noChromium})` : ""}`,
  () => {
    let browser: Browser;
    let folder: string;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "ncf-report-"));
      browser = await launchChromium(path ?? "");
    }, 60_000);

    afterAll(async () => {
      await browser?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    /** A page with the report, and a list that collects whatever it says or asks for. */
    async function open(name: string): Promise<{ page: Page; troubles: string[] }> {
      const file = join(folder, `${name.replaceAll(" ", "-")}.html`);
      writeFileSync(file, reportPage(reports[name]));
      const url = pathToFileURL(file).href;
      const page = await browser.newPage();
      const troubles: string[] = [];
      page.on("console", (message) => troubles.push(`console: ${message.text()}`));
      page.on("pageerror", (error) => troubles.push(`error: ${error.message}`));
      page.on("request", (request) => {
        if (request.url() !== url) troubles.push(`request: ${request.url()}`);
      });
      await page.goto(url, { waitUntil: "load" });
      return { page, troubles };
    }

    async function keepPicture(page: Page, name: string): Promise<void> {
      if (screenshots === undefined) return;
      mkdirSync(screenshots, { recursive: true });
      await page.screenshot({ path: join(screenshots, `${name.replaceAll(" ", "-")}.png`), fullPage: true });
    }

    it.each(Object.keys(reports))(
      "loads without an error, a message or a request, and fits every window: %s",
      async (name) => {
        const { page, troubles } = await open(name);
        for (const width of [360, 768, 1200]) {
          await page.setViewportSize({ width, height: 800 });
          await keepPicture(page, `${name} ${width}`);
          expect(await page.evaluate("document.documentElement.scrollWidth"), `${width} px`).toBeLessThanOrEqual(width);
          expect(await page.evaluate(sticksOut), `beyond the window of ${width} px`).toEqual([]);
          expect(await page.evaluate(labelsOverlap), `on one another at ${width} px`).toEqual([]);
        }
        expect(troubles).toEqual([]);
        await page.close();
      },
      60_000,
    );

    it.each(["light", "dark"] as const)(
      "has text that stands out by 4.5 to 1 in %s mode",
      async (colorScheme) => {
        for (const name of ["generated data", "ten models"]) {
          const { page } = await open(name);
          await page.emulateMedia({ colorScheme });
          await keepPicture(page, `${name} ${colorScheme}`);
          const low = (await page.evaluate(lowestContrasts)) as { contrast: number; text: string }[];
          expect(low.length).toBe(10);
          expect(low.filter((l) => l.contrast < 4.5)).toEqual([]);
          await page.close();
        }
      },
      60_000,
    );

    it("turns dark where the reader prefers it, but not on paper", async () => {
      const { page } = await open("three models");
      await page.emulateMedia({ colorScheme: "light" });
      expect(await page.evaluate(pageColours)).toEqual(["rgb(255, 255, 255)", "rgb(23, 25, 28)"]);
      await page.emulateMedia({ colorScheme: "dark" });
      expect(await page.evaluate(pageColours)).toEqual(["rgb(18, 20, 23)", "rgb(232, 230, 225)"]);
      await page.emulateMedia({ colorScheme: "dark", media: "print" });
      expect(await page.evaluate(pageColours)).toEqual(["rgb(255, 255, 255)", "rgb(23, 25, 28)"]);
      await page.close();
    }, 30_000);

    it("keeps the mark of generated data in sight while scrolling", async () => {
      const { page } = await open("generated data");
      await page.evaluate("scrollTo(0, 3000)");
      expect(await page.evaluate("scrollY")).toBe(3000);
      expect(await page.evaluate(`document.querySelector(".banner").getBoundingClientRect().top`)).toBe(0);
      await page.close();
    }, 30_000);

    it("refuses a script and an image that slip into it", async () => {
      const troubles: string[] = [];
      const file = join(folder, "slipped.html");
      const slipped = `<script>document.title = "ran"</script><img src="http://127.0.0.1:9/x.png" alt="">`;
      writeFileSync(file, reportPage(three).replace("<main>", `<main>${slipped}`));
      const page = await browser.newPage();
      page.on("console", (message) => troubles.push(message.text()));
      await page.goto(pathToFileURL(file).href);
      expect(await page.title()).not.toBe("ran");
      expect(troubles.join("\n")).toMatch(/Content Security Policy[\s\S]*Content Security Policy/);
      await page.close();
    });

    it("has one main landmark, one top heading and headings in order", async () => {
      const { page } = await open("three models");
      const outline = (await page.evaluate(
        `[...document.querySelectorAll("main, h1, h2, h3")].map((e) => e.tagName)`,
      )) as string[];
      expect(outline.filter((tag) => tag === "MAIN" || tag === "H1")).toEqual(["H1", "MAIN"]);
      expect(outline[2]).toBe("H2");
      expect(await page.evaluate("document.documentElement.lang")).toBe("en");
      await page.close();
    });
  },
);
