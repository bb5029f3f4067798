import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ListeningCommand, listening, ncf, startNcf } from "./ncf.ts";

let folder: string;
const at = (name: string) => path.join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ncf-serve-"));
  const size = ["--users", "120", "--movies", "400", "--ratings", "6000", "--seed", "7"];
  expect(await ncf(["generate", ...size, "--out", at("data")])).toMatchObject({ code: 0 });
  const models = ["--models", "mf,popularity", "--epochs", "2", "--threads", "1", "--replay", "90d", "--publish"];
  expect(await ncf(["run", "--dataset", at("data"), ...models, "--out", at("out")])).toMatchObject({ code: 0 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The running service and where it listens, once it says so. */
function serving(...more: string[]): Promise<ListeningCommand> {
  return listening(["serve", "--model", at("out/models/mf"), "--port", "0", "--json", ...more]);
}

describe("ncf serve", () => {
  it("answers over HTTP, with a page, and ends with 0 on SIGTERM", async () => {
    const { child, outcome, url } = await serving();
    const health = (await (await fetch(`${url}/health`)).json()) as { status: string; version: string };
    expect(health).toEqual({ status: "ok", version: expect.stringMatching(/^[0-9a-f]{12}$/) });
    expect(await (await fetch(`${url}/models/champion`)).json()).toMatchObject({
      name: "mf",
      dataset: { generated: true, users: 120 },
    });
    const { windows } = (await (await fetch(`${url}/windows`)).json()) as { windows: { cases: number }[] };
    expect(windows.length).toBeGreaterThan(1);
    expect(windows.every(({ cases }) => cases >= 0)).toBe(true);
    const page = await fetch(url);
    expect(page.headers.get("content-type")).toContain("text/html");
    const assets = [...(await page.text()).matchAll(/(?:href|src)="(\/[^"]+)"/g)].map(([, asset]) => asset);
    expect(assets.length).toBeGreaterThan(2);
    for (const asset of assets) expect((await fetch(url + asset)).status, asset).toBe(200);
    const { users } = (await (await fetch(`${url}/users?limit=1`)).json()) as { users: { userId: string }[] };
    const answer = (await (await fetch(`${url}/users/${users[0].userId}/recommendations?k=5`)).json()) as {
      items: { itemId: string }[];
    };
    const recommended = ["recommend", at("out/sample"), "--model", at("out/models/mf"), "--user", users[0].userId];
    const { recommendations } = JSON.parse((await ncf([...recommended, "-k", "5", "--json"])).stdout);
    expect(answer.items).toEqual(recommendations);
    child.kill("SIGTERM");
    const { code, stdout } = await outcome;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ url, readySeconds: expect.any(Number), model: { name: "mf" } });
  });

  it("answers requests in flight before SIGTERM ends it", async () => {
    const { child, outcome, url } = await serving();
    let send: (chunk: string | null) => void = () => {};
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        send = (chunk) => (chunk === null ? controller.close() : controller.enqueue(new TextEncoder().encode(chunk)));
      },
    });
    const headers = { "Content-Type": "application/json" };
    const answer = fetch(`${url}/interactions`, { method: "POST", headers, body, duplex: "half" });
    send('{"userId":"new",');
    // Another request's answer shows that the first one has arrived.
    await (await fetch(`${url}/health`)).text();
    await new Promise((resolve) => setTimeout(resolve, 100));
    child.kill("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 200));
    await expect(fetch(`${url}/health`)).rejects.toThrow();
    send('"itemId":"1"}');
    send(null);
    expect((await answer).status).toBe(200);
    expect(await (await answer).json()).toMatchObject({ recorded: 1 });
    expect((await outcome).code).toBe(0);
  });

  it("ends with 0 on Ctrl-C, too", async () => {
    const { child, outcome } = await serving();
    child.kill("SIGINT");
    expect((await outcome).code).toBe(0);
  });

  it("takes another port where the default one is taken and none was asked for", async () => {
    const args = ["serve", "--model", at("out/models/mf"), "--json"];
    const both = [await listening(args), await listening(args)];
    expect(both[0].url).not.toBe(both[1].url);
    for (const { url } of both) expect((await fetch(`${url}/health`)).status).toBe(200);
    for (const { child } of both) child.kill("SIGTERM");
    for (const { outcome } of both) expect((await outcome).code).toBe(0);
  });

  it("says what to do when the port is taken", async () => {
    const { child, outcome, url } = await serving();
    const again = await ncf(["serve", "--model", at("out/models/mf"), "--port", new URL(url).port]);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("Choose another --port") });
    child.kill("SIGTERM");
    await outcome;
  });

  it("asks for the sample where none lies beside the model, and takes it", async () => {
    const train = [
      "train",
      at("out/sample"),
      "--preset",
      "mf",
      "--epochs",
      "1",
      "--threads",
      "1",
      "--out",
      at("alone"),
    ];
    expect(await ncf(train)).toMatchObject({ code: 0 });
    const without = await ncf(["serve", "--model", at("alone"), "--port", "0"]);
    expect(without).toMatchObject({ code: 1, stderr: expect.stringContaining("--sample") });
    const running = await serving("--model", at("alone"), "--sample", at("out/sample"));
    expect((await fetch(`${running.url}/health`)).status).toBe(200);
    running.child.kill("SIGTERM");
    expect((await running.outcome).code).toBe(0);
  });

  it("wants a model or a registry", async () => {
    expect(await ncf(["serve"])).toMatchObject({ code: 2, stderr: expect.stringContaining("found neither") });
    const both = ["serve", "--model", at("out/models/mf"), "--registry", at("out/registry")];
    expect(await ncf(both)).toMatchObject({ code: 2, stderr: expect.stringContaining("found both") });
    const empty = await ncf(["serve", "--registry", at("nothing")]);
    expect(empty).toMatchObject({ code: 1, stderr: expect.stringContaining("ncf run") });
  });

  it("explains itself under --help", async () => {
    const { code, stdout } = await ncf(["serve", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /ncf serve[\s\S]*--registry[\s\S]*--model[\s\S]*--sample[\s\S]*--json[\s\S]*--port[\s\S]*--host/,
    );
  });

  it("ends with 1 where there is no model, and 2 on a port that is none", async () => {
    const args = ["serve", "--sample", at("out/sample"), "--port", "0", "--model"];
    expect(await ncf([...args, at("data")])).toMatchObject({ code: 1, stderr: expect.stringContaining("Train one") });
    expect(await ncf(["serve", "--model", "x", "--port", "70000"])).toMatchObject({ code: 2 });
  });
});

