import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeJson } from "../../src/core/json.ts";
import { contenders, type Outcome, userKinds } from "../../src/streaming/outcome.ts";
import { poissonWeights, replicateCount } from "../../src/streaming/poisson-bootstrap.ts";
import {
  addOutcome,
  emptySums,
  mergeSums,
  type WindowSums,
  windowSumsBytes,
  windowSumsSchema,
} from "../../src/streaming/window-sums.ts";

const nano = fc.nat(1e9);
const score = fc.record({ hit: nano, ndcg: nano });
const cases = fc.record({
  userId: fc.nat(5),
  model: score,
  popularity: score,
  decayedPopularity: score,
  kind: fc.constantFrom(...userKinds),
  quartile: fc.option(fc.integer({ min: 1, max: 4 })),
  coldItem: fc.boolean(),
  leaked: fc.boolean(),
  version: fc.constantFrom("a", "b"),
  firstOfUser: fc.boolean(),
  short: fc.boolean(),
});
type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;

function add(sums: WindowSums, { firstOfUser, short, ...facts }: Case): void {
  const weights = new Uint8Array(replicateCount);
  poissonWeights(7, facts.userId, 0, weights);
  addOutcome(sums, facts as unknown as Outcome, { firstOfUser, short }, weights);
}

function sumsOf(list: readonly Case[]): WindowSums {
  const sums = emptySums();
  for (const one of list) add(sums, one);
  return sums;
}

