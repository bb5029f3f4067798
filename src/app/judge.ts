/** Judges models side by side on the same users and candidates, as docs/protocol.md says. */
import { CandidateSampler } from "../core/candidates.ts";
import {
  activityQuartiles,
  type CaseListener,
  drawTestedUsers,
  perCase,
  rankTestItems,
  type Standings,
  summarize,
  testedUsers,
} from "../core/evaluation.ts";
import { expectedHit, expectedNdcg } from "../core/ranking-metrics.ts";
import type { Recommender } from "../core/recommender.ts";
import type { Sample } from "../core/sample.ts";
import { bootstrapIntervals, type Interval, pairedPermutationTest } from "../core/significance.ts";
import { noProgress, type Progress } from "../ports/progress.ts";

export interface JudgeOptions {
  readonly seed: number;
  /** Unseen items beside the test item. */
  readonly candidates: number;
  readonly withReplacement: boolean;
  /** Tested users also ranked against the full catalogue. */
  readonly fullCatalogueUsers: number;
  readonly bootstrapResamples: number;
  readonly permutations: number;
}

export const defaultJudgeOptions = {
  candidates: 99,
  withReplacement: false,
  fullCatalogueUsers: 2000,
  bootstrapResamples: 1000,
  permutations: 10_000,
} as const;

/** One model's figures; the fields are those of report.json. */
export interface Judgement {
  readonly name: string;
  readonly cases: number;
  readonly hrAt10: number;
  readonly hrAt10Interval: Interval;
  readonly hrAt10Optimistic: number;
  readonly hrAt10Pessimistic: number;
  readonly ndcgAt10: number;
  readonly ndcgAt10Interval: Interval;
  readonly fullCatalogue: { readonly cases: number; readonly hrAt10: number; readonly ndcgAt10: number };
  readonly byActivity: readonly ActivityQuartile[];
}

export interface ActivityQuartile {
  /** 1 (least active) to 4. */
  readonly quartile: number;
  readonly users: number;
  readonly minTraining: number;
  readonly maxTraining: number;
  readonly hrAt10: number;
  readonly interval: Interval;
}

export interface PairComparison {
  readonly model: string;
  readonly other: string;
  readonly difference: number;
  readonly interval: Interval;
  readonly pValue: number;
}

export interface JudgeResult {
  readonly judgements: readonly Judgement[];
  /** Every pair of models once, the one that comes first in the input as `model`. */
  readonly comparisons: readonly PairComparison[];
  /** Tested users with fewer unseen items than candidates asked for. */
  readonly shortCandidateUsers: number;
}

/** What a listener is told of each ranked user; see `--per-user`. */
export interface RankedCase {
  readonly model: string;
  /** Index into the sample's users. */
  readonly user: number;
  /** Item indices, the test item first. Reused between calls: copy what is kept. */
  readonly candidates: Int32Array;
  readonly scores: Float64Array;
}

interface Ranked {
  readonly model: Recommender;
  readonly standings: Standings;
  readonly hits: Float64Array;
  readonly gains: Float64Array;
  readonly full: Standings;
}

