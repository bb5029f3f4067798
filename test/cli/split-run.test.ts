import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseReport, type Report } from "../../src/app/report/report.ts";
import { ncf } from "./ncf.ts";

let folder: string;
const at = (name: string) => path.join(folder, name);
const models = ["--models", "mf,ials,popularity", "--epochs", "1", "--threads", "1"];

async function run(out: string, ...args: string[]): Promise<Report> {
  const { code, stdout, stderr } = await ncf([
    ...["run", "--dataset", at("data"), "--out", at(out), "--json"],
    ...models,
    ...args,
  ]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return parseReport(JSON.parse(stdout));
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ncf-split-"));
  const size = ["--users", "150", "--movies", "300", "--ratings", "9000", "--seed", "7"];
  expect(await ncf(["generate", ...size, "--out", at("data")])).toMatchObject({ code: 0 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("ncf run", () => {
  it("judges at several moments, with models of their own, and lets nothing leak", async () => {
    const report = await run("rolling", "--split", "rolling", "--split-share", "0.6", "--split-cuts", "2");
    expect(report.protocol.split).toBe("rolling");
    expect(report.leakage.shareOfTrainingAfterTestEvent).toBe(0);
    const [first, second] = report.splits;
    expect(report.splits).toHaveLength(2);
    expect(first.beforeMs).toBeLessThan(second.beforeMs ?? 0);
    expect(first.trainingInteractions).toBeLessThan(second.trainingInteractions);
    const cases = first.testedUsers + second.testedUsers;
    for (const { name, cases: judged, hrAt10 } of report.models) {
      const of = (split: Report["splits"][number]) => split.models.find((model) => model.name === name)?.hrAt10 ?? -1;
      expect(judged).toBe(cases);
      expect(hrAt10).toBeCloseTo((first.testedUsers * of(first) + second.testedUsers * of(second)) / cases, 12);
    }
    expect((await readdir(at("rolling/cuts/1/models"))).sort()).toEqual(["ials", "mf", "popularity"]);
    expect(await readFile(at("rolling/report.html"), "utf8")).toContain("Split by time");
  });

  it("tests the next item after one moment", async () => {
    const report = await run("temporal", "--split", "temporal", "--split-share", "0.8");
    expect(report.splits).toHaveLength(1);
    const [{ beforeMs, newUsers, trainingInteractions }] = report.splits;
    expect(beforeMs).toBeGreaterThan(0);
    expect(newUsers).toBeGreaterThanOrEqual(0);
    expect(trainingInteractions).toBeLessThanOrEqual(7200);
  });

  it("trains what is random under several seeds, and keeps the first seed's figures", async () => {
    const one = await run("one");
    const three = await run("three", "--seeds", "3");
    const figures = (report: Report) =>
      report.models.map(({ name, hrAt10, corrected }) => ({ name, hrAt10, corrected }));
    expect(figures(three)).toEqual(figures(one));
    const [mf, ials, popularity] = three.models;
    expect(popularity.seeds).toBeNull();
    for (const { seeds, hrAt10 } of [mf, ials]) {
      expect(seeds?.seeds).toEqual([1, 2, 3]);
      expect(seeds?.hrAt10.values[0]).toBe(hrAt10);
      expect(seeds?.hrAt10.mean).toBeCloseTo(
        (seeds?.hrAt10.values ?? []).reduce((sum, x) => sum + x / 3, 0),
        12,
      );
    }
    expect(new Set(mf.seeds?.ndcgAt10.values).size).toBe(3);
    expect((await readdir(at("three/seeds/2/models"))).sort()).toEqual(["ials", "mf"]);
    expect(mf.cost.modelBytes).toBeGreaterThan(1000);
    expect(mf.cost.millisecondsPerRequest).toBeGreaterThan(0);
  });

  it.each([
    ["a share without a split by time", ["--split-share", "0.5"], /--split-share/],
    ["cuts of one moment", ["--split", "temporal", "--split-cuts", "3"], /--split-cuts/],
    ["a publication of what was not trained on all", ["--split", "temporal", "--publish"], /leaveOneOut/],
  ])("ends with 2 on %s", async (_what, args, reason) => {
    const { code, stderr } = await ncf(["run", "--dataset", at("data"), "--out", at("refused"), ...args]);
    expect(code).toBe(2);
    expect(stderr).toMatch(reason);
  });
});
