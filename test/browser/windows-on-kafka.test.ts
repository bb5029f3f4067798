/** `ncf serve --brokers` as a process, a real Kafka and a real browser: what the stream reports, the page shows. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KafkaInteractionLog } from "../../src/adapters/kafka/kafka-interaction-log.ts";
import { ncf, startNcf } from "../cli/ncf.ts";
import { chromiumPath, launchChromium, noChromium } from "./chromium.ts";
import { encodedReport, streamedReport } from "./streamed-reports.ts";

const broker = process.env.NCF_KAFKA || undefined;
const chromium = chromiumPath();
const missing =
  broker === undefined
    ? "set NCF_KAFKA to a broker's HOST:PORT; scripts/start-kafka.sh starts one"
    : chromium === undefined
      ? noChromium
      : undefined;

if (missing !== undefined && process.env.CI_REQUIRE_SERVICES === "1") {
  it("finds a Kafka and a Chromium, as CI_REQUIRE_SERVICES=1 demands", () => expect.fail(missing));
}

describe.skipIf(missing !== undefined)(`ncf serve --brokers${missing === undefined ? "" : ` (${missing})`}`, () => {
  let folder: string;
  let browser: Browser;
  const at = (name: string) => path.join(folder, name);

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "ncf-windows-"));
    const size = ["--users", "60", "--movies", "150", "--ratings", "2000", "--seed", "7"];
    expect(await ncf(["generate", ...size, "--out", at("data")])).toMatchObject({ code: 0 });
    const models = ["--models", "mf,popularity", "--epochs", "1", "--threads", "1"];
    expect(await ncf(["run", "--dataset", at("data"), ...models, "--out", at("out")])).toMatchObject({ code: 0 });
    browser = await launchChromium(chromium ?? "");
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("shows the stream's windows as they come, from a topic that is made later", async () => {
    const prefix = `${randomUUID()}-`;
    const topic = `${prefix}hit-ratio-windows`;
    const kafka = ["--brokers", broker ?? "", "--topic-prefix", prefix];
    const { child, outcome, stderrHas } = startNcf(["serve", "--model", at("out/models/mf"), "--port", "0", ...kafka]);
    const waiting = stderrHas(`Waiting for topic ${topic}`);
    const url = await new Promise<string>((resolve, reject) => {
      let stdout = "";
      child.stdout?.on("data", (chunk) => {
        stdout += chunk;
        const found = /Serving at (\S+)/.exec(stdout);
        if (found !== null) resolve(found[1]);
      });
      void outcome.then(({ stderr }) => reject(new Error(stderr)));
    });
    await waiting;
    const page = await browser.newPage();
    const state = page.locator("#windows-state");
    const dots = page.locator("#windows-hits .m0 .dot");
    await page.goto(url);
    await expect.poll(() => state.textContent()).toMatch(/^Not live for now/);
    const log = await KafkaInteractionLog.open({ brokers: [broker ?? ""] });
    try {
      await log.createTopic(topic, 1, { cleanup: "compact" });
      await expect.poll(() => state.textContent(), { timeout: 10_000 }).toBe("Live.");
      await log.append(topic, [streamedReport(0), streamedReport(1, { final: false })].map(encodedReport));
      await expect.poll(() => dots.count()).toBe(2);
      // As the stream writes: in a transaction.
      const producer = await log.openProducer(topic);
      const records = [streamedReport(1), streamedReport(2)].map((report) => ({ topic, ...encodedReport(report) }));
      await producer.commit({ records, offsets: [] });
      await producer.close();
      await expect.poll(() => dots.count()).toBe(3);
      expect(await page.locator("#windows-hits .dot.open").count()).toBe(0);
      const headers = { "Content-Type": "application/json" };
      const body = JSON.stringify({ userId: "1", itemId: "new" });
      expect((await fetch(`${url}/interactions`, { method: "POST", headers, body })).status).toBe(200);
      expect((await log.read(`${prefix}interactions`, 0, 0, 10)).records).toMatchObject([{ key: "1" }]);
    } finally {
      await log.close();
      await page.close();
    }
    const windows = (await (await fetch(`${url}/windows`)).json()) as { windows: unknown[] };
    expect(windows.windows).toEqual([0, 1, 2].map((i) => streamedReport(i)));
    child.kill("SIGTERM");
    expect((await outcome).code).toBe(0);
  });
});