interface Answer {
  readonly version: string;
  readonly items: { readonly itemId: string }[];
}

describe("ncf serve --registry", () => {
  const registry = () => at("out/registry");
  const args = () => ["serve", "--registry", registry(), "--port", "0", "--json"];
  const models = async (...command: string[]) => {
    const { code, stdout } = await ncf(["models", ...command, "--registry", registry(), "--json"]);
    expect(code).toBe(0);
    return JSON.parse(stdout);
  };
  const publish = async (seed: string) => {
    const run = ["run", "--dataset", at("data"), "--models", "mf,popularity", "--epochs", "1", "--threads", "1"];
    expect(await ncf([...run, "--seed", seed, "--publish", "--out", at("out")])).toMatchObject({ code: 0 });
  };

  it("serves the champion, and a newer one as soon as it is promoted, without a failed request", async () => {
    const [first] = (await models("list")).versions;
    const { child, outcome, url } = await listening(args());
    const champion = (await (await fetch(`${url}/models/champion`)).json()) as { published: { judged: object } };
    expect(champion).toMatchObject({ version: first.version, published: { revision: 1, judged: first.judged } });
    expect(first.dataset).toMatchObject({ generated: true, interactions: 6000, users: 120 });

    let stop = false;
    const seen = new Map<string, Answer["items"]>();
    const asking = Array.from({ length: 8 }, async () => {
      while (!stop) {
        const response = await fetch(`${url}/users/1/recommendations?k=5`);
        expect(response.status).toBe(200);
        const { version, items } = (await response.json()) as Answer;
        // A version answers alike each time.
        expect(items).toEqual(seen.get(version) ?? items);
        seen.set(version, items);
      }
    });
    const reaches = async (version: string) => {
      for (let i = 0; i < 200 && ![...seen.keys()].includes(version); i++) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect([...seen.keys()]).toContain(version);
    };
    await publish("5");
    const { champion: second } = await models("list");
    expect(second).toMatchObject({ revision: 2, previous: first.version });
    await reaches(second.version);
    seen.delete(first.version);
    expect(await models("rollback")).toMatchObject({ version: first.version, revision: 3, previous: null });
    await reaches(first.version);
    stop = true;
    await Promise.all(asking);
    child.kill("SIGTERM");
    const { code, stderr } = await outcome;
    expect(code).toBe(0);
    expect(stderr.split("\n")).toEqual(
      [second, first].map(({ version }) => `Serving version ${version} now.`).concat(expect.any(String), ""),
    );
  });

  it("keeps what users did over a kill -9", async () => {
    const running = await listening(args());
    const body = JSON.stringify({ userId: "zoe", itemId: "7", timestampMs: 5 });
    const headers = { "Content-Type": "application/json" };
    const recorded = await fetch(`${running.url}/interactions`, { method: "POST", headers, body });
    expect(await recorded.json()).toMatchObject({ recorded: 1 });
    const second = await ncf(args());
    expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining("process") });
    running.child.kill("SIGKILL");
    await running.outcome;
    const again = await listening(args());
    const history = await (await fetch(`${again.url}/users/zoe/history`)).json();
    expect(history).toMatchObject({ known: true, items: [{ itemId: "7", timestampMs: 5, recorded: true }] });
    again.child.kill("SIGTERM");
    await again.outcome;
  });

  it.skipIf(!process.env.NCF_KAFKA)("keeps what users did on Kafka, where NCF_KAFKA names a broker", async () => {
    const brokers = process.env.NCF_KAFKA ?? "";
    const onKafka = [...args(), "--brokers", brokers];
    const userId = `zoe-${randomUUID()}`;
    const running = await listening(onKafka);
    const body = JSON.stringify({ userId, itemId: "7", timestampMs: 5 });
    const headers = { "Content-Type": "application/json" };
    // On a busy machine the brokers may need longer than a client is kept waiting: it is told to try again.
    await expect
      .poll(async () => (await fetch(`${running.url}/interactions`, { method: "POST", headers, body })).status)
      .toBe(200);
    running.child.kill("SIGKILL");
    await running.outcome;
    const again = await listening(onKafka);
    const history = await (await fetch(`${again.url}/users/${userId}/history`)).json();
    expect(history).toMatchObject({ known: true, items: [{ itemId: "7", timestampMs: 5, recorded: true }] });
    again.child.kill("SIGTERM");
    expect((await again.outcome).code).toBe(0);
  });

  it("says within seconds that no broker answers, and waits for one until it is told to stop", async () => {
    const { child, outcome, stderrHas } = startNcf([...args(), "--brokers", "127.0.0.1:1"]);
    const started = performance.now();
    await stderrHas("Until then, this waits.");
    // The start of the process included, on a machine that may be busy.
    expect(performance.now() - started).toBeLessThan(15_000);
    child.kill("SIGTERM");
    const { code, stderr } = await outcome;
    expect(code).toBe(130);
    expect(stderr).toMatch(/127\.0\.0\.1:1/);
  });

  it("keeps the champion in force when the next one is damaged", async () => {
    const [first, second] = (await models("list")).versions;
    const running = await listening(args());
    await models("promote", second.version);
    await running.stderrHas("Serving version");
    const file = path.join(registry(), "models", first.version, "catalogue.json");
    const content = await readFile(file, "utf8");
    await writeFile(file, content.replace("Drama", "Dramb"));
    await models("promote", first.version);
    await running.stderrHas("sha256");
    expect(await (await fetch(`${running.url}/health`)).json()).toMatchObject({ version: second.version });
    await writeFile(file, content);
    running.child.kill("SIGTERM");
    expect((await running.outcome).code).toBe(0);
  });

  it("ends a run that serves: one JSON document, then answers", async () => {
    const run = ["run", "--dataset", at("data"), "--models", "mf,popularity", "--epochs", "2", "--threads", "1"];
    const { child, outcome, url } = await listening([...run, "--serve", "--port", "0", "--json", "--out", at("out")]);
    expect(await (await fetch(`${url}/users/1/recommendations`)).json()).toMatchObject({ basis: "model" });
    child.kill("SIGINT");
    const { code, stdout } = await outcome;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ url, published: { trainedOn: "allData", name: "mf" } });
  });
});

describe("ncf models", () => {
  it("says what there is, what to do, and what is wrong", async () => {
    const of = (...command: string[]) => ncf(["models", ...command, "--registry", at("out/registry")]);
    const { stdout } = await of("list");
    expect(stdout).toMatch(
      /^[* ] 00000\d-[0-9a-f]{8} {2}\d{4}-.*mf.*HR@10 0\.\d{3} {2}6,000 ratings of data \(generated data\)$/m,
    );
    expect(stdout).toMatch(/Champion: 00000\d/);
    expect((await of("show", stdout.slice(2, 17))).stdout).toMatch(
      /all of it[\s\S]*cut-off: \d{4}-[\s\S]*model\.safetensors/,
    );
    expect(await of("promote", "none")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Choose one of these"),
    });
    expect(await of("show")).toMatchObject({ code: 2 });
    const nothing = await ncf(["models", "list", "--registry", at("nothing")]);
    expect(nothing).toMatchObject({ code: 0, stdout: expect.stringContaining("ncf run --publish") });
  });
});
