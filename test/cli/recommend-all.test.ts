import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ncf, startNcf } from "./ncf.ts";

let folder: string;
const at = (name: string) => path.join(folder, name);
const all = (out: string, ...more: string[]) => {
  const model = ["recommend", at("sample"), "--model", at("model")];
  return [...model, "--all", "--out", at(out), "-k", "20", ...more];
};

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ncf-all-"));
  const size = ["--users", "2500", "--movies", "1500", "--ratings", "50000"];
  expect(await ncf(["generate", ...size, "--out", at("data")])).toMatchObject({ code: 0 });
  expect(await ncf(["ingest", at("data"), "--out", at("dataset")])).toMatchObject({ code: 0 });
  expect(await ncf(["sample", at("dataset"), "--out", at("sample")])).toMatchObject({ code: 0 });
  const train = ["train", at("sample"), "--preset", "neumf", "--epochs", "1", "--out", at("model")];
  expect(await ncf(train)).toMatchObject({ code: 0 });
  expect(await ncf(all("whole.parquet", "--threads", "1"))).toMatchObject({ code: 0 });
}, 180_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("ncf recommend --all", () => {
  it("gives the same file after kill -9 as at one go, whatever the thread counts, and leaves nothing else", async () => {
    const first = startNcf(all("killed.parquet", "--threads", "2"));
    const part = at("killed.parquet.parts/part-0000000000");
    let ended = false;
    void first.outcome.then(() => {
      ended = true;
    });
    while (!ended && !existsSync(part)) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(first.child.kill("SIGKILL")).toBe(true);
    await first.outcome;
    expect(existsSync(at("killed.parquet"))).toBe(false);
    const { code, stdout } = await ncf(all("killed.parquet", "--json"));
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ users: 2500, rows: 50_000 });
    expect(JSON.parse(stdout).resumedUsers).toBeGreaterThan(0);
    expect((await readFile(at("killed.parquet"))).equals(await readFile(at("whole.parquet")))).toBe(true);
    expect(existsSync(at("killed.parquet.parts"))).toBe(false);
  });

  it("ends with 2 without --out", async () => {
    const { code, stderr } = await ncf(["recommend", at("sample"), "--model", at("model"), "--all"]);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining("--all and --out FILE") });
  });
});
