import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ncf, startNcf } from "./ncf.ts";

let folder: string;
const at = (name: string) => path.join(folder, name);
const train = (out: string, ...more: string[]) => [
  "train",
  at("sample"),
  "--preset",
  "neumf",
  "--epochs",
  "6",
  "--out",
  at(out),
  ...more,
];
const model = (out: string) => readFile(at(`${out}/model.safetensors`));

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ncf-stop-"));
  const size = ["--users", "400", "--movies", "1500", "--ratings", "40000"];
  expect(await ncf(["generate", ...size, "--out", at("data")])).toMatchObject({ code: 0 });
  expect(await ncf(["ingest", at("data"), "--out", at("dataset")])).toMatchObject({ code: 0 });
  expect(await ncf(["sample", at("dataset"), "--out", at("sample")])).toMatchObject({ code: 0 });
  expect(await ncf(train("whole", "--threads", "1"))).toMatchObject({ code: 0 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("a training that is interrupted", () => {
  it("gives the same model file after kill -9 at several moments, whatever the thread counts", async () => {
    let kills = 0;
    for (let attempt = 0; !existsSync(at("killed/model.safetensors")); attempt++) {
      expect(attempt).toBeLessThan(60);
      const { child, outcome, stderrHas } = startNcf(
        train("killed", "--resume", "--threads", String(1 + (attempt % 2))),
      );
      if (kills < 4) {
        // Once under way, each attempt lives a little longer than the one before.
        await Promise.race([outcome, stderrHas("Training"), waitForFile(at("killed"), outcome)]);
        await new Promise((resolve) => setTimeout(resolve, 150 + 120 * attempt));
        if (child.kill("SIGKILL")) kills += 1;
      }
      await outcome;
    }
    expect(kills).toBeGreaterThan(0);
    expect((await model("killed")).equals(await model("whole"))).toBe(true);
  });

  it("stops cleanly on Ctrl-C, and the same command goes on", async () => {
    const args = ["run", "--dataset", at("data"), "--models", "neumf,popularity", "--epochs", "6", "--out", at("run")];
    const { child, outcome } = startNcf(args);
    await Promise.race([outcome, waitForFile(at("run/models/neumf/checkpoint.safetensors"), outcome)]);
    child.kill("SIGINT");
    const stopped = await outcome;
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain("the same command");
    expect(existsSync(at("run/report.json"))).toBe(false);
    const resumed = await ncf(args);
    expect(resumed).toMatchObject({ code: 0 });
    const whole = await ncf([...args.slice(0, -1), at("whole-run"), "--threads", "1"]);
    expect(whole).toMatchObject({ code: 0 });
    const hash = async (out: string) => JSON.parse(await readFile(at(`${out}/report.json`), "utf8")).hashes.models;
    expect(await hash("run")).toEqual(await hash("whole-run"));
  });
});

/** Settles when the file is there, or when the command has ended. */
async function waitForFile(file: string, outcome: Promise<unknown>): Promise<void> {
  let ended = false;
  void outcome.then(() => {
    ended = true;
  });
  while (!ended && !existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 10));
}
