/** How well a model does on held-out training interactions: the mean over several draws of candidates. */
import { CandidateSampler } from "../../core/candidates.ts";
import { NcfError } from "../../core/errors.ts";
import { perCase, rankTestItems, testedUsers } from "../../core/evaluation.ts";
import { holdOutLatest } from "../../core/leave-one-out.ts";
import { expectedHit, expectedNdcg } from "../../core/ranking-metrics.ts";
import type { Recommender } from "../../core/recommender.ts";
import type { Sample } from "../../core/sample.ts";

export const metrics = ["hrAt10", "ndcgAt10"] as const;
export type Metric = (typeof metrics)[number];

export interface ValidationScore {
  readonly value: number;
  /** Over users; the draws of one user are averaged first. */
  readonly standardError: number;
}

export class ValidationSplit {
  /** To train on: without test items, and with each user's latest training interaction held out in their place. */
  readonly sample: Sample;
  readonly #users: Int32Array;
  readonly #draws: readonly CandidateSampler[];
  readonly #metric: Metric;

  /** @throws NcfError `DATA_TOO_SMALL` where nobody has two training interactions */
  constructor(sample: Sample, metric: Metric, seed: number, candidateDraws: number) {
    this.sample = holdOutLatest(sample);
    this.#users = testedUsers(this.sample);
    this.#metric = metric;
    if (this.#users.length === 0) {
      throw new NcfError("DATA_TOO_SMALL", "a search needs users with at least three ratings, found none");
    }
    const options = { negatives: 99, withReplacement: false };
    this.#draws = Array.from(
      { length: candidateDraws },
      (_, draw) => new CandidateSampler(this.sample, { ...options, seed: seed + draw }),
    );
  }

  /** @throws NcfError `SCORE_NAN` */
  score(model: Recommender): ValidationScore {
    const metric = this.#metric === "hrAt10" ? expectedHit : expectedNdcg;
    const sums = new Float64Array(this.#users.length);
    for (const sampler of this.#draws) {
      const standings = rankTestItems(model, this.#users, (user) => sampler.of(user));
      perCase(standings, metric).forEach((value, at) => {
        sums[at] += value / this.#draws.length;
      });
    }
    const users = sums.length;
    const value = sums.reduce((sum, x) => sum + x, 0) / users;
    const variance = sums.reduce((sum, x) => sum + (x - value) ** 2, 0) / Math.max(1, users - 1);
    return { value, standardError: Math.sqrt(variance / users) };
  }
}
