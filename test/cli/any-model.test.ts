/** What `ncf` does with networks it does with baselines. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseReport } from "../../src/app/report/report.ts";
import { listening, ncf, type Outcome } from "./ncf.ts";

let folder: string;
let ran: Outcome;
const at = (name: string) => path.join(folder, name);
const models = ["--models", "mf,item-knn,popularity", "--epochs", "1", "--threads", "1"];
const run = (...more: string[]) => ncf(["run", "--dataset", at("data"), "--out", at("out"), ...models, ...more]);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ncf-any-model-"));
  const size = ["--users", "120", "--movies", "400", "--ratings", "6000", "--seed", "7"];
  expect(await ncf(["generate", ...size, "--out", at("data")])).toMatchObject({ code: 0 });
  ran = await run("--publish-model", "item-knn", "--replay", "90d", "--json");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("a baseline", () => {
  it("is judged beside networks, replayed and published by ncf run, which says what each model costs", () => {
    expect(ran).toMatchObject({ code: 0 });
    const { replay, published, ...report } = JSON.parse(ran.stdout);
    const { models: judged, hashes } = parseReport(report);
    expect(judged.map(({ name }) => name)).toEqual(["mf", "item-knn", "popularity"]);
    for (const { name, cost } of judged) {
      expect(hashes.models[name]).toMatch(/^[0-9a-f]{64}$/);
      expect(cost.modelBytes).toBeGreaterThan(0);
      expect(cost.fitSeconds).toBeGreaterThanOrEqual(0);
    }
    expect(replay.model).toMatch(/^item-knn-[0-9a-f]{12}$/);
    expect(published).toMatchObject({ name: "item-knn", judged: { hrAt10: judged[1].hrAt10 } });
  });

  it("is not fitted again by the same command", async () => {
    const { stderr, stdout } = await run("--json");
    expect(stderr).toContain("item-knn: already fitted");
    expect(JSON.parse(stdout).timings.map(({ stage }: { stage: string }) => stage)).toContain(
      "load item-knn, fitted before",
    );
  });

  it("is listed, evaluated, and replayed from its folder", async () => {
    const listed = await ncf(["models", "list", "--registry", at("out/registry")]);
    expect(listed.stdout).toMatch(/\* 000001-[0-9a-f]{8} .* item-knn +HR@10 0\.\d{3} /);
    const model = ["--model", at("out/models/item-knn")];
    const evaluated = await ncf(["evaluate", at("out/sample"), ...model, "--json"]);
    const names = JSON.parse(evaluated.stdout).judgements.map(({ name }: { name: string }) => name);
    expect(names).toEqual(["item-knn", "popularity"]);
    const replayed = ["replay", at("data"), "--out", at("replayed"), "--window", "90d", "--allow-leak", ...model];
    expect(await ncf(replayed)).toMatchObject({ code: 0 });
  });

  it("is served, and counts what users do at once", async () => {
    const { child, outcome, url } = await listening([
      "serve",
      "--registry",
      at("out/registry"),
      "--port",
      "0",
      "--json",
    ]);
    expect(await (await fetch(`${url}/models/champion`)).json()).toMatchObject({ name: "item-knn" });
    const { users } = (await (await fetch(`${url}/users?limit=1`)).json()) as { users: { userId: string }[] };
    const ask = async (userId: string) =>
      (await (await fetch(`${url}/users/${userId}/recommendations?k=5`)).json()) as {
        basis: string;
        items: { itemId: string }[];
      };
    const first = await ask(users[0].userId);
    expect(first.basis).toBe("model");
    const body = JSON.stringify({ userId: users[0].userId, itemId: first.items[0].itemId });
    const headers = { "Content-Type": "application/json" };
    expect((await fetch(`${url}/interactions`, { method: "POST", headers, body })).status).toBe(200);
    const second = await ask(users[0].userId);
    expect(second.basis).toBe("foldIn");
    expect(second.items.map(({ itemId }) => itemId)).not.toContain(first.items[0].itemId);
    child.kill("SIGTERM");
    expect((await outcome).code).toBe(0);
  });
});

it("ncf run refuses to publish what it does not judge", async () => {
  const { code, stderr } = await run("--publish-model", "ease");
  expect({ code }).toEqual({ code: 2 });
  expect(stderr).toContain('expected one of --models with --publish-model, found "ease"');
});
