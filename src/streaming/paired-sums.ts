/**
 * What champion and challenger did on the same events and candidates, added up: integers, like all sums of a window.
 *
 * In a replicate, a user weighs the same in every window, other than in the sums of the window itself: a promotion is decided
 * over many windows, in which the same users come again, and users are to be resampled with all that they did.
 */
import { z } from "zod";
import { addUp } from "./add-up.ts";
import type { ChallengerScore, Outcome } from "./outcome.ts";
import { replicateCount } from "./poisson-bootstrap.ts";
import { count, replicate, scoreSums, zeroReplicates } from "./sum-fields.ts";

/** The paired sums of 10,000 events in a window take at most so many bytes of JSON. */
export const pairedSumsBytes = 2400;

export const pairedSumsSchema = z.object({
  cases: count.describe("Events that both versions ranked"),
  users: count.describe("Whose first tested event in the window is one of them"),
  newUsers: count.describe("Whose first tested event since the challenger began is one of them"),
  champion: scoreSums,
  challenger: scoreSums,
  replicates: z.object({
    cases: replicate,
    difference: z.array(z.int()).length(replicateCount).describe("Hits of the challenger less those of the champion"),
  }),
});

export type PairedSums = z.infer<typeof pairedSumsSchema>;

export function emptyPairedSums(): PairedSums {
  return {
    cases: 0,
    users: 0,
    newUsers: 0,
    champion: { hits: 0, ndcg: 0 },
    challenger: { hits: 0, ndcg: 0 },
    replicates: { cases: zeroReplicates(), difference: zeroReplicates() },
  };
}

/**
 * Adds an event that both ranked.
 *
 * @param firstOfUser whether it is the user's first tested event in the window
 * @param weights shape [replicates], the user's in all windows
 */
export function addPair(
  sums: PairedSums,
  { model: champion }: Outcome,
  challenger: ChallengerScore,
  firstOfUser: boolean,
  weights: Uint8Array,
): void {
  sums.cases += 1;
  if (firstOfUser) sums.users += 1;
  if (challenger.firstOfUser) sums.newUsers += 1;
  sums.champion.hits += champion.hit;
  sums.champion.ndcg += champion.ndcg;
  sums.challenger.hits += challenger.hit;
  sums.challenger.ndcg += challenger.ndcg;
  const difference = challenger.hit - champion.hit;
  for (let r = 0; r < weights.length; r++) {
    sums.replicates.cases[r] += weights[r];
    sums.replicates.difference[r] += weights[r] * difference;
  }
}

/** Adds `source` to `target`. @throws NcfError `SUM_OVERFLOW` */
export function mergePairedSums(target: PairedSums, source: PairedSums): void {
  addUp(target, source);
}
