import type { TestCase } from "./partition-state.ts";
import { hasLearnt, type StreamModel } from "./stream-model.ts";
import type { VersionSchedule } from "./version-schedule.ts";

/** A version that is tested beside the one in force, on the same candidates. */
export interface Challenger {
  readonly model: StreamModel;
  /** The event time from which on it is tested. */
  readonly fromMs: number;
}

/** Null where there is none, and where the event must not be paired: it is to be fair to both. */
export function challengerOf(
  { event, model: champion, leaked }: TestCase,
  place: { readonly partition: number; readonly offset: number },
  schedule: VersionSchedule<StreamModel | null>,
): Challenger | null {
  const { model = null, fromMs = 0 } = schedule.covering(event.timestampMs, place.offset) ?? {};
  if (model === null || model.version === champion.version || leaked) return null;
  return hasLearnt(model, place, event) ? null : { model, fromMs };
}
