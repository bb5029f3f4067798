import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadOnnxRuntime } from "../../bench/onnx-runtime.ts";
import { ncf } from "./ncf.ts";

let folder: string;
const at = (name: string) => path.join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ncf-interop-"));
  const size = ["--users", "120", "--movies", "400", "--ratings", "6000", "--seed", "7"];
  expect(await ncf(["generate", ...size, "--out", at("data")])).toMatchObject({ code: 0 });
  expect(await ncf(["ingest", at("data"), "--out", at("dataset")])).toMatchObject({ code: 0 });
  const sample = ["sample", at("dataset"), "--out", at("sample"), "--benchmark", at("own")];
  expect(await ncf(sample)).toMatchObject({ code: 0 });
  const train = ["train", at("sample"), "--preset", "neumf", "--epochs", "2", "--threads", "1", "--out", at("model")];
  expect(await ncf(train)).toMatchObject({ code: 0 });
}, 180_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the NCF benchmark's files", () => {
  const files = () => ["--train", at("own/own.train.rating"), "--test", at("own/own.test.rating")];

  it("of a sample give the judgement of that sample", async () => {
    const candidates = ["--candidates", at("own/own.test.negative")];
    const trained = ["--models", "popularity,neumf", "--epochs", "2", "--threads", "1"];
    const byFiles = await ncf(["evaluate", ...files(), ...candidates, ...trained, "--json"]);
    const bySample = await ncf(["evaluate", at("sample"), "--model", at("model"), "--json"]);
    expect(byFiles).toMatchObject({ code: 0 });
    const figures = (stdout: string) =>
      JSON.parse(stdout)
        .judgements.map(({ name, cases, hrAt10, ndcgAt10 }: Record<string, unknown>) => [name, cases, hrAt10, ndcgAt10])
        .sort();
    expect(figures(byFiles.stdout)).toEqual(figures(bySample.stdout));
    expect(JSON.parse(byFiles.stdout).benchmark).toMatchObject({ testedUsers: 120, mostCandidates: 99 });
  });

  it.each([
    ["without candidates", ["--models", "popularity"], 2, "--train, --test, --candidates and --models together"],
    ["for a model that is none", ["--candidates", "x", "--models", "oracle"], 2, '"oracle"'],
    ["for a file that is not there", ["--candidates", "no/such", "--models", "popularity"], 1, "no/such"],
  ])("are refused %s", async (_what, args, code, reason) => {
    expect(await ncf(["evaluate", ...files(), ...args])).toMatchObject({
      code,
      stderr: expect.stringContaining(reason),
    });
  });
});

it("ncf explain names the movies that carry a score", async () => {
  const model = [at("sample"), "--model", at("model")];
  const recommended = await ncf(["recommend", ...model, "--user", "1", "-k", "1", "--json"]);
  const [{ itemId, title }] = JSON.parse(recommended.stdout).recommendations;
  const { code, stdout } = await ncf(["explain", ...model, "--user", "1", "--item", itemId, "--limit", "2"]);
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining(`${title} for user 1: neumf`) });
  expect(stdout.trim().split("\n").slice(-3)).toEqual([
    expect.stringMatching(/^[+-]\d\.\d\d {2}\S.*\(\d{4}\)$/),
    expect.stringMatching(/^[+-]\d\.\d\d {2}\S.*\(\d{4}\)$/),
    expect.stringMatching(/^and \d+ others, from /),
  ]);
});

it("ncf export writes what ONNX Runtime opens, with the ids in it", async () => {
  const { code } = await ncf(["export", at("sample"), "--model", at("model"), "--out", at("model.onnx")]);
  expect(code).toBe(0);
  expect(existsSync(at("model.onnx"))).toBe(true);
  const bytes = await readFile(at("model.onnx"));
  expect(bytes.includes('["1","2","3"')).toBe(true);
  const runtimeFolder = process.env.NCF_ONNXRUNTIME;
  if (runtimeFolder === undefined) return;
  const runtime = loadOnnxRuntime(runtimeFolder);
  const session = await runtime.open(bytes);
  const [users, items] = [runtime.int64(Int32Array.of(0)), runtime.int64(Int32Array.of(0, 1))];
  expect((await session.run({ users, items })).logits.data).toHaveLength(2);
});
