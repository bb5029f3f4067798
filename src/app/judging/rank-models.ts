/** One pass over the tested users: each model scores a user's items once, for all that is judged. */
import { bestPositions } from "../../core/best-items.ts";
import { CandidateSampler } from "../../core/candidates.ts";
import { drawTestedUsers, type Standings, standingOf, testedUsers } from "../../core/evaluation.ts";
import { listLength } from "../../core/ranking-metrics.ts";
import type { Recommender } from "../../core/recommender.ts";
import type { Sample } from "../../core/sample.ts";
import { noProgress, type Progress } from "../../ports/progress.ts";
import type { JudgeInputs, JudgeListeners, JudgeOptions } from "../judge.ts";

/** How one model did. */
export interface RankedModel {
  readonly name: string;
  /** Of all tested users, among their candidates. */
  readonly sampled: Standings;
  /** Of the users drawn for it, among all items that they have not in training. */
  readonly full: Standings;
  /** Shape [users ranked fully]: what is recommended to each of them, best first, of equal scores the smaller item index. */
  readonly lists: readonly Int32Array[];
  /** The median time to score all items for one user; null without a clock. */
  readonly millisecondsPerRequest: number | null;
}

/** Some models on one sample. */
export interface RankedSplit {
  readonly sample: Sample;
  /** Shape [items]; empty where genres are unknown. */
  readonly genres: readonly (readonly string[])[];
  /** Tested users, ascending. */
  readonly users: Int32Array;
  /** Those of them who were also ranked against the full catalogue, ascending. */
  readonly fullUsers: Int32Array;
  readonly models: readonly RankedModel[];
}

/** @throws NcfError `SCORE_NAN` naming the model; the signal's reason when aborted */
export async function rankModels(
  models: readonly Recommender[],
  sample: Sample,
  options: JudgeOptions,
  listeners: JudgeListeners,
  inputs: JudgeInputs,
): Promise<RankedSplit> {
  const users = testedUsers(sample);
  const fullUsers = drawTestedUsers(sample, options.fullCatalogueUsers, options.seed);
  const sampler = new CandidateSampler(sample, { ...options, negatives: options.candidates });
  const candidatesOf = inputs.candidatesOf ?? ((user: number): Int32Array => sampler.of(user));
  const ranked: RankedModel[] = [];
  for (const model of models) {
    const pass = new RankingPass(model, sample, { users, fullUsers, candidatesOf, sampler }, listeners);
    ranked.push(await pass.run(listeners.progress ?? noProgress, listeners.signal));
  }
  return { sample, genres: inputs.genres ?? [], users, fullUsers, models: ranked };
}

interface WhoAndWhat {
  readonly users: Int32Array;
  readonly fullUsers: Int32Array;
  readonly candidatesOf: (user: number) => Int32Array;
  readonly sampler: CandidateSampler;
}

/** Users ranked before signals and the progress line get a turn. */
const usersPerTurn = 16;

/** One model's way through the tested users. */
class RankingPass {
  readonly #model: Recommender;
  readonly #sample: Sample;
  readonly #what: WhoAndWhat;
  readonly #onCase: JudgeListeners["onCase"];
  readonly #monotonicMs: (() => number) | undefined;
  readonly #sampled: StandingsOf;
  readonly #full: StandingsOf;
  readonly #lists: Int32Array[] = [];
  readonly #requestMs: number[] = [];
  #buffer = new Float64Array(128);

  constructor(model: Recommender, sample: Sample, what: WhoAndWhat, { onCase, monotonicMs }: JudgeListeners) {
    this.#model = model;
    this.#sample = sample;
    this.#what = what;
    this.#onCase = onCase;
    this.#monotonicMs = monotonicMs;
    this.#sampled = new StandingsOf(what.users);
    this.#full = new StandingsOf(what.fullUsers);
  }

  async run(progress: Progress, signal: AbortSignal | undefined): Promise<RankedModel> {
    const { users, fullUsers } = this.#what;
    const task = progress.start(`Judging ${this.#model.name}`, users.length, "users");
    for (let index = 0; index < users.length; index++) {
      if (index % usersPerTurn === 0) {
        signal?.throwIfAborted();
        task.update(index);
        await new Promise((resolve) => setImmediate(resolve));
      }
      this.#rank(users[index], users[index] === fullUsers[this.#full.length]);
    }
    task.update(users.length);
    task.end();
    return {
      name: this.#model.name,
      sampled: this.#sampled.standings(),
      full: this.#full.standings(),
      lists: this.#lists,
      millisecondsPerRequest: median(this.#requestMs),
    };
  }

  #rank(user: number, fully: boolean): void {
    const candidates = this.#what.candidatesOf(user);
    const scores = fully ? this.#rankFully(user, candidates) : this.#score(user, candidates);
    this.#sampled.add(standingOf(`model ${this.#model.name}`, scores), candidates.length);
    this.#onCase?.({ model: this.#model.name, user, candidates, scores });
  }

  /** Gives the candidates' scores: those that they have among all items, unless one of them is none that is ranked there. */
  #rankFully(user: number, candidates: Int32Array): Float64Array {
    const items = this.#what.sampler.fullCatalogueOf(user);
    const startMs = this.#monotonicMs?.();
    const scores = this.#score(user, items);
    if (startMs !== undefined && this.#monotonicMs) this.#requestMs.push(this.#monotonicMs() - startMs);
    const test = positionIn(items, this.#sample.testItems[user]);
    this.#full.add(standingOf(`model ${this.#model.name}`, scores, test), items.length);
    this.#lists.push(Int32Array.from(bestPositions(scores, listLength), (position) => items[position]));
    const positions = candidates.map((item) => positionIn(items, item));
    return positions.includes(-1)
      ? this.#score(user, candidates)
      : Float64Array.from(positions, (position) => scores[position]);
  }

  /** In a buffer that the next call overwrites. */
  #score(user: number, items: Int32Array): Float64Array {
    if (this.#buffer.length < items.length) this.#buffer = new Float64Array(items.length);
    const scores = this.#buffer.subarray(0, items.length);
    this.#model.score(user, items, scores);
    return scores;
  }
}

/** Standings that grow in the order of their users. */
class StandingsOf {
  readonly #users: Int32Array;
  readonly #above: Int32Array;
  readonly #tied: Int32Array;
  readonly #candidates: Int32Array;
  length = 0;

  constructor(users: Int32Array) {
    this.#users = users;
    this.#above = new Int32Array(users.length);
    this.#tied = new Int32Array(users.length);
    this.#candidates = new Int32Array(users.length);
  }

  add(standing: { above: number; tied: number }, candidates: number): void {
    this.#above[this.length] = standing.above;
    this.#tied[this.length] = standing.tied;
    this.#candidates[this.length] = candidates;
    this.length += 1;
  }

  standings(): Standings {
    return { users: this.#users, above: this.#above, tied: this.#tied, candidates: this.#candidates };
  }
}

/** The position of `item` in an ascending array, −1 where it is not in it. */
function positionIn(ascending: Int32Array, item: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle] < item) low = middle + 1;
    else high = middle;
  }
  return ascending[low] === item ? low : -1;
}

function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return [...values].sort((a, b) => a - b)[values.length >>> 1];
}
