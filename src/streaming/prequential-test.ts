/** The test of an event, before its item joins the user's history. */
import type { Challenger } from "./challenger.ts";
import type { EventRanker } from "./event-ranker.ts";
import type { ChallengerScore, CountedWindow, Outcome, Score, UserKind } from "./outcome.ts";
import type { TestCase } from "./partition-state.ts";
import type { StreamModel } from "./stream-model.ts";
import type { TimeWindow } from "./time-windows.ts";
import type { Surroundings, UserHistories } from "./user-histories.ts";

export interface RecordPlace {
  readonly partition: number;
  readonly offset: number;
}

/**
 * Ranks the event's item by the version in force. The outcome is a function of the event, its user's history and the
 * version; its windows also depend on which of them the partition has closed.
 *
 * @param challenger a version to rank the same candidates beside; what the other fields say does not depend on it
 * @throws NcfError `SCORE_NAN`
 */
export function testEvent(
  { event, windows, model, item, leaked }: TestCase,
  place: RecordPlace,
  challenger: Challenger | null,
  { histories, ranker }: { histories: UserHistories; ranker: EventRanker },
): Outcome {
  const { eventId, userId, itemId, userText, itemText, timestampMs } = event;
  const user = histories.userIndex(userId);
  const surroundings = histories.surroundings(user, timestampMs, model.cutOffMs);
  const knows = model.knows(userId);
  const ranking = ranker.rank(model, event, user, item, challenger?.model ?? null);
  // Without a spread: a literal that starts with one takes ten times as long to build.
  return {
    partition: place.partition,
    offset: place.offset,
    eventId,
    userId,
    itemId,
    userText,
    itemText,
    timestampMs,
    version: model.version,
    candidates: ranking.candidates,
    above: ranking.standing.above,
    tied: ranking.standing.tied,
    model: ranking.model,
    popularity: ranking.popularity,
    decayedPopularity: ranking.decayedPopularity,
    kind: kindOf(histories.count(user), knows),
    quartile: knows ? quartileOf(surroundings.trained, model.activityBounds) : null,
    coldItem: model.popularity[item] === 0,
    leaked,
    challenger: challenger && challengerScore(challenger, ranking.challenger, surroundings),
    windows: windows.map((window) => counted(window, surroundings)),
  };
}

function challengerScore(
  { model, fromMs }: Challenger,
  score: Score | null,
  surroundings: Surroundings,
): ChallengerScore | null {
  if (score === null) return null;
  const { firstOfUser } = counted({ startMs: fromMs, endMs: Number.POSITIVE_INFINITY }, surroundings);
  return { version: model.version, hit: score.hit, ndcg: score.ndcg, firstOfUser };
}

function kindOf(history: number, knows: boolean): UserKind {
  if (history === 0) return "cold";
  return knows ? "warm" : "foldedIn";
}

function quartileOf(trained: number, bounds: StreamModel["activityBounds"]): number {
  const above = bounds.findIndex((bound) => trained <= bound);
  return above < 0 ? 4 : above + 1;
}

/** A window around the event holds an earlier tested event if it holds the nearest one on either side. */
function counted({ startMs, endMs }: TimeWindow, { testedBeforeMs, testedAfterMs }: Surroundings): CountedWindow {
  return { startMs, endMs, firstOfUser: testedBeforeMs < startMs && testedAfterMs >= endMs };
}
