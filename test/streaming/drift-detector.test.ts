import { describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.ts";
import { DriftDetector, driftStateSchema, type WindowQuality } from "../../src/streaming/drift-detector.ts";

const users = 200;
const casesOfUser = 5;
const versions = { v1: 1000 };

/** A window of 1,000 cases: each of 200 users hits at a rate of their own, of mean `mean` and standard deviation 0.15. */
function windowOf(rng: Rng, mean: number): WindowQuality {
  const hits: number[] = [];
  for (let user = 0; user < users; user++) {
    const rate = mean + 0.15 * Math.sqrt(3) * (2 * rng.unit() - 1);
    let hit = 0;
    for (let i = 0; i < casesOfUser; i++) if (rng.unit() < rate) hit += 1;
    hits.push(hit);
  }
  const cases = users * casesOfUser;
  const hrAt10 = hits.reduce((sum, hit) => sum + hit, 0) / cases;
  const squares = hits.reduce((sum, hit) => sum + (hit - hrAt10 * casesOfUser) ** 2, 0);
  return { hrAt10, standardError: Math.sqrt(squares) / cases, users, versions };
}

describe("drift of HR@10", () => {
  it("is seen at most once in 1,000 windows where there is none", () => {
    const detector = new DriftDetector();
    const rng = new Rng({ k0: 1, k1: 2 });
    let alarms = 0;
    for (let t = 0; t < 10_000; t++) if (detector.observe(windowOf(rng, 0.7)).kind === "alarm") alarms += 1;
    expect(alarms).toBeLessThanOrEqual(10);
  });

  it("is seen at most once in 1,000 windows soon after each start, where the level is uncertain", () => {
    const rng = new Rng({ k0: 3, k1: 4 });
    let alarms = 0;
    for (let start = 0; start < 500; start++) {
      const detector = new DriftDetector();
      for (let t = 0; t < 20; t++) if (detector.observe(windowOf(rng, 0.7)).kind === "alarm") alarms += 1;
    }
    expect(alarms).toBeLessThanOrEqual(10);
  });

  it("of 5 points at 1,000 cases a window is found within five windows", () => {
    const rng = new Rng({ k0: 5, k1: 6 });
    const runs = 200;
    let found = 0;
    for (let run = 0; run < runs; run++) {
      const detector = new DriftDetector();
      for (let t = 0; t < 30; t++) detector.observe(windowOf(rng, 0.7));
      for (let t = 0; t < 5; t++) {
        if (detector.observe(windowOf(rng, 0.65)).kind !== "alarm") continue;
        found += 1;
        break;
      }
    }
    expect(found / runs).toBeGreaterThanOrEqual(0.95);
  });

  it("learns its level first, adds small drops up, and starts anew after an alarm", () => {
    const detector = new DriftDetector();
    const see = (hrAt10: number) => detector.observe({ hrAt10, standardError: 0.01, users: 300, versions });
    for (let t = 0; t < 5; t++) expect(see(0.7)).toEqual({ kind: "learningLevel" });
    expect(see(0.71)).toMatchObject({ kind: "steady", statistic: 0, level: expect.closeTo(0.7, 12) });
    let last = 0;
    for (let t = 0; t < 3; t++) {
      const drift = see(0.685);
      expect(drift.kind).toBe("steady");
      const { statistic } = drift as { statistic: number };
      expect(statistic).toBeGreaterThan(last);
      last = statistic;
    }
    expect(see(0.5)).toMatchObject({ kind: "alarm", level: expect.closeTo(0.695, 2) });
    expect(see(0.5)).toEqual({ kind: "learningLevel" });
  });

  it("is not judged by a handful of users, or without an error", () => {
    const detector = new DriftDetector();
    expect(detector.observe({ hrAt10: 0.7, standardError: 0.01, users: 29, versions })).toEqual({
      kind: "tooFewUsers",
    });
    expect(detector.observe({ hrAt10: 1, standardError: 0, users: 300, versions })).toEqual({ kind: "tooFewUsers" });
  });

  it("starts anew with another version: that of most cases, where a window has two", () => {
    const detector = new DriftDetector();
    const see = (hrAt10: number, of: Record<string, number>) =>
      detector.observe({ hrAt10, standardError: 0.01, users: 300, versions: of }).kind;
    for (let t = 0; t < 5; t++) see(0.7, { v1: 900 });
    expect(see(0.7, { v1: 500, v2: 400 })).toBe("steady");
    expect(see(0.5, { v1: 400, v2: 500 })).toBe("learningLevel");
    for (let t = 0; t < 4; t++) expect(see(0.5, { v2: 900 })).toBe("learningLevel");
    expect(see(0.5, { v2: 900 })).toBe("steady");
  });

  it("is seen the same by a detector that goes on from a saved state", () => {
    const rng = new Rng({ k0: 7, k1: 8 });
    const one = new DriftDetector();
    let other = new DriftDetector();
    const kinds = new Set<string>();
    for (let t = 0; t < 60; t++) {
      const window = { ...windowOf(rng, 0.7 - 0.002 * t), versions: { [t < 30 ? "v1" : "v2"]: 1000 } };
      const drift = one.observe(window);
      kinds.add(drift.kind);
      expect(other.observe(window)).toEqual(drift);
      const { statistic } = other.save();
      other = new DriftDetector(driftStateSchema.parse(JSON.parse(JSON.stringify(other.save()))));
      expect(other.save().statistic).toBe(statistic);
    }
    expect([...kinds].sort()).toEqual(["alarm", "learningLevel", "steady"]);
  });
});
