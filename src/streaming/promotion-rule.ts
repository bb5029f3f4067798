/**
 * Whether a challenger takes over: a test of non-inferiority, made once.
 *
 * It waits until there are enough paired events and users, then promotes where the one-sided lower 95 % bound of the
 * challenger's HR@10 less the champion's lies above −margin, and rejects otherwise. Looking once keeps the error where it
 * is: one that looked after every window until it liked what it saw would promote worse challengers more often. The bound
 * resamples users with all that they did in all windows (paired-sums.ts), since a user to whom one version does badly comes
 * again; and users are those since the challenger began, each counted once.
 *
 * With the defaults, equal models pass at least 80 % of the time, and one that is 4 points worse at most 5 %
 * (test/streaming/promotion-rule.test.ts has the simulation).
 */
import { z } from "zod";
import { standardError } from "./bootstrap-interval.ts";
import type { PairedSums } from "./paired-sums.ts";

export interface PromotionSettings {
  /** Paired events to wait for. */
  readonly leastCases: number;
  /** Users to wait for. */
  readonly leastUsers: number;
  /** By how much HR@10 may be worse. */
  readonly margin: number;
}

export const promotionDefaults: PromotionSettings = { leastCases: 5000, leastUsers: 300, margin: 0.02 };

export const verdictSchema = z.object({
  promoted: z.boolean(),
  cases: z.int().min(0).describe("Paired events"),
  users: z.int().min(0),
  difference: z.number().describe("HR@10 of the challenger less that of the champion"),
  lowerBound: z.number().describe("One-sided, at 95 %"),
});

export type Verdict = z.infer<typeof verdictSchema>;

/** A trial that has so many times the events that it waits for, but too few users, is given up. */
const patience = 100;
/** The 95 % quantile of the normal distribution. */
const oneSided = 1.644854;

/** @param sums of all events since the challenger began @returns null while there are too few */
export function verdictOn(sums: PairedSums, { leastCases, leastUsers, margin }: PromotionSettings): Verdict | null {
  const { cases, newUsers: users, champion, challenger, replicates } = sums;
  const tooFewUsers = users < leastUsers;
  if (cases < leastCases || (tooFewUsers && cases < patience * leastCases)) return null;
  const error = standardError(replicates.difference, replicates.cases);
  if (error === null) return null;
  const difference = (challenger.hits - champion.hits) / (1e9 * cases);
  const lowerBound = difference - oneSided * error;
  return { promoted: !tooFewUsers && lowerBound > -margin, cases, users, difference, lowerBound };
}
