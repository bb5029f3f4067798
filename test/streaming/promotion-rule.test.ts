import { describe, expect, it } from "vitest";
import { Rng, streamKey } from "../../src/core/rng.ts";
import type { Outcome } from "../../src/streaming/outcome.ts";
import { addPair, emptyPairedSums, type PairedSums } from "../../src/streaming/paired-sums.ts";
import { poissonWeights, replicateCount } from "../../src/streaming/poisson-bootstrap.ts";
import { promotionDefaults, type Verdict, verdictOn } from "../../src/streaming/promotion-rule.ts";
import { Trials, trialsSchema } from "../../src/streaming/trials.ts";

interface Shape {
  readonly users: number;
  /** By how much HR@10 of the challenger is better. */
  readonly shift: number;
  /** Standard deviation over users of how much better it is for them. */
  readonly spread: number;
}

/** A normal number, by the sum of twelve uniform ones. */
function normal(rng: Rng): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += rng.unit();
  return sum;
}

/**
 * A window's sums. Users hit at rates of their own, of mean 0.7 and standard deviation 0.15; how many events they have, too, is
 * their own and skewed: a tenth of the users has a third of the events. The versions agree on most events, as one is tuned
 * from the other, and for whom the challenger is better stays so in every window.
 */
function windowOf(seed: number, window: number, { users, shift, spread }: Shape, met = new Set<number>()): PairedSums {
  const sums = emptyPairedSums();
  const weights = new Uint8Array(replicateCount);
  for (let user = 0; user < users; user++) {
    const own = new Rng(streamKey(seed, 2000, user));
    const rate = 0.7 + 0.15 * Math.sqrt(3) * (2 * own.unit() - 1);
    const better = shift + spread * normal(own);
    const activity = -3 * Math.log(own.unit());
    const rng = new Rng(streamKey(seed, 2001 + window, user));
    const events = Math.floor(activity + rng.unit());
    poissonWeights(seed, user, null, weights);
    for (let i = 0; i < events; i++) {
      const luck = rng.unit();
      const again = rng.unit() < 0.3 ? rng.unit() : luck;
      const model = { hit: luck < rate ? 1e9 : 0, ndcg: 0 };
      const hit = again < rate + better ? 1e9 : 0;
      const firstOfUser = !met.has(user);
      met.add(user);
      addPair(sums, { model } as Outcome, { version: "v2", hit, ndcg: 0, firstOfUser }, i === 0, weights);
    }
  }
  return sums;
}

/** What the rule says, once it has seen enough windows. */
function tried(seed: number, shape: Shape): Verdict {
  const trials = new Trials(promotionDefaults);
  const met = new Set<number>();
  for (let window = 0; ; window++) {
    trials.add({ v2: windowOf(seed, window, shape, met) });
    const [{ verdict }] = trials.list();
    if (verdict !== null) return verdict;
  }
}

const runs = 200;

function promotedShare(shape: Shape): number {
  let promoted = 0;
  for (let run = 0; run < runs; run++) if (tried(run, shape).promoted) promoted += 1;
  return promoted / runs;
}

describe("a challenger", () => {
  it.each([
    { users: 350, spread: 0.05 },
    { users: 1500, spread: 0.1 },
  ])("as good as the version in force takes over at least 80 times in 100: %j", (shape) => {
    expect(promotedShare({ ...shape, shift: 0 })).toBeGreaterThanOrEqual(0.8);
  });

  it.each([
    { users: 350, spread: 0.05 },
    { users: 350, spread: 0.15 },
    { users: 1500, spread: 0.1 },
  ])("that is 4 points worse takes over at most 5 times in 100: %j", (shape) => {
    expect(promotedShare({ ...shape, shift: -0.04 })).toBeLessThanOrEqual(0.05);
  });

  it("at the margin takes over about 5 times in 100, though the same users come in every window", () => {
    const share = promotedShare({ users: 350, shift: -0.02, spread: 0.15 });
    expect(share).toBeGreaterThan(0.005);
    expect(share).toBeLessThan(0.1);
  });

  it("is not judged by too few events or users", () => {
    const sums = windowOf(1, 0, { users: 1000, shift: 0, spread: 0 });
    const judge = (changes: Partial<PairedSums>) => verdictOn({ ...sums, ...changes }, promotionDefaults);
    expect(judge({ cases: 4999, newUsers: 300 })).toBe(null);
    expect(judge({ cases: 5000, newUsers: 299 })).toBe(null);
    expect(judge({ cases: 5000, newUsers: 300 })).toMatchObject({ cases: 5000, users: 300 });
  });

  it("that meets too few users for very long is given up", () => {
    const sums = windowOf(1, 0, { users: 1000, shift: 0.1, spread: 0 });
    const judge = (cases: number) => verdictOn({ ...sums, cases, newUsers: 299 }, promotionDefaults);
    expect(judge(499_999)).toBe(null);
    expect(judge(500_000)).toMatchObject({ promoted: false, users: 299 });
  });
});

describe("trials", () => {
  const good = windowOf(1, 0, { users: 3000, shift: 0.05, spread: 0 });
  const bad = windowOf(1, 0, { users: 3000, shift: -0.1, spread: 0 });

  it("are decided once: what comes later changes nothing", () => {
    const trials = new Trials(promotionDefaults);
    trials.add({ v2: good });
    const before = trials.list();
    expect(before).toMatchObject([
      { version: "v2", verdict: { promoted: true, cases: good.cases, users: good.newUsers } },
    ]);
    trials.add({ v2: bad });
    expect(trials.list()).toEqual(before);
  });

  it("of several versions are apart", () => {
    const trials = new Trials({ ...promotionDefaults, leastCases: good.cases + 1 });
    trials.add({ v2: good, v3: bad });
    expect(trials.list()).toMatchObject([
      { version: "v2", cases: good.cases, users: good.newUsers, verdict: null },
      { version: "v3", cases: bad.cases, users: bad.newUsers, verdict: null },
    ]);
    trials.add({ v3: bad });
    const [second, third] = trials.list();
    expect(second.verdict).toBe(null);
    expect(third.verdict?.promoted).toBe(false);
  });

  it("go on where they were saved, apart from what they were saved to", () => {
    const trials = new Trials({ ...promotionDefaults, leastCases: good.cases + 1 });
    trials.add({ v2: good });
    const state = trialsSchema.parse(JSON.parse(JSON.stringify(trials.save())));
    const other = new Trials({ ...promotionDefaults, leastCases: good.cases + 1 }, state);
    for (const one of [trials, other]) one.add({ v2: good });
    expect(other.list()).toEqual(trials.list());
    expect(trialsSchema.parse(JSON.parse(JSON.stringify(other.save())))).toEqual(trials.save());
    expect(new Trials(promotionDefaults, state).list()[0].cases).toBe(good.cases);
  });
});
