/** Searching settings and using them, and training from another model, by the command itself. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ncf, startNcf } from "./ncf.ts";

const folder = mkdtempSync(path.join(tmpdir(), "ncf-tune-"));
const at = (...names: string[]): string => path.join(folder, ...names);

async function done(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await ncf(args);
  expect(code, stderr).toBe(0);
  return stdout;
}

beforeAll(async () => {
  await done(["generate", "--users", "60", "--movies", "300", "--ratings", "3000", "--out", at("data")]);
  await done(["run", "--dataset", at("data"), "--models", "popularity", "--out", at("run")]);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("ncf tune", () => {
  const search = ["--model", "mf", "--trials", "3", "--epochs", "3", "--candidate-draws", "1", "--threads", "1"];

  it("goes on where it was killed, and its settings are trained with", async () => {
    const tune = (out: string) => ["tune", at("run", "sample"), ...search, "--out", at(out)];
    const text = await done(tune("whole"));
    expect(text).toContain("validation HR@10");
    const killed = startNcf(tune("killed"));
    await killed.stderrHas("3 trials of 1 epochs");
    killed.child.kill("SIGKILL");
    await killed.outcome;
    await done(tune("killed"));
    const found = readFileSync(at("killed", "tuned.json"), "utf8");
    expect(found).toBe(readFileSync(at("whole", "tuned.json"), "utf8"));

    const train = [
      "train",
      at("run", "sample"),
      "--settings",
      at("whole", "tuned.json"),
      "--out",
      at("tuned"),
      "--json",
    ];
    const record = JSON.parse(await done(train));
    expect(record.preset).toBe("mf");
    expect(record.epochs).toBe(JSON.parse(found).settings.epochs);
  }, 240_000);

  it("says what is wrong with a space", async () => {
    writeFileSync(at("space.json"), JSON.stringify({ "mlp.dropout": [0.1] }));
    const args = ["tune", at("run", "sample"), ...search, "--space", at("space.json"), "--out", at("none")];
    const { code, stderr } = await ncf(args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ncf: space\.json: mlp\.dropout: expected one of [^\n]*learningRate[^\n]*\n$/);
  }, 60_000);

  it("refuses a search that has nothing to change", async () => {
    const { code, stderr } = await ncf(["tune", at("run", "sample"), "--model", "popularity", "--out", at("nothing")]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ncf: expected settings of popularity to search, found none\. Name some: --space/);
  }, 60_000);
});

describe("ncf train --init-from", () => {
  const train = (sample: string, ...more: string[]) => ["train", at(sample, "sample"), "--preset", "mf", ...more];

  it("starts from a model of other users, and says so in the model's record", async () => {
    const other = ["generate", "--users", "50", "--movies", "300", "--ratings", "2500", "--seed", "2"];
    await done([...other, "--out", at("other")]);
    await done(["run", "--dataset", at("other"), "--models", "popularity", "--out", at("other-run")]);
    await done(train("other-run", "--out", at("base")));
    const from = ["--init-from", at("base"), "--epochs", "2", "--out", at("transferred")];
    const record = JSON.parse(await done(train("run", ...from, "--json")));
    expect(record.initFrom.items).toBeGreaterThan(100);
    expect(record.initFrom.users).toBe(60);
    const anew = JSON.parse(await done(train("run", "--epochs", "2", "--out", at("anew"), "--json")));
    expect(record.curve[0].loss).toBeLessThan(anew.curve[0].loss);
    // A finished training of another start is not taken for this one.
    const resumed = await ncf(train("run", "--epochs", "2", "--out", at("transferred"), "--resume"));
    expect(resumed.code).toBe(1);
    expect(resumed.stderr).toContain("the finished model of a run with other settings or data");
  }, 240_000);

  it("refuses another network in one line", async () => {
    const args = ["train", at("run", "sample"), "--preset", "neumf", "--init-from", at("base"), "--out", at("refused")];
    const { code, stderr } = await ncf(args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ncf: expected a model with the settings [^\n]*\n$/);
  }, 60_000);
});
