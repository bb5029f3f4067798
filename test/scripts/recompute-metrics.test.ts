import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { expectedHit, expectedNdcg, optimisticHit, pessimisticHit } from "../../src/core/ranking-metrics.ts";
import { Rng, streamKey } from "../../src/core/rng.ts";

const python = process.env.PYTHON ?? "python3";
const hasPython = spawnSync(python, ["--version"]).status === 0;
const script = fileURLToPath(new URL("../../scripts/recompute-metrics.py", import.meta.url));

/** 200 users whose 100 scores take so few values that most test items are tied. */
function randomCases(): { lines: string; model: Record<string, number | string> } {
  const rng = new Rng(streamKey(1, 0));
  const sums = { hrAt10: 0, hrAt10Optimistic: 0, hrAt10Pessimistic: 0, ndcgAt10: 0 };
  const lines = Array.from({ length: 200 }, (_, userId) => {
    const scores = Array.from({ length: 100 }, () => rng.below(12) / 7);
    const test = rng.below(100);
    scores[test] += rng.below(4) / 7;
    const standing = {
      above: scores.filter((score) => score > scores[test]).length,
      tied: scores.filter((score) => score === scores[test]).length - 1,
    };
    sums.hrAt10 += expectedHit(standing) / 200;
    sums.hrAt10Optimistic += optimisticHit(standing) / 200;
    sums.hrAt10Pessimistic += pessimisticHit(standing) / 200;
    sums.ndcgAt10 += expectedNdcg(standing) / 200;
    const candidates = scores.map((_, i) => 1000 + i);
    return JSON.stringify({ model: "m", userId, testItemId: 1000 + test, candidates, scores });
  });
  return { lines: `${lines.join("\n")}\n`, model: { name: "m", cases: 200, ...sums } };
}

describe.skipIf(!hasPython)(`recompute-metrics.py (skipped where ${python} is missing)`, () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "recompute-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const recompute = (lines: string, models: unknown[]) => {
    writeFileSync(join(folder, "per-user.jsonl"), lines);
    writeFileSync(join(folder, "report.json"), JSON.stringify({ models }));
    return spawnSync(python, [script, join(folder, "per-user.jsonl"), join(folder, "report.json")], {
      encoding: "utf8",
    });
  };

  it("agrees with the project's own metrics, ties included", () => {
    const { lines, model } = randomCases();
    const { status, stdout, stderr } = recompute(lines, [model]);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(stdout).toContain("m cases 200.000000 hrAt10 0.");
  });

  it("refuses a report that is off by 1e-8", () => {
    const { lines, model } = randomCases();
    const { status, stderr } = recompute(lines, [{ ...model, ndcgAt10: Number(model.ndcgAt10) + 1e-8 }]);
    expect(status).toBe(1);
    expect(stderr).toContain("m.ndcgAt10");
  });

  it("refuses a model that is reported but has no cases, and an empty file", () => {
    const { lines, model } = randomCases();
    expect(recompute(lines, [model, { ...model, name: "other" }]).stderr).toContain("other");
    expect(recompute("", []).status).toBe(1);
  });
});
