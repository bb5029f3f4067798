import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ncf } from "./ncf.ts";

let folder: string;
const at = (name: string) => path.join(folder, name);
const replay = (out: string, ...more: string[]) =>
  ncf(["replay", at("data"), "--out", at(out), "--preset", "mf", "--window", "90d", "--threads", "1", ...more]);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ncf-replay-"));
  const size = ["--users", "120", "--movies", "400", "--ratings", "8000", "--seed", "7"];
  expect(await ncf(["generate", ...size, "--out", at("data")])).toMatchObject({ code: 0 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("ncf replay", () => {
  it("prints windows as they close, and tests every newer event that it can", async () => {
    const { code, stdout, stderr } = await replay("text");
    expect(code).toBe(0);
    expect(stderr).toMatch(/window of\s+events\s+users\s+HR@10/);
    expect(stderr.match(/^\s*\d{4}-\d\d-\d\d\s+\d+/gm)?.length).toBeGreaterThan(1);
    expect(stdout).toMatch(/generated data/);
    expect(stdout).toMatch(/windows, [\d,]+ tested events: HR@10 0\.\d{3}, popularity 0\.\d{3}/);
  });

  it("gives one JSON document, the same for any number of partitions, and keeps it", async () => {
    const [one, three] = [await replay("one", "--json"), await replay("three", "--json", "--partitions", "3")];
    expect([one.code, three.code]).toEqual([0, 0]);
    const result = JSON.parse(one.stdout);
    expect(JSON.parse(three.stdout)).toEqual(result);
    const counted = (w: Record<string, number>) => w.cases + w.repeats + w.unknownItems + w.late;
    expect(result.windows.reduce((sum: number, w: Record<string, number>) => sum + counted(w), 0)).toBe(result.events);
    const kept = JSON.parse(await readFile(path.join(at("one"), "replay", "windows.json"), "utf8"));
    expect(kept.windows).toEqual(result.windows);
    expect(kept).toMatchObject({ dataset: "data", generated: true });
  });

  it("follows a run on request, in one JSON document with the report", async () => {
    const models = ["--models", "mf,popularity", "--epochs", "2", "--threads", "1"];
    const run = ["run", "--dataset", at("data"), "--out", at("run"), ...models, "--replay", "90d"];
    const { code, stdout } = await ncf([...run, "--json"]);
    expect(code).toBe(0);
    const { models: judged, replay: replayed } = JSON.parse(stdout);
    expect(judged.map(({ name }: { name: string }) => name)).toEqual(["mf", "popularity"]);
    expect(replayed).toMatchObject({ model: expect.stringMatching(/^mf-/) });
    const again = await ncf(run);
    expect(again.stdout).toMatch(/data \(generated data\): mf-[0-9a-f]{12} trained on/);
    expect(again.stdout.indexOf("Report: ")).toBeLessThan(again.stdout.indexOf("tested events"));
  });

  it("ends with 1 where no rating lies before the stream", async () => {
    const { code, stderr } = await replay("none", "--before", "0.00001");
    expect(code).toBe(1);
    expect(stderr).toMatch(/greater share/);
  });

  it("tests a model that is there on the same events, without training", async () => {
    expect(await replay("trained")).toMatchObject({ code: 0 });
    const model = ["--model", at("trained/replay/models/mf"), "--window", "90d"];
    const again = await ncf(["replay", at("data"), ...model, "--out", at("again"), "--json"]);
    expect(again).toMatchObject({ code: 0, stderr: expect.not.stringContaining("Training") });
    const kept = JSON.parse(await readFile(at("trained/replay/windows.json"), "utf8"));
    expect(JSON.parse(again.stdout)).toEqual(kept);
    const shown = await ncf(["windows", at("again")]);
    expect(shown.stdout).toMatch(/^ +window of .*\n( *\d{4}-\d\d-\d\d .*\n)+\d+ windows, /);
    expect(JSON.parse((await ncf(["windows", at("again"), "--json"])).stdout)).toEqual({ windows: kept.windows });
    expect(await ncf(["windows", at("data")])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("ncf replay"),
    });
  });

  it("tests events on movies that the model has not seen, where all listed ones are candidates", async () => {
    const model = ["--model", at("trained/replay/models/mf"), "--window", "90d", "--catalogue", "listed"];
    const { code, stdout } = await ncf(["replay", at("data"), ...model, "--out", at("listed"), "--json"]);
    expect(code).toBe(0);
    const { catalogue, windows } = JSON.parse(stdout);
    const known = JSON.parse(await readFile(at("trained/replay/windows.json"), "utf8"));
    const sum = (of: typeof windows, field: string) => of.reduce((all: number, w: never) => all + w[field], 0);
    expect(catalogue).toBe("listed");
    expect(sum(windows, "unknownItems")).toBe(0);
    expect(sum(known.windows, "unknownItems")).toBeGreaterThan(0);
    expect(sum(windows, "cases")).toBe(sum(known.windows, "cases") + sum(known.windows, "unknownItems"));
  });

  it("refuses events that the model may have learnt, unless told otherwise, and marks them then", async () => {
    expect(await replay("early", "--before", "0.5")).toMatchObject({ code: 0 });
    const judged = ["run", "--dataset", at("data"), "--models", "mf", "--epochs", "1", "--threads", "1"];
    expect(await ncf([...judged, "--out", at("judged")])).toMatchObject({ code: 0 });
    const args = ["replay", at("data"), "--model", at("judged/models/mf"), "--window", "90d", "--out", at("leak")];
    const refused = await ncf(args);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/at or before.*--allow-leak/) });
    const marked = await ncf([...args, "--allow-leak"]);
    expect(marked).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/\d+ of the tested events lie at or before/),
    });
    const { leaked, windows } = JSON.parse(await readFile(at("leak/replay/windows.json"), "utf8"));
    expect(leaked).toBeGreaterThan(0);
    expect(windows.reduce((sum: number, window: { leaked: number }) => sum + window.leaked, 0)).toBe(leaked);
  });

  it("takes a share of 0 with a model only, and either a preset or a model", async () => {
    expect(await replay("zero", "--before", "0")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--model"),
    });
    expect(await replay("both", "--model", at("x"))).toMatchObject({ code: 2 });
    const all = ["replay", at("data"), "--model", at("early/replay/models/mf"), "--before", "0", "--out", at("all")];
    expect(await ncf(all)).toMatchObject({ code: 1, stderr: expect.stringMatching(/found \d+ of 8000 at or before/) });
  });
});