describe("the sums of a window", () => {
  it("are the same in any order and grouping", () => {
    fc.assert(
      fc.property(
        fc.array(cases, { maxLength: 12 }),
        fc.array(fc.nat(3), { minLength: 12, maxLength: 12 }),
        (list, parts) => {
          const groups = [0, 1, 2, 3].map((part) => sumsOf(list.filter((_, i) => parts[i] === part)));
          const leftToRight = emptySums();
          for (const group of groups) mergeSums(leftToRight, group);
          const inPairs = emptySums();
          mergeSums(groups[3], groups[2]);
          mergeSums(groups[1], groups[0]);
          mergeSums(inPairs, groups[3]);
          mergeSums(inPairs, groups[1]);
          expect(leftToRight).toEqual(sumsOf(list));
          expect(inPairs).toEqual(sumsOf(list));
        },
      ),
      { numRuns: 40 },
    );
  });

  it("count each case where it belongs", () => {
    fc.assert(
      fc.property(fc.array(cases, { minLength: 1, maxLength: 12 }), (list) => {
        const sums = sumsOf(list);
        const countOf = (is: (one: Case) => boolean) => list.filter(is).length;
        const hitsOf = (is: (one: Case) => boolean) => list.filter(is).reduce((sum, one) => sum + one.model.hit, 0);
        expect(sums.cases).toBe(list.length);
        expect(sums.users).toBe(countOf((one) => one.firstOfUser));
        expect(sums.coldItems).toBe(countOf((one) => one.coldItem));
        expect(sums.shortCandidates).toBe(countOf((one) => one.short));
        expect(sums.leaked).toBe(countOf((one) => one.leaked));
        expect(sums.versions.a ?? 0).toBe(countOf((one) => one.version === "a"));
        for (const contender of contenders) {
          expect(sums[contender].hits).toBe(list.reduce((sum, one) => sum + one[contender].hit, 0));
          expect(sums[contender].ndcg).toBe(list.reduce((sum, one) => sum + one[contender].ndcg, 0));
        }
        for (const kind of userKinds) {
          expect(sums.byKind[kind].cases).toBe(countOf((one) => one.kind === kind));
          expect(sums.byKind[kind].users).toBe(countOf((one) => one.kind === kind && one.firstOfUser));
          expect(sums.byKind[kind].hits).toBe(hitsOf((one) => one.kind === kind));
        }
        sums.byQuartile.forEach((group, q) => {
          expect(group.cases).toBe(countOf((one) => one.quartile === q + 1));
          expect(group.hits).toBe(hitsOf((one) => one.quartile === q + 1));
        });
      }),
      { numRuns: 60 },
    );
  });

  it("hold in each replicate the same sums with users weighted", () => {
    fc.assert(
      fc.property(fc.array(cases, { maxLength: 8 }), fc.nat(replicateCount - 1), (list, replicate) => {
        const weights = new Uint8Array(replicateCount);
        const weighted = (value: (one: Case) => number) =>
          list.reduce((sum, one) => {
            poissonWeights(7, one.userId, 0, weights);
            return sum + weights[replicate] * value(one);
          }, 0);
        const { replicates } = sumsOf(list);
        expect(replicates.cases[replicate]).toBe(weighted(() => 1));
        for (const contender of contenders) {
          expect(replicates[contender][replicate]).toBe(weighted((one) => one[contender].hit));
        }
        expect(replicates.modelNdcg[replicate]).toBe(weighted((one) => one.model.ndcg));
      }),
      { numRuns: 40 },
    );
  });

  it("survive JSON", () => {
    const [one] = fc.sample(cases, { numRuns: 1, seed: 1 });
    const sums = sumsOf([one, one]);
    expect(windowSumsSchema.parse(JSON.parse(JSON.stringify(sums)))).toEqual(sums);
  });

  it("of ten thousand events take no more bytes than are reckoned with", () => {
    const sums = emptySums();
    const [one] = fc.sample(cases, { numRuns: 1, seed: 1 });
    const most = { hit: 999_999_999, ndcg: 999_999_999 };
    for (let user = 0; user < 10_000; user++) {
      const facts = {
        userId: user,
        kind: userKinds[user % 3],
        quartile: 1 + (user % 4),
        version: "a" as const,
      };
      const flags = { firstOfUser: true, short: true, coldItem: true, leaked: true };
      add(sums, { ...one, ...facts, ...flags, model: most, popularity: most, decayedPopularity: most });
    }
    expect(encodeJson({ startMs: -(2 ** 51), endMs: 2 ** 51, sums }).length).toBeLessThan(windowSumsBytes);
  });

  it("refuse to pass 2^53, where they would no longer be exact", () => {
    const sums = emptySums();
    sums.replicates.model[3] = Number.MAX_SAFE_INTEGER - 1;
    const one = emptySums();
    one.replicates.model[3] = 1;
    mergeSums(sums, one);
    expect(sums.replicates.model[3]).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => mergeSums(sums, one)).toThrow(expect.objectContaining({ code: "SUM_OVERFLOW" }));
  });
});

describe("bootstrap weights", () => {
  const weightsOf = (seed: number, user: number, start: number) => {
    const weights = new Uint8Array(replicateCount);
    poissonWeights(seed, user, start, weights);
    return [...weights];
  };

  it("follow the Poisson distribution of mean 1", () => {
    const draws = Array.from({ length: 2000 }, (_, user) => weightsOf(1, user, 0)).flat();
    let probability = Math.exp(-1);
    for (let k = 0; k <= 5; k++) {
      const found = draws.filter((weight) => weight === k).length / draws.length;
      const standardError = Math.sqrt((probability * (1 - probability)) / draws.length);
      expect(Math.abs(found - probability)).toBeLessThan(4.5 * standardError);
      probability /= k + 1;
    }
  });

  it("are fixed by seed, user and window, and differ between any two", () => {
    expect(weightsOf(1, 2, -3000)).toEqual(weightsOf(1, 2, -3000));
    const all = [
      weightsOf(1, 2, 0),
      weightsOf(2, 2, 0),
      weightsOf(1, 3, 0),
      weightsOf(1, 2, 1000),
      weightsOf(1, 2 + 2 ** 32, 0),
    ];
    expect(new Set(all.map(String)).size).toBe(all.length);
  });
});
