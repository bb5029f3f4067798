/**
 * What the events of a window add up to. All values are integers and all sums are plain sums, so parts may be added up in
 * any order and grouping. The form is JSON as it stands.
 */
import { z } from "zod";
import { addUp } from "./add-up.ts";
import { contenders, type Outcome } from "./outcome.ts";
import { pairedSumsSchema } from "./paired-sums.ts";
import { count, nano, replicate, scoreSums, zeroReplicates } from "./sum-fields.ts";

/** The sums of 10,000 events in a window, without paired ones, take at most so many bytes of JSON. */
export const windowSumsBytes = 7700;

const group = z.object({
  cases: count,
  users: count.describe("Whose first tested event in the window is in this group"),
  hits: nano,
  ndcg: nano,
  popularityHits: nano,
});

export const windowSumsSchema = z.object({
  cases: count.describe("Tested events"),
  users: count.describe("Users with a tested event"),
  repeats: count.describe("Events on an item that the user had touched"),
  late: count.describe("Late events that came while stream time was in the window"),
  unknownItems: count.describe("Events on items outside the version's catalogue, which cannot be ranked"),
  learnt: count.default(0).describe("Events that the version may have learnt from, which a live stream does not test"),
  coldItems: count.describe("Cases whose item had no training interaction"),
  shortCandidates: count.describe("Cases with fewer unseen items than asked for"),
  leaked: count.describe("Cases that the version may have learnt from"),
  model: scoreSums,
  popularity: scoreSums,
  decayedPopularity: scoreSums,
  byKind: z.object({ cold: group, foldedIn: group, warm: group }),
  byQuartile: z.array(group).length(4).describe("Least active users first; only users that the version knows"),
  versions: z.record(z.string(), count).describe("Cases by model version"),
  replicates: z
    .object({
      cases: replicate,
      model: replicate.describe("Hits"),
      popularity: replicate.describe("Hits"),
      decayedPopularity: replicate.describe("Hits"),
      modelNdcg: replicate,
    })
    .describe("The same sums with users weighted by hash, for intervals"),
  challengers: z
    .record(z.string(), pairedSumsSchema)
    .default({})
    .describe("By version: what it and the version in force did on the same events and candidates"),
});

export type WindowSums = z.infer<typeof windowSumsSchema>;
export type GroupSums = z.infer<typeof group>;

function emptyGroup(): GroupSums {
  return { cases: 0, users: 0, hits: 0, ndcg: 0, popularityHits: 0 };
}

export function emptySums(): WindowSums {
  return {
    cases: 0,
    users: 0,
    repeats: 0,
    late: 0,
    unknownItems: 0,
    learnt: 0,
    coldItems: 0,
    shortCandidates: 0,
    leaked: 0,
    model: { hits: 0, ndcg: 0 },
    popularity: { hits: 0, ndcg: 0 },
    decayedPopularity: { hits: 0, ndcg: 0 },
    byKind: { cold: emptyGroup(), foldedIn: emptyGroup(), warm: emptyGroup() },
    byQuartile: [emptyGroup(), emptyGroup(), emptyGroup(), emptyGroup()],
    versions: {},
    replicates: {
      cases: zeroReplicates(),
      model: zeroReplicates(),
      popularity: zeroReplicates(),
      decayedPopularity: zeroReplicates(),
      modelNdcg: zeroReplicates(),
    },
    challengers: {},
  };
}

/**
 * Adds a tested event.
 *
 * @param weights shape [replicates], the user's in this window
 */
export function addOutcome(
  sums: WindowSums,
  outcome: Outcome,
  facts: { firstOfUser: boolean; short: boolean },
  weights: Uint8Array,
): void {
  sums.cases += 1;
  if (facts.firstOfUser) sums.users += 1;
  if (outcome.coldItem) sums.coldItems += 1;
  if (facts.short) sums.shortCandidates += 1;
  if (outcome.leaked) sums.leaked += 1;
  for (const contender of contenders) {
    sums[contender].hits += outcome[contender].hit;
    sums[contender].ndcg += outcome[contender].ndcg;
  }
  addToGroup(sums.byKind[outcome.kind], outcome, facts.firstOfUser);
  if (outcome.quartile !== null) addToGroup(sums.byQuartile[outcome.quartile - 1], outcome, facts.firstOfUser);
  sums.versions[outcome.version] = (sums.versions[outcome.version] ?? 0) + 1;
  const { cases, model, popularity, decayedPopularity, modelNdcg } = sums.replicates;
  for (let r = 0; r < weights.length; r++) {
    const weight = weights[r];
    if (weight === 0) continue;
    cases[r] += weight;
    model[r] += weight * outcome.model.hit;
    popularity[r] += weight * outcome.popularity.hit;
    decayedPopularity[r] += weight * outcome.decayedPopularity.hit;
    modelNdcg[r] += weight * outcome.model.ndcg;
  }
}

function addToGroup(group: GroupSums, outcome: Outcome, firstOfUser: boolean): void {
  group.cases += 1;
  if (firstOfUser) group.users += 1;
  group.hits += outcome.model.hit;
  group.ndcg += outcome.model.ndcg;
  group.popularityHits += outcome.popularity.hit;
}

/** Adds `source` to `target`. @throws NcfError `SUM_OVERFLOW` where a sum leaves the range of exact integers */
export function mergeSums(target: WindowSums, source: WindowSums): void {
  addUp(target, source);
}
