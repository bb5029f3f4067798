import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ncf, type RunningCommand, startNcf } from "./ncf.ts";

let folder: string;
const at = (name: string) => path.join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ncf-serve-"));
  const size = ["--users", "120", "--movies", "400", "--ratings", "6000", "--seed", "7"];
  expect(await ncf(["generate", ...size, "--out", at("data")])).toMatchObject({ code: 0 });
  const models = ["--models", "mf,popularity", "--epochs", "2", "--threads", "1", "--replay", "90d"];
  expect(await ncf(["run", "--dataset", at("data"), ...models, "--out", at("out")])).toMatchObject({ code: 0 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The running service and where it listens, once it says so. */
async function serving(...more: string[]): Promise<RunningCommand & { readonly url: string }> {
  const running = startNcf(["serve", "--model", at("out/models/mf"), "--port", "0", "--json", ...more]);
  const url = await new Promise<string>((resolve, reject) => {
    let stdout = "";
    running.child.stdout?.on("data", (chunk) => {
      stdout += chunk;
      const found = /"url": "([^"]+)"/.exec(stdout);
      if (found !== null) resolve(found[1]);
    });
    void running.outcome.then(({ stderr }) => reject(new Error(stderr)));
  });
  return { ...running, url };
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

  it("ends with 130 on Ctrl-C", async () => {
    const { child, outcome } = await serving();
    child.kill("SIGINT");
    const { code, stderr } = await outcome;
    expect(code).toBe(130);
    expect(stderr).toContain("run it again");
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

  it("explains itself under --help", async () => {
    const { code, stdout } = await ncf(["serve", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/ncf serve[\s\S]*--model[\s\S]*--sample[\s\S]*--port[\s\S]*--host[\s\S]*--json/);
  });

  it("ends with 1 where there is no model, and 2 on a port that is none", async () => {
    const args = ["serve", "--sample", at("out/sample"), "--port", "0", "--model"];
    expect(await ncf([...args, at("data")])).toMatchObject({ code: 1, stderr: expect.stringContaining("Train one") });
    expect(await ncf(["serve", "--model", "x", "--port", "70000"])).toMatchObject({ code: 2 });
  });
});
