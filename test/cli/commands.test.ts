import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseReport } from "../../src/app/report/report.ts";
import { ncf, startNcf } from "./ncf.ts";

let folder: string;
const at = (name: string) => path.join(folder, name);
const size = ["--users", "120", "--movies", "400", "--ratings", "6000", "--seed", "7"];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ncf-cli-"));
  expect(await ncf(["generate", ...size, "--out", at("data")])).toMatchObject({ code: 0 });
  expect(await ncf(["ingest", at("data"), "--out", at("dataset")])).toMatchObject({ code: 0 });
  expect(await ncf(["sample", at("dataset"), "--fraction", "0.5", "--out", at("sample")])).toMatchObject({ code: 0 });
  const train = ["train", at("sample"), "--preset", "neumf", "--epochs", "2", "--threads", "1", "--out", at("model")];
  expect(await ncf(train)).toMatchObject({ code: 0 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("ncf", () => {
  it.each([["run"], ["generate"], ["ingest"], ["sample"], ["train"], ["evaluate"], ["recommend"], ["replay"]])(
    "explains %s under --help",
    async (command) => {
      const { code, stdout } = await ncf([command, "--help"]);
      expect(code).toBe(0);
      expect(stdout).toContain(`ncf ${command}`);
      expect(stdout).toContain("--json");
    },
  );

  it.each([
    ["an unknown command", ["frobnicate"]],
    ["a missing option", ["train", "somewhere", "--out", "x"]],
    ["an unknown option", ["run", "--out", "x", "--frobnicate"]],
    ["a fraction above 1", ["run", "--out", "x", "--fraction", "2"]],
    ["an unknown model", ["run", "--out", "x", "--models", "neumf,oracle"]],
    ["features of items without a network", ["run", "--out", "x", "--models", "ease", "--item-features"]],
    ["an unknown preset", ["train", "x", "--out", "y", "--preset", "gpt"]],
    ["a window without a unit", ["replay", "x", "--out", "y", "--window", "30"]],
    ["a mapping without a time", ["ingest", "x", "--out", "y", "--columns", "user=a,item=b"]],
  ])("ends with 2 on %s", async (_what, args) => {
    const { code, stderr, stdout } = await ncf(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).not.toBe("");
  });

  it.each([
    ["a data set that is nowhere", (f: string) => ["ingest", `${f}/none`, "--out", `${f}/x`], /none/],
    ["a folder that is no sample", (f: string) => ["evaluate", `${f}/data`, "--model", `${f}/model`], /sample/],
    ["a folder without a model", (f: string) => ["evaluate", `${f}/sample`, "--model", `${f}/data`], /Train one/],
    ["an unknown user", (f: string) => ["recommend", `${f}/sample`, "--model", `${f}/model`, "--user", "x"], /"x"/],
  ])("ends with 1 and the reason on %s", async (_what, args, reason) => {
    const { code, stderr, stdout } = await ncf([...args(folder), "--json"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(reason);
    expect(stderr).not.toContain("    at ");
    expect(JSON.parse(stdout)).toMatchObject({ error: { message: expect.stringMatching(reason) } });
  });

  it("refuses a model that was trained on another sample", async () => {
    await ncf(["sample", at("dataset"), "--fraction", "0.5", "--seed", "99", "--out", at("other")]);
    const { code, stderr } = await ncf(["evaluate", at("other"), "--model", at("model")]);
    expect(code).toBe(1);
    expect(stderr).toContain("trained on this sample");
  });

  it("prints one JSON document on stdout under --json", async () => {
    const evaluated = await ncf(["evaluate", at("sample"), "--model", at("model"), "--json"]);
    const { judgements } = JSON.parse(evaluated.stdout);
    expect(judgements.map((j: { name: string; cases: number }) => [j.name, j.cases])).toEqual([
      ["neumf", 60],
      ["popularity", 60],
    ]);
  });

  it("recommends titles that the user has not rated, best first", async () => {
    const manifest = JSON.parse(
      (await ncf(["recommend", at("sample"), "--model", at("model"), "--user", "nobody", "--json"])).stdout,
    );
    const user = /such as (\d+)/.exec(manifest.error.message)?.[1] ?? "";
    const { stdout } = await ncf([
      "recommend",
      at("sample"),
      "--model",
      at("model"),
      "--user",
      user,
      "-k",
      "5",
      "--json",
    ]);
    const { recommendations } = JSON.parse(stdout);
    const ratings = await readFile(at("data/ratings.csv"), "utf8");
    expect(recommendations).toHaveLength(5);
    for (const [i, { itemId, title, score }] of recommendations.entries()) {
      expect(ratings).not.toContain(`\n${user},${itemId},`);
      expect(title).toMatch(/\(\d{4}\)$/);
      if (i > 0) expect(score).toBeLessThanOrEqual(recommendations[i - 1].score);
    }
  });

  it("runs the main job on generated data where no server answers, and says so in the report", async () => {
    const args = ["run", "--models", "popularity,mf", "--epochs", "1", "--out", at("offline"), "--json"];
    const { code, stdout, stderr } = await ncf(args, {
      NCF_DATASETS_URL: "http://127.0.0.1:9/",
      NCF_CACHE: at("cache"),
    });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toContain("generated data");
    const report = parseReport(JSON.parse(stdout));
    expect(report.dataset.generated).toBe(true);
    expect(await readFile(at("offline/report.html"), "utf8")).toContain("enerated");
  });

  it("fails a run whose rejects are over the limit, and passes with a higher one", async () => {
    const lines = ["userId,movieId,rating,timestamp", "1,1,4,100", "1,2,4,200", "2,1,4,100", "2,3,x4,oops"];
    await writeFile(at("bad.csv"), lines.join("\n"));
    const strict = await ncf(["ingest", at("bad.csv"), "--out", at("bad")]);
    expect(strict).toMatchObject({ code: 1, stderr: expect.stringContaining("--max-rejects") });
    const lenient = await ncf(["ingest", at("bad.csv"), "--out", at("bad"), "--max-rejects", "50%", "--json"]);
    expect(JSON.parse(lenient.stdout)).toMatchObject({ rowsRead: 4, rowsKept: 3, rowsRejected: 1 });
  });

  it("refuses to judge a model on a sample whose test items it may have trained on", async () => {
    const tie = ["sample", at("dataset"), "--fraction", "0.5", "--tie-rule", "lastInFile", "--out", at("other-ties")];
    expect(await ncf(tie)).toMatchObject({ code: 0 });
    const { code, stderr } = await ncf(["evaluate", at("other-ties"), "--model", at("model")]);
    expect(code).toBe(1);
    expect(stderr).toContain("test items");
  });

  it("refuses a fraction that leaves nobody to test", async () => {
    const { code, stderr } = await ncf(["run", "--dataset", at("data"), "--fraction", "0.001", "--out", at("nobody")]);
    expect(code).toBe(1);
    expect(stderr).toContain("Raise --fraction");
  });

  it("marks generated data also when its file is named", async () => {
    const args = ["run", "--dataset", at("data/ratings.csv"), "--models", "popularity", "--out", at("named"), "--json"];
    expect(JSON.parse((await ncf(args)).stdout).dataset.generated).toBe(true);
  });

  it("leaves paper out of the default models where ids are no small integers, and takes it with --compact-ids", async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `cust-${i % 5},sku-${i % 7},${1000 + i}`);
    await writeFile(at("own.csv"), ["customer,sku,at", ...rows].join("\n"));
    const own = ["--dataset", at("own.csv"), "--columns", "user=customer,item=sku,time=at", "--epochs", "1", "--json"];
    const byDefault = await ncf(["run", ...own, "--out", at("own")]);
    expect(byDefault.stderr).toContain("paper is left out");
    const names = (stdout: string) => JSON.parse(stdout).models.map((model: { name: string }) => model.name);
    expect(names(byDefault.stdout)).toEqual(["mf-recency", "neumf", "item-knn-recency", "popularity"]);
    const asked = await ncf(["run", ...own, "--models", "paper", "--out", at("own")]);
    expect(asked).toMatchObject({ code: 1, stderr: expect.stringContaining("--compact-ids") });
    const compact = await ncf(["run", ...own, "--models", "paper", "--compact-ids", "--out", at("own")]);
    expect(names(compact.stdout)).toEqual(["paper"]);
  });

  it("refuses a network with a row for every raw id up to millions, naming the way out", async () => {
    const rows = Array.from({ length: 40 }, (_, i) => `${16_000_000 + (i % 8)},${15_000_000 + (i % 11)},4,${1000 + i}`);
    await writeFile(at("far.csv"), ["userId,movieId,rating,timestamp", ...rows].join("\n"));
    const { code, stderr } = await ncf(["run", "--dataset", at("far.csv"), "--models", "paper", "--out", at("far")]);
    expect({ code, stack: stderr.includes("    at ") }).toEqual({ code: 1, stack: false });
    expect(stderr).toContain("--compact-ids");
  });

  it("judges popularity once where it is the model to be judged", async () => {
    await ncf(["run", "--dataset", at("data"), "--models", "popularity", "--out", at("counted")]);
    const args = ["evaluate", at("counted/sample"), "--model", at("counted/models/popularity")];
    const { code, stdout } = await ncf(args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^popularity: HR@10 [^\n]* 120 users;[^\n]*\n$/);
  });

  it("ends without a word where nobody reads on", async () => {
    const { child, outcome } = startNcf(["run", "--help"]);
    child.stdout?.destroy();
    expect(await outcome).toEqual({ code: 141, stdout: "", stderr: "" });
  });

  it("names the folder that cannot be written, before any work", async () => {
    await writeFile(at("occupied"), "a file");
    const { code, stderr } = await ncf(["run", "--dataset", at("data"), "--out", at("occupied")]);
    expect({ code, lines: stderr.trim().split("\n").length }).toEqual({ code: 1, lines: 1 });
    expect(stderr).toContain("occupied");
  });

  it("lets one process at a time write to a folder, and takes over what a dead one left", async () => {
    await mkdir(at("shared"));
    await writeFile(at("shared/.lock"), String(process.pid));
    const args = ["run", "--dataset", at("data"), "--models", "popularity", "--out", at("shared")];
    expect(await ncf(args)).toMatchObject({ code: 1, stderr: expect.stringContaining(String(process.pid)) });
    await writeFile(at("shared/.lock"), "99999999");
    expect(await ncf(args)).toMatchObject({ code: 0 });
  });
});
