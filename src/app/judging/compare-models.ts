/** Intervals and p values: all models' series go through the same resamples. */
import {
  bootstrapIntervals,
  type CaseUsers,
  type Interval,
  pairedPermutationTest,
  sumsByUser,
} from "../../core/significance.ts";
import { noProgress } from "../../ports/progress.ts";
import type { Difference, JudgeListeners, JudgeOptions, PairComparison } from "../judge.ts";
import type { HitsAndGains, ModelSeries } from "./model-series.ts";
import type { PooledCases } from "./pooled-cases.ts";

export interface MetricIntervals {
  readonly hrAt10: Interval;
  readonly ndcgAt10: Interval;
}

/** The intervals of one model. */
export interface ModelIntervals {
  readonly sampled: MetricIntervals;
  readonly corrected: MetricIntervals;
  readonly full: MetricIntervals;
  /** HR@10 of each group of cases, in the order in which they were given. */
  readonly groups: readonly Interval[];
}

export interface Comparison {
  /** In the order of the series. */
  readonly intervals: readonly ModelIntervals[];
  /** Every pair once. */
  readonly comparisons: readonly PairComparison[];
}

/** @throws the signal's reason when aborted */
export async function compareModels(
  series: readonly ModelSeries[],
  pooled: PooledCases,
  groups: readonly Int32Array[],
  options: JudgeOptions,
  { progress = noProgress, signal }: JudgeListeners,
): Promise<Comparison> {
  const pairs = series.flatMap((first, i) => series.slice(i + 1).map((second) => ({ first, second })));
  const total = options.bootstrapResamples * (2 + groups.length) + 2 * options.permutations * pairs.length;
  const task = progress.start("Comparing", total, "resamples");
  const turns = new Turns(signal, (done) => task.update(done));
  const resampling = { seed: options.seed, resamples: options.bootstrapResamples };
  const permuting = { seed: options.seed, permutations: options.permutations };

  const everyone = pooled.caseUsers;
  const ranked = everyone && usersAt(everyone, pooled.fullPositions);
  const differences = pairs.map(({ first, second }) => less(first.sampled.hits, second.sampled.hits));
  const fullDifferences = pairs.map(({ first, second }) => less(first.full.hits, second.full.hits));
  const sampled = series.flatMap((s) => [...ofBoth(s.sampled), ...ofBoth(s.corrected)]);
  const all = await turns.drain(bootstrapIntervals([...sampled, ...differences], resampling, everyone));
  const full = series.flatMap((s) => ofBoth(s.full));
  const fully = await turns.drain(bootstrapIntervals([...full, ...fullDifferences], resampling, ranked));
  const byGroup: Interval[][] = [];
  for (const positions of groups) {
    const hits = series.map((s) => Float64Array.from(positions, (position) => s.sampled.hits[position]));
    const of = everyone && usersAt(everyone, positions);
    byGroup.push(await turns.drain(bootstrapIntervals(hits, resampling, of)));
  }
  const compared = async (
    values: Float64Array,
    interval: Interval,
    of: CaseUsers | undefined,
  ): Promise<Difference> => ({
    difference: values.reduce((sum, d) => sum + d, 0) / Math.max(1, values.length),
    interval,
    pValue: await turns.drain(pairedPermutationTest(of ? sumsByUser(values, of) : values, permuting)),
  });
  const comparisons: PairComparison[] = [];
  for (const [p, { first, second }] of pairs.entries()) {
    comparisons.push({
      model: first.name,
      other: second.name,
      ...(await compared(differences[p], all[sampled.length + p], everyone)),
      fullCatalogue: await compared(fullDifferences[p], fully[full.length + p], ranked),
    });
  }
  task.end();
  const intervals = series.map((_, m) => ({
    sampled: { hrAt10: all[4 * m], ndcgAt10: all[4 * m + 1] },
    corrected: { hrAt10: all[4 * m + 2], ndcgAt10: all[4 * m + 3] },
    full: { hrAt10: fully[2 * m], ndcgAt10: fully[2 * m + 1] },
    groups: byGroup.map((models) => models[m]),
  }));
  return { intervals, comparisons };
}

function ofBoth({ hits, gains }: HitsAndGains): Float64Array[] {
  return [hits, gains];
}

function less(first: Float64Array, second: Float64Array): Float64Array {
  return first.map((value, i) => value - second[i]);
}

/** The users of some of the cases, counted anew. */
function usersAt({ userOfCase }: CaseUsers, positions: Int32Array): CaseUsers {
  const indexOf = new Map<number, number>();
  const users = positions.map((position) => {
    const index = indexOf.get(userOfCase[position]) ?? indexOf.size;
    indexOf.set(userOfCase[position], index);
    return index;
  });
  return { users: indexOf.size, userOfCase: users };
}

/** Steps between two looks at the signal. */
const stepsPerTurn = 16;

/** Runs generators to their ends, with pauses for signals and the progress line. */
class Turns {
  readonly #signal: AbortSignal | undefined;
  readonly #onStep: (done: number) => void;
  #done = 0;

  constructor(signal: AbortSignal | undefined, onStep: (done: number) => void) {
    this.#signal = signal;
    this.#onStep = onStep;
  }

  async drain<T>(steps: Generator<void, T, undefined>): Promise<T> {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      this.#done += 1;
      if (this.#done % stepsPerTurn !== 0) continue;
      this.#onStep(this.#done);
      this.#signal?.throwIfAborted();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
