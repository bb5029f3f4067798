/** `POST /interactions` while brokers are away: clients are told in time, and nothing that was acknowledged is lost. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KafkaInteractionLog } from "../../../src/adapters/kafka/kafka-interaction-log.ts";
import { OwnBroker } from "../../chaos/broker.ts";
import { ncf, startNcf } from "../../cli/ncf.ts";

const enabled = process.env.NCF_KAFKA !== undefined;

describe.skipIf(!enabled)(`ncf serve --brokers${enabled ? "" : " (set NCF_KAFKA)"}`, () => {
  let folder: string;
  let broker: OwnBroker;
  const at = (name: string) => path.join(folder, name);

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "ncf-serve-outage-"));
    broker = await OwnBroker.start(26_000 + 2 * (process.pid % 400), at("kafka"));
    const size = ["--users", "60", "--movies", "200", "--ratings", "2000", "--seed", "7"];
    expect(await ncf(["generate", ...size, "--out", at("data")])).toMatchObject({ code: 0 });
    const models = ["--models", "mf", "--epochs", "1", "--threads", "1"];
    expect(await ncf(["run", "--dataset", at("data"), ...models, "--out", at("out")])).toMatchObject({ code: 0 });
  }, 120_000);
  afterAll(async () => {
    await broker.remove();
    await rm(folder, { recursive: true, force: true });
  });

  it("answers 503 in time while the broker is away, and takes interactions again once it is back", async () => {
    const service = ["serve", "--model", at("out/models/mf"), "--port", "0", "--brokers", broker.address, "--json"];
    const { child, outcome } = startNcf(service);
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout?.on("data", (chunk) => {
        const [, found] = /"url": "([^"]+)"/.exec(String(chunk)) ?? [];
        if (found !== undefined) resolve(found);
      });
      void outcome.then(({ stderr }) => reject(new Error(stderr)));
    });
    const post = async (itemId: string) => {
      const started = performance.now();
      const response = await fetch(`${url}/interactions`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ userId: "zoe", itemId, timestampMs: 5 }),
      });
      return { response, body: await response.json(), tookMs: performance.now() - started };
    };
    /** As a client does that is told to try again. */
    const postUntilTaken = async (itemId: string) => {
      for (;;) {
        const { response } = await post(itemId);
        if (response.status === 200) return;
        expect(response.status).toBe(503);
        await sleep(200);
      }
    };
    await postUntilTaken("1");

    broker.kill();
    const away = [await post("2"), await post("2"), await post("3")];
    for (const { response, body, tookMs } of away) {
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      expect(response.headers.get("retry-after")).toBe("5");
      expect(body).toMatchObject({ status: 503, detail: expect.stringContaining("try again") });
      // 2 s by a clock that runs on while a busy machine does something else.
      expect(tookMs).toBeLessThan(10_000);
    }
    expect(await (await fetch(`${url}/users/zoe/history`)).json()).toMatchObject({ total: 1 });

    await broker.startAgain();
    // Written late or by the second request: recorded once in any case.
    await postUntilTaken("2");
    await postUntilTaken("3");
    const history = (await (await fetch(`${url}/users/zoe/history`)).json()) as { items: { itemId: string }[] };
    expect(history.items.map(({ itemId }) => itemId).sort()).toEqual(["1", "2", "3"]);
    child.kill("SIGTERM");
    const { code, stderr } = await outcome;
    expect(code, stderr).toBe(0);

    const log = await KafkaInteractionLog.open({ brokers: [broker.address] });
    const { records } = await log.read("interactions", 0, 0, 100);
    await log.close();
    const items = records.map(({ value }) => JSON.parse(new TextDecoder().decode(value ?? undefined)).itemId);
    expect([...new Set(items)].sort()).toEqual(["1", "2", "3"]);
  }, 180_000);
});
