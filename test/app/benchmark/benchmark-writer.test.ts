import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { textLines } from "../../../src/adapters/local/benchmark-files.ts";
import { FileObjectStore } from "../../../src/adapters/local/file-object-store.ts";
import type { LineSource } from "../../../src/app/benchmark/benchmark-lines.ts";
import { readBenchmark } from "../../../src/app/benchmark/benchmark-split.ts";
import { writeBenchmark } from "../../../src/app/benchmark/benchmark-writer.ts";
import { CandidateSampler } from "../../../src/core/candidates.ts";
import { checkerboard } from "../../core/checkerboard.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ncf-benchmark-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const source = (name: string): LineSource => {
  const file = path.join(folder, name);
  return { name: file, lines: textLines(file) };
};

it("a sample's benchmark files give back its split and the candidates of its judgement", async () => {
  const board = checkerboard(3, 120, 40);
  const sample = { ...board, userLabels: new Map([[0, "user zero"]]) };
  const keys = await writeBenchmark(new FileObjectStore(folder), "board", sample, 7);
  expect(keys).toEqual(
    ["train.rating", "test.rating", "test.negative", "users", "items"].map((name) => `board.${name}`),
  );
  const read = await readBenchmark({
    train: source("board.train.rating"),
    test: source("board.test.rating"),
    candidates: source("board.test.negative"),
  });
  expect(read.sample.train).toEqual(sample.train);
  expect(read.sample.testItems).toEqual(sample.testItems);
  expect(read.sample.testTimestampsMs).toEqual(sample.testTimestampsMs);
  const sampler = new CandidateSampler(sample, { seed: 7, negatives: 99, withReplacement: false });
  for (const user of sample.userIds.keys()) {
    const [test, ...others] = read.candidatesOf(user);
    const [drawnTest, ...drawn] = sampler.of(user);
    expect([test, others.sort()]).toEqual([drawnTest, drawn.sort()]);
  }
  expect(read.facts).toMatchObject({ mostCandidates: 80, ownTestItemUsers: 0, repeatedCandidates: 0, timed: true });
  expect((await readFile(path.join(folder, "board.users"), "utf8")).split("\n")[0]).toBe("0\tuser zero");
});

it("a file that is not there is named", async () => {
  const missing = source("nothing.rating");
  await expect(readBenchmark({ train: missing, test: missing, candidates: missing })).rejects.toThrow(
    /nothing\.rating/,
  );
});
