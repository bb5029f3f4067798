/** The page of `ncf serve` in a real browser. Set `NCF_SCREENSHOTS` to a folder to keep pictures of it. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type HttpServer, startHttpServer } from "../../src/adapters/local/http-server.ts";
import { MemoryInteractionLog } from "../../src/adapters/local/memory-interaction-log.ts";
import { createHttpApi } from "../../src/app/http-api/http-api.ts";
import type { ServedModel } from "../../src/app/serving/served-model.ts";
import { ServiceHolder } from "../../src/app/serving/service-holder.ts";
import { ReplayWindows } from "../../src/app/windows-live/live-windows.ts";
import { dashboardFiles } from "../../src/cli/dashboard-files.ts";
import type { WindowReport } from "../../src/streaming/window-report.ts";
import { reportWith } from "../app/http-api/window-reports.ts";
import { textUser, twoTastes } from "../app/serving/two-tastes.ts";
import { facts } from "../conformance/model-cards.ts";
import { chromiumPath, launchChromium, noChromium } from "./chromium.ts";
import { labelsOverlap, lowestContrasts, sticksOut } from "./page-measurements.ts";

const path = chromiumPath();
const required = process.env.CI_REQUIRE_SERVICES === "1";
const screenshots = process.env.NCF_SCREENSHOTS || undefined;

const week = 7 * 86_400_000;
const charted: WindowReport[] = Array.from({ length: 30 }, (_, i) => {
  const hrAt10 = 0.6 + 0.1 * Math.sin(i / 3);
  return reportWith({
    startMs: 1.5e12 + i * week,
    endMs: 1.5e12 + (i + 1) * week,
    final: i < 29,
    cases: i === 7 ? 0 : 120 + i,
    hrAt10: i === 7 ? null : hrAt10,
    hrAt10Interval: i === 7 || i === 8 ? null : [hrAt10 - 0.08, hrAt10 + 0.08],
    popularityHrAt10: i === 7 ? null : 0.45 + 0.03 * Math.cos(i),
  });
});

if (path === undefined && required) {
  it("finds a Chromium, as CI_REQUIRE_SERVICES=1 demands", () => expect.fail(noChromium));
}

describe.skipIf(path === undefined)(`the page in Chromium${path === undefined ? ` (${noChromium})` : ""}`, () => {
  let browser: Browser;
  let model: ServedModel;
  let holder: ServiceHolder;
  let server: HttpServer;
  let page: Page;
  let windows: readonly WindowReport[];
  let troubles: string[];
  let closing: AbortController;

  beforeAll(async () => {
    browser = await launchChromium(path ?? "");
    model = await twoTastes();
  });
  afterAll(() => browser?.close());

  beforeEach(async () => {
    windows = [];
    troubles = [];
    closing = new AbortController();
    const onError = (error: unknown) => troubles.push(`server: ${error}`);
    holder = await ServiceHolder.open(model, new MemoryInteractionLog());
    const api = createHttpApi({
      holder,
      windows: new ReplayWindows("test", async () => windows),
      closing: closing.signal,
      nowMs: () => 1_700_000_000_000,
      page: dashboardFiles(),
      version: "1.2.3",
      onError,
    });
    server = await startHttpServer(api, { port: 0, onError });
    page = await browser.newPage();
    page.on("console", (message) => troubles.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => troubles.push(`error: ${error.message}`));
    page.on("request", (request) => {
      if (!request.url().startsWith(server.url)) troubles.push(`request: ${request.url()}`);
    });
  });
  afterEach(async () => {
    await page.close();
    closing.abort();
    await server.close();
    expect(troubles).toEqual([]);
  });

  async function open(hash = ""): Promise<void> {
    // An address that differs by its hash alone would not be loaded anew.
    await page.goto("about:blank");
    await page.goto(server.url + hash);
    await settled();
  }

  /** Waits until the list of recommendations is the newest. */
  async function settled(): Promise<void> {
    // Not waitForFunction: the page's policy forbids the eval that it needs.
    await page.locator("#recommendations:not(.waiting) li").first().waitFor();
  }

  const titles = (list: string): Promise<string[]> =>
    page.locator(`${list} li .title`).evaluateAll((rows) => rows.map((row) => row.firstChild?.textContent ?? ""));
  const colours = async (): Promise<Set<string>> =>
    new Set((await titles("#recommendations")).map((t) => t.split(" ")[0]));

  async function keepPicture(name: string): Promise<void> {
    if (screenshots === undefined) return;
    mkdirSync(screenshots, { recursive: true });
    await page.screenshot({ path: join(screenshots, `dashboard-${name}.png`), fullPage: true });
  }

  it("says how a published model's settings were judged", async () => {
    holder.swap({ ...model, published: { revision: 2, judged: { ...facts.judged, hrAt10: 0.7376 } } });
    await open();
    const judged = "judged at HR@10 0.738 (popularity 0.607)";
    expect(await page.locator("#served").textContent()).toBe(`mf on two tastes: 60 users, 80 movies, ${judged}`);
  });

  it("shows a user's history and recommendations, with titles and genres", async () => {
    await open();
    expect(await page.locator("#served").textContent()).toBe("mf on two tastes: 60 users, 80 movies");
    expect(await page.locator("#generated").isVisible()).toBe(true);
    expect(await page.getByLabel("User id").inputValue()).toBe("1");
    expect(await titles("#recommendations")).toHaveLength(10);
    expect(await colours()).toEqual(new Set(["Red"]));
    expect(await page.locator("#recommendations .genres").first().textContent()).toBe("Drama");
    expect(await page.locator("#recommendations .because").first().textContent()).toMatch(
      /^Because of Red film \d+ \(1990\)/,
    );
    expect(await titles("#history")).toHaveLength(10);
    expect(await page.locator("#history-note").textContent()).toBe("The latest 10 of 25 movies.");
    await page.getByRole("button", { name: "Show more" }).click();
    await expect.poll(() => titles("#history")).toHaveLength(25);
    expect(await page.getByRole("button", { name: "Show more" }).isVisible()).toBe(false);
  });

  it("finds another user by the start of their id, and keeps the choice in the address", async () => {
    await open();
    await page.getByLabel("User id").fill("ann");
    await page.getByRole("option", { name: textUser }).click();
    await expect.poll(colours).toEqual(new Set(["Blue"]));
    await page.reload();
    await settled();
    expect(await page.getByLabel("User id").inputValue()).toBe(textUser);
    expect(await colours()).toEqual(new Set(["Blue"]));
  });

  it("counts a watched movie at once: it moves to the history, and the list is new", async () => {
    await open("#user=2");
    const [first, second] = await titles("#recommendations");
    await page.getByRole("button", { name: `I watched ${first}` }).click();
    await expect.poll(() => titles("#history")).toContain(first);
    expect(await titles("#recommendations")).not.toContain(first);
    expect(await titles("#recommendations")).toContain(second);
    expect(await page.locator("#history .when").first().textContent()).toBe("new2023-11-14");
    expect(await page.locator("#said").textContent()).toContain(`${first} counts as watched.`);
    expect(await page.locator("#basis").textContent()).toContain("just now included");
  });

  it("makes a newcomer of an id that nobody has", async () => {
    await open();
    await page.getByLabel("User id").fill("me");
    await page.getByLabel("User id").press("Enter");
    await expect.poll(() => page.locator("#basis").textContent()).toContain("Nothing is known of user me");
    expect(await page.locator("#history-note").textContent()).toBe("Nothing yet.");
    await page
      .getByRole("button", { name: /I watched Blue/ })
      .first()
      .click();
    await expect.poll(() => page.locator("#history-note").textContent()).toBe("1 movie.");
    await page
      .getByRole("button", { name: /I watched Blue/ })
      .first()
      .click();
    await expect.poll(() => page.locator("#history-note").textContent()).toBe("2 movies.");
    expect(await colours()).toEqual(new Set(["Blue"]));
  });

  it("builds a taste from a few movies, and forgets what is taken away", async () => {
    await open();
    await page.getByLabel("My own, from a few movies").check();
    await expect.poll(() => page.locator("#basis").textContent()).toContain("No movie picked yet");
    expect(await page.locator("#history-section").isVisible()).toBe(false);
    for (const title of ["Red film 1 (1990)", "Red film 3 (1990)"]) {
      await page.getByLabel("A movie you like").fill(title);
      await page.getByRole("option", { name: title }).click();
      await expect.poll(() => page.locator("#picks").textContent()).toContain(title);
    }
    await expect.poll(colours).toEqual(new Set(["Red"]));
    await page.getByRole("button", { name: "I watched" }).first().click();
    await expect.poll(() => page.locator("#picks li").count()).toBe(3);
    for (let left = 3; left > 0; left--) {
      await page
        .getByRole("button", { name: /^Remove/ })
        .first()
        .click();
      await expect.poll(() => page.locator("#picks li").count()).toBe(left - 1);
    }
    await expect.poll(() => page.locator("#basis").textContent()).toContain("No movie picked yet");
  });

  it("never takes a suggestion for an earlier text", async () => {
    await open();
    await page.getByLabel("My own, from a few movies").check();
    const input = page.getByLabel("A movie you like");
    await input.fill("blue");
    await page.getByRole("option", { name: /^Blue/ }).first().waitFor();
    await input.fill("red film 7 ");
    await input.press("Enter");
    await page.getByRole("button", { name: "Remove Red film 7 (1990)" }).waitFor();
    expect(await page.locator("#picks li").count()).toBe(1);
  });

  it("follows an address that names another user", async () => {
    await open("#user=1");
    await page.evaluate("location.hash = '#user=2'");
    await expect.poll(colours).toEqual(new Set(["Blue"]));
  });

  it("can be used with the keyboard alone", async () => {
    await open();
    const press = (key: string): Promise<void> => page.keyboard.press(key);
    const focused = (): Promise<unknown> =>
      page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.id");
    await press("Tab");
    await press("ArrowRight");
    await expect.poll(() => page.getByLabel("A movie you like").isVisible()).toBe(true);
    await press("Tab");
    expect(await focused()).toBe("movie-input");
    // At once: a list that comes between two keys would be taken for the last one.
    await page.keyboard.insertText("blue film 1");
    await page.getByRole("option").first().waitFor();
    expect(await page.locator("#movie-input").getAttribute("aria-expanded")).toBe("true");
    await press("ArrowDown");
    await press("ArrowUp");
    const active = await page.locator("#movie-input").getAttribute("aria-activedescendant");
    const chosen = (await page.locator(`#${active}`).textContent())?.split(" Comedy")[0];
    await press("Enter");
    await expect.poll(() => page.locator("#picks li").first().textContent()).toBe(chosen);
    expect(await page.locator("#movie-input").getAttribute("aria-expanded")).toBe("false");
    await press("ArrowDown");
    await page.getByRole("option").first().waitFor();
    await press("Escape");
    expect(await page.getByRole("option").count()).toBe(0);
    await press("Tab");
    expect(await focused()).toBe(`Remove ${chosen}`);
    await press("Tab");
    expect(await focused()).toMatch(/^I watched Blue/);
    await press("Enter");
    await expect.poll(() => page.locator("#picks li").count()).toBe(2);
    await expect.poll(focused).toMatch(/^I watched Blue/);
  });

  it("says plainly that there are no windows yet", async () => {
    await open();
    await expect.poll(() => page.locator("#windows-pictures").textContent()).toMatch(/^No windows yet/);
  });

  it("draws the windows with intervals and popularity, and has their figures in a table", async () => {
    windows = charted;
    await open();
    await page.locator("#windows-hits svg.chart").waitFor();
    expect(await page.locator("#windows-hits .m0 .dot").count()).toBe(29);
    expect(await page.locator("#windows-hits .m0 .dot.open").count()).toBe(1);
    // One window without an interval parts the band.
    expect(await page.locator("#windows-hits .m0 .band").count()).toBe(2);
    expect(await page.locator("#windows-hits .pop .dot").count()).toBe(29);
    expect(await page.locator("#windows-state").textContent()).toBe("Not live: windows of the replay.");
    await page.getByText("The figures").click();
    expect(await page.locator("#windows tbody tr").count()).toBe(29);
    expect(await page.locator("#windows tbody tr").first().textContent()).toContain("(open)");
  });

  it("says what did not work, and goes on", async () => {
    await open();
    await page.route("**/recommendations?*", (route) =>
      route.fulfill({ status: 503, contentType: "application/problem+json", body: '{"detail":"busy for now"}' }),
    );
    await page.getByLabel("User id").fill("2");
    await page.getByLabel("User id").press("Enter");
    await expect.poll(() => page.locator("#said").textContent()).toContain("busy for now");
    // The browser itself reports the answer.
    expect(troubles.splice(0).join()).toContain("503");
    await page.unroute("**/recommendations?*");
    await page.getByLabel("User id").press("Enter");
    await expect.poll(colours).toEqual(new Set(["Blue"]));
  });

  it("fits every window, and its text stands out by 4.5 to 1, light and dark", async () => {
    windows = charted;
    for (const colorScheme of ["light", "dark"] as const) {
      for (const width of [360, 768, 1200]) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme });
        await open("#user=2");
        await page.locator("#windows-hits svg.chart").waitFor();
        const check = async (what: string): Promise<void> => {
          const name = `${what}-${width}-${colorScheme}`;
          await keepPicture(name);
          expect(await page.evaluate("document.documentElement.scrollWidth"), name).toBeLessThanOrEqual(width);
          expect(await page.evaluate(sticksOut), name).toEqual([]);
          expect(await page.evaluate(labelsOverlap), name).toEqual([]);
          const low = (await page.evaluate(lowestContrasts)) as { contrast: number; text: string }[];
          expect(
            low.filter(({ contrast }) => contrast < 4.5),
            name,
          ).toEqual([]);
        };
        await check("user");
        await page.getByLabel("My own, from a few movies").check();
        await page.getByLabel("A movie you like").fill("red film 1 ");
        await page.keyboard.press("Enter");
        await page.getByRole("button", { name: "Remove Red film 1 (1990)" }).waitFor();
        await page.getByLabel("A movie you like").fill("blue");
        await page.getByRole("option").first().waitFor();
        await check("taste");
      }
    }
  }, 120_000);

  it("has one main landmark, one top heading, names for all controls, and unique ids", async () => {
    await open();
    const outline = (await page.evaluate(
      `[...document.querySelectorAll("main, h1, h2")].map((e) => e.tagName)`,
    )) as string[];
    expect(outline).toEqual(["H1", "MAIN", "H2", "H2", "H2", "H2"]);
    const nameless = `[...document.querySelectorAll("input, button")].filter((e) =>
      !(e.labels?.length > 0 || e.ariaLabel || e.textContent.trim())).map((e) => e.outerHTML)`;
    expect(await page.evaluate(nameless)).toEqual([]);
    const ids = (await page.evaluate(`[...document.querySelectorAll("[id]")].map((e) => e.id)`)) as string[];
    expect(new Set(ids).size).toBe(ids.length);
  });
});
