/** The test of an event, before its item joins the user's history. */
import type { EventRanker } from "./event-ranker.ts";
import type { CountedWindow, Outcome, UserKind } from "./outcome.ts";
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
 * @throws NcfError `SCORE_NAN`
 */
export function testEvent(
  { event, windows, model, item, leaked }: TestCase,
  place: RecordPlace,
  { histories, ranker }: { histories: UserHistories; ranker: EventRanker },
): Outcome {
  const { eventId, userId, itemId, userText, itemText, timestampMs } = event;
  const user = histories.userIndex(userId);
  const surroundings = histories.surroundings(user, timestampMs, model.cutOffMs);
  const knows = model.knows(userId);
  const { candidates, standing, model: score, popularity, decayedPopularity } = ranker.rank(model, event, user, item);
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
    candidates,
    above: standing.above,
    tied: standing.tied,
    model: score,
    popularity,
    decayedPopularity,
    kind: kindOf(histories.count(user), knows),
    quartile: knows ? quartileOf(surroundings.trained, model.activityBounds) : null,
    coldItem: model.popularity[item] === 0,
    leaked,
    windows: windows.map((window) => counted(window, surroundings)),
  };
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
