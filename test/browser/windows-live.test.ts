/** The page follows the windows of a stream, in a real browser. Set `NCF_SCREENSHOTS` to a folder to keep pictures of it. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type HttpServer, startHttpServer } from "../../src/adapters/local/http-server.ts";
import { MemoryInteractionLog } from "../../src/adapters/local/memory-interaction-log.ts";
import { createHttpApi } from "../../src/app/http-api/http-api.ts";
import type { ServedModel } from "../../src/app/serving/served-model.ts";
import { ServiceHolder } from "../../src/app/serving/service-holder.ts";
import { streamWindows } from "../../src/app/windows-live/live-windows.ts";
import { WindowFeed } from "../../src/app/windows-live/window-feed.ts";
import { dashboardFiles } from "../../src/cli/dashboard-files.ts";
import type { InteractionLog } from "../../src/ports/interaction-log.ts";
import { twoTastes } from "../app/serving/two-tastes.ts";
import { chromiumPath, launchChromium, noChromium } from "./chromium.ts";
import { labelsOverlap, lowestContrasts, sticksOut } from "./page-measurements.ts";
import { encodedReport, hour, streamedReport } from "./streamed-reports.ts";

const path = chromiumPath();
const screenshots = process.env.NCF_SCREENSHOTS || undefined;
const topic = "hit-ratio-windows";

if (path === undefined && process.env.CI_REQUIRE_SERVICES === "1") {
  it("finds a Chromium, as CI_REQUIRE_SERVICES=1 demands", () => expect.fail(noChromium));
}

describe.skipIf(path === undefined)(`windows live in Chromium${path === undefined ? ` (${noChromium})` : ""}`, () => {
  let browser: Browser;
  let model: ServedModel;
  let log: MemoryInteractionLog;
  let service: { readonly server: HttpServer; stop(): Promise<void> };
  let page: Page;
  let troubles: string[];

  beforeAll(async () => {
    browser = await launchChromium(path ?? "");
    model = await twoTastes();
  });
  afterAll(() => browser?.close());

  beforeEach(async () => {
    troubles = [];
    log = new MemoryInteractionLog();
    await log.createTopic(topic, 1);
    service = await serve(0);
    page = await browser.newPage();
    page.on("console", (message) => troubles.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => troubles.push(`error: ${error.message}`));
  });
  afterEach(async () => {
    await page.close();
    await service.stop();
    expect(troubles).toEqual([]);
  });

  async function serve(port: number): Promise<typeof service> {
    const onError = (error: unknown) => troubles.push(`server: ${error}`);
    const closing = new AbortController();
    const latest = streamWindows(`instance ${Math.max(1, port)}`);
    // The log outlives the service.
    const openLog = async () =>
      ({
        startOffset: log.startOffset.bind(log),
        read: log.read.bind(log),
        waitForRecords: log.waitForRecords.bind(log),
        close: async () => {},
      }) as Partial<InteractionLog> as InteractionLog;
    const feed = new WindowFeed({ openLog, topic, sink: latest, log: (line) => troubles.push(line) });
    const followed = feed.run(closing.signal);
    const api = createHttpApi({
      holder: await ServiceHolder.open(model, new MemoryInteractionLog()),
      windows: { latest: async () => latest },
      closing: closing.signal,
      nowMs: () => 1_700_000_000_000,
      page: dashboardFiles(),
      version: "1.2.3",
      onError,
    });
    const server = await startHttpServer(api, { port, onError });
    return {
      server,
      async stop() {
        closing.abort();
        await Promise.all([server.close(), followed]);
      },
    };
  }

  const append = (...reports: ReturnType<typeof streamedReport>[]) => log.append(topic, reports.map(encodedReport));
  const stateText = () => page.locator("#windows-state").textContent();
  const dots = (figure: string, tone: string) => page.locator(`#${figure} .${tone} .dot`).count();

  async function open(): Promise<void> {
    await page.goto(service.server.url);
    await page.locator("#recommendations:not(.waiting) li").first().waitFor();
    await expect.poll(stateText).toBe("Live.");
  }

  it("shows reports as they come to the log: open, final, revised, without a reload", async () => {
    await open();
    expect(await page.locator("#windows-pictures").textContent()).toMatch(/^No windows yet: no event of the stream/);
    await append(streamedReport(0), streamedReport(1, { final: false }));
    await expect.poll(() => dots("windows-hits", "m0")).toBe(2);
    expect(await page.locator("#windows-hits .m0 .dot.open").count()).toBe(1);
    await append(streamedReport(1, { cases: 77 }), streamedReport(2));
    await expect.poll(() => dots("windows-hits", "m0")).toBe(3);
    expect(await page.locator("#windows-hits .dot.open").count()).toBe(0);
    for (const [tone, figure] of [
      ["pop", "windows-hits"],
      ["m1", "windows-hits"],
      ["m2", "windows-kinds"],
      ["m3", "windows-kinds"],
      ["m0", "windows-kinds"],
      ["m1", "windows-untested"],
    ]) {
      expect(await dots(figure, tone), `${figure} ${tone}`).toBe(3);
    }
    await page.getByText("The figures").click();
    const rows = page.locator("#windows tbody tr");
    await expect.poll(() => rows.count()).toBe(3);
    expect(await rows.nth(1).textContent()).toContain("77");
    await append(streamedReport(0, { revision: 1, final: true }));
    await expect.poll(() => rows.nth(2).textContent()).toContain("(revision 1)");
    // What is open, and what has the focus, stay so while the figures change.
    await page.getByRole("region", { name: "The figures" }).focus();
    await append(streamedReport(3));
    await expect.poll(() => rows.count()).toBe(4);
    expect(await page.evaluate("document.activeElement.ariaLabel")).toBe("The figures");
  });

  it("tells those who listen of final windows, and not of open ones", async () => {
    const news = () => page.locator("#windows-news").textContent();
    await append(streamedReport(0));
    await open();
    await expect.poll(() => dots("windows-hits", "m0")).toBe(1);
    await append(streamedReport(1, { final: false }));
    await expect.poll(() => dots("windows-hits", "m0")).toBe(2);
    expect(await news()).toBe("");
    await append(streamedReport(1));
    await expect.poll(news).toMatch(/^2026-11-25 01:00 to 02:00 is final: HR@10 \d\d\.\d %, popularity 50\.0 %\.$/);
  });

  it("marks where another version comes into force, and compares a challenger with it", async () => {
    await append(...Array.from({ length: 6 }, (_, i) => streamedReport(i)));
    await open();
    await expect.poll(() => dots("windows-hits", "m0")).toBe(6);
    expect(await page.locator("#windows-hits .mark").count()).toBe(0);
    expect(await page.locator("#windows-hits .versions").textContent()).toBe("Version 000001-a throughout.");
    expect(await page.locator("#windows-challenger").count()).toBe(0);
    const challenger = { version: "000002-b", cases: 90, users: 40, hrAt10: 0.7, championHrAt10: 0.65 };
    await append(
      streamedReport(6, { challenger: { ...challenger, difference: 0.05, differenceInterval: [-0.01, 0.11] } }),
      streamedReport(7, { versions: { "000001-a": 10, "000002-b": 90 } }),
    );
    await expect.poll(() => page.locator("#windows-hits .mark").count()).toBe(1);
    expect(await page.locator("#windows-hits .versions").textContent()).toBe(
      "Marks: 1: version 000002-b from 2026-11-25 07:00 on.",
    );
    expect(await page.locator("#windows-challenger figcaption").textContent()).toContain(
      "000002-b: +5.0 points [−1.0 to +11.0] in 90 cases",
    );
    expect(await dots("windows-challenger", "m3")).toBe(1);
  });

  it("goes on after the service has restarted, with what came in between", async () => {
    await append(streamedReport(0));
    await open();
    await expect.poll(() => dots("windows-hits", "m0")).toBe(1);
    const port = Number(new URL(service.server.url).port);
    await service.stop();
    await expect.poll(stateText).toBe("Reconnecting …");
    expect(await dots("windows-hits", "m0")).toBe(1);
    await append(streamedReport(1));
    service = await serve(port);
    await expect.poll(stateText, { timeout: 15_000 }).toBe("Live.");
    await expect.poll(() => dots("windows-hits", "m0")).toBe(2);
    await append(streamedReport(2));
    await expect.poll(() => dots("windows-hits", "m0")).toBe(3);
    // The browser itself reports what it could not reach.
    expect(troubles.splice(0).filter((trouble) => !trouble.includes("ERR_"))).toEqual([]);
  });

  it("asks again where the service has no room, and lets go of it while nobody looks", async () => {
    await page.route("**/windows/live", (route) => route.fulfill({ status: 503, body: "{}" }));
    await page.goto(service.server.url);
    await expect.poll(stateText).toBe("Connecting …");
    await expect.poll(() => troubles.splice(0).join()).toContain("503");
    await page.unroute("**/windows/live");
    await expect.poll(stateText, { timeout: 15_000 }).toBe("Live.");
    const hide = (hidden: boolean) =>
      page.evaluate(`Object.defineProperty(document, "hidden", { value: ${hidden}, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));`);
    await hide(true);
    await expect.poll(stateText).toBe("Reconnecting …");
    await append(streamedReport(0));
    await hide(false);
    await expect.poll(() => dots("windows-hits", "m0")).toBe(1);
    expect(await stateText()).toBe("Live.");
    troubles = troubles.filter((trouble) => !trouble.includes("503"));
  });

  it("keeps the newest 200 windows", async () => {
    await append(...Array.from({ length: 230 }, (_, i) => streamedReport(i)));
    await open();
    await expect.poll(() => dots("windows-hits", "m0")).toBe(200);
    await append(streamedReport(230));
    const first = streamedReport(31).startMs;
    await page.getByText("The figures").click();
    await expect
      .poll(() => page.locator("#windows tbody tr").last().textContent())
      .toContain(new Date(first).toISOString().slice(0, 10));
    expect(await page.locator("#windows tbody tr").count()).toBe(200);
  });

  it("fits every window, and its text stands out by 4.5 to 1, light and dark", async () => {
    const versions = (i: number) => ({ [`00000${1 + Math.floor(i / 13)}-ec4a1bf6`]: 100 });
    const challenger = { version: "000004-77aa01bc", cases: 90, users: 40, hrAt10: 0.7, championHrAt10: 0.65 };
    const reports = Array.from({ length: 48 }, (_, i) => {
      const difference = 0.03 * Math.cos(i / 3);
      const differenceInterval: [number, number] = [difference - 0.04, difference + 0.04];
      const tested = i > 30 ? { challenger: { ...challenger, difference, differenceInterval } } : {};
      return streamedReport(i, { versions: versions(i), final: i < 46, ...tested });
    });
    await append(...reports);
    for (const colorScheme of ["light", "dark"] as const) {
      for (const width of [360, 768, 1200]) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await open();
        await expect.poll(() => dots("windows-hits", "m0")).toBe(48);
        await page.getByText("The figures").click();
        const name = `windows-${width}-${colorScheme}`;
        if (screenshots !== undefined) {
          mkdirSync(screenshots, { recursive: true });
          await page.locator("#windows").screenshot({ path: join(screenshots, `${name}.png`) });
        }
        expect(await page.evaluate("document.documentElement.scrollWidth"), name).toBeLessThanOrEqual(width);
        expect(await page.evaluate(sticksOut), name).toEqual([]);
        expect(await page.evaluate(labelsOverlap), name).toEqual([]);
        const low = (await page.evaluate(lowestContrasts)) as { contrast: number }[];
        expect(
          low.filter(({ contrast }) => contrast < 4.5),
          name,
        ).toEqual([]);
        const ids = (await page.evaluate(`[...document.querySelectorAll("[id]")].map((e) => e.id)`)) as string[];
        expect(new Set(ids).size).toBe(ids.length);
      }
    }
  }, 120_000);

  it("moves nothing by itself", async () => {
    await append(...Array.from({ length: 3 }, (_, i) => streamedReport(i, { startMs: i * hour })));
    await open();
    expect(await page.evaluate("document.getAnimations().length")).toBe(0);
  });
});