export interface JudgeListeners {
  readonly progress?: Progress;
  readonly onCase?: (ranked: RankedCase) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What a judgement takes from elsewhere, beside models and sample. */
export interface JudgeInputs {
  /** The candidates of a tested user, the test item first, where they are given rather than drawn by seed. */
  readonly candidatesOf?: (user: number) => Int32Array;
}

/**
 * @throws NcfError `SCORE_NAN` naming the model; the signal's reason when aborted
 */
export async function judgeModels(
  models: readonly Recommender[],
  sample: Sample,
  options: JudgeOptions,
  listeners: JudgeListeners = {},
  inputs: JudgeInputs = {},
): Promise<JudgeResult> {
  const users = testedUsers(sample);
  const fullUsers = drawTestedUsers(sample, options.fullCatalogueUsers, options.seed);
  const sampler = new CandidateSampler(sample, { ...options, negatives: options.candidates });
  const ranked: Ranked[] = [];
  for (const model of models) {
    const { progress = noProgress, onCase, signal } = listeners;
    const task = progress.start(`Judging ${model.name}`, users.length + fullUsers.length, "users");
    const tell: CaseListener | undefined =
      onCase && ((user, candidates, scores) => onCase({ model: model.name, user, candidates, scores }));
    const sampled = inputs.candidatesOf ?? ((user: number): Int32Array => sampler.of(user));
    const standings = await inSlices(
      users,
      (part) => rankTestItems(model, part, sampled, tell),
      signal,
      (done) => task.update(done),
    );
    const everything = (user: number): Int32Array => sampler.fullCatalogueOf(user);
    const full = await inSlices(
      fullUsers,
      (part) => rankTestItems(model, part, everything),
      signal,
      (done) => task.update(users.length + done),
    );
    task.end();
    const [hits, gains] = [perCase(standings, expectedHit), perCase(standings, expectedNdcg)];
    ranked.push({ model, standings, full, hits, gains });
  }
  return {
    ...(await compare(ranked, sample, users, options, listeners)),
    shortCandidateUsers: ranked[0]?.standings.candidates.filter((count) => count <= options.candidates).length ?? 0,
  };
}

/** Users ranked before signals and the progress line get a turn. */
const sliceUsers = 16;

async function inSlices(
  users: Int32Array,
  rank: (part: Int32Array) => Standings,
  signal: AbortSignal | undefined,
  onDone: (done: number) => void,
): Promise<Standings> {
  const parts: Standings[] = [];
  for (let from = 0; from < users.length; from += sliceUsers) {
    signal?.throwIfAborted();
    parts.push(rank(users.subarray(from, from + sliceUsers)));
    onDone(Math.min(from + sliceUsers, users.length));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return joined(parts);
}

function joined(parts: readonly Standings[]): Standings {
  const join = (field: keyof Standings): Int32Array => {
    const whole = new Int32Array(parts.reduce((sum, part) => sum + part[field].length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part[field], at);
      at += part[field].length;
    }
    return whole;
  };
  return { users: join("users"), above: join("above"), tied: join("tied"), candidates: join("candidates") };
}

/** Intervals and p values: all models' series go through the same resamples. */
async function compare(
  ranked: readonly Ranked[],
  sample: Sample,
  users: Int32Array,
  options: JudgeOptions,
  listeners: JudgeListeners,
): Promise<Pick<JudgeResult, "judgements" | "comparisons">> {
  const pairs = ranked.flatMap((first, i) => ranked.slice(i + 1).map((second) => ({ first, second })));
  const differences = pairs.map(({ first, second }) => first.hits.map((hit, i) => hit - second.hits[i]));
  const quartiles = activityQuartiles(sample, users);
  const task = (listeners.progress ?? noProgress).start(
    "Comparing",
    options.bootstrapResamples * (1 + quartiles.length) + options.permutations * pairs.length,
    "resamples",
  );
  let done = 0;
  const inTurns = <T>(steps: Generator<void, T, undefined>): Promise<T> =>
    drainInTurns(steps, listeners.signal, () => {
      done += 1;
      task.update(done);
    });

  const resampling = { seed: options.seed, resamples: options.bootstrapResamples };
  const series = [...ranked.flatMap(({ hits, gains }) => [hits, gains]), ...differences];
  const intervals = await inTurns(bootstrapIntervals(series, resampling));
  const quartileIntervals: Interval[][] = [];
  for (const positions of quartiles) {
    const hitsOf = ranked.map(({ hits }) => Float64Array.from(positions, (position) => hits[position]));
    quartileIntervals.push(await inTurns(bootstrapIntervals(hitsOf, resampling)));
  }
  const judgements = ranked.map(({ model, standings, full, hits }, m): Judgement => {
    const { cases, hrAt10, ndcgAt10 } = summarize(full);
    return {
      name: model.name,
      ...summarize(standings),
      hrAt10Interval: intervals[2 * m],
      ndcgAt10Interval: intervals[2 * m + 1],
      fullCatalogue: { cases, hrAt10, ndcgAt10 },
      byActivity: quartiles.map((positions, q) => ({
        quartile: q + 1,
        ...activityOf(sample, users, positions, hits),
        interval: quartileIntervals[q][m],
      })),
    };
  });
  const comparisons: PairComparison[] = [];
  for (const [p, { first, second }] of pairs.entries()) {
    const permuting = { seed: options.seed, permutations: options.permutations };
    comparisons.push({
      model: first.model.name,
      other: second.model.name,
      difference: differences[p].reduce((sum, d) => sum + d, 0) / Math.max(1, users.length),
      interval: intervals[2 * ranked.length + p],
      pValue: await inTurns(pairedPermutationTest(differences[p], permuting)),
    });
  }
  task.end();
  return { judgements, comparisons };
}

/** Steps between two looks at the signal. */
const stepsPerTurn = 16;

async function drainInTurns<T>(
  steps: Generator<void, T, undefined>,
  signal: AbortSignal | undefined,
  onStep: () => void,
): Promise<T> {
  for (let count = 1; ; count++) {
    const step = steps.next();
    if (step.done === true) return step.value;
    onStep();
    if (count % stepsPerTurn !== 0) continue;
    signal?.throwIfAborted();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function activityOf(
  sample: Sample,
  users: Int32Array,
  positions: Int32Array,
  hits: Float64Array,
): Omit<ActivityQuartile, "quartile" | "interval"> {
  const { offsets } = sample.train;
  const trained = Array.from(positions, (position) => offsets[users[position] + 1] - offsets[users[position]]);
  return {
    users: positions.length,
    // Positions are in ascending order of the training count.
    minTraining: trained.at(0) ?? 0,
    maxTraining: trained.at(-1) ?? 0,
    hrAt10: positions.reduce((sum, position) => sum + hits[position], 0) / Math.max(1, positions.length),
  };
}
