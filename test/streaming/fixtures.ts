/** Models, records and evaluators for tests of the stream. */
import { mix } from "../../src/core/rng.ts";
import type { Folded } from "../../src/streaming/folded.ts";
import { encodeWireEvent, type WireEvent } from "../../src/streaming/interaction-event.ts";
import type { Outcome } from "../../src/streaming/outcome.ts";
import { type EvaluatorOptions, PartitionEvaluator } from "../../src/streaming/partition-evaluator.ts";
import type { StreamRecord } from "../../src/streaming/partition-state.ts";
import type { StreamModel } from "../../src/streaming/stream-model.ts";
import { TimeWindows } from "../../src/streaming/time-windows.ts";
import { VersionSchedule } from "../../src/streaming/version-schedule.ts";

/** Items 1 … `items`, each with as many training interactions as its id, but none for item 1. */
export function modelOf(items: number, facts: Partial<StreamModel> = {}): StreamModel {
  const catalogue = Float64Array.from({ length: items }, (_, index) => index + 1);
  return {
    version: "v1",
    catalogue,
    cutOffMs: -1e12,
    knows: (userId) => userId % 2 === 0,
    score: (_userId, _history, _items, scores) => void scores.fill(1),
    popularity: catalogue.map((id) => (id === 1 ? 0 : id)),
    decayedPopularity: catalogue.map((id) => -id),
    activityBounds: [1, 2, 3],
    ...facts,
  };
}

/** Scores by hash of user, item and the whole history in its order, so that any difference in these shows. */
export function touchyScore(salt: number): StreamModel["score"] {
  return (userId, history, items, scores) => {
    const state = history.reduce((hash, item) => mix(item, hash, salt), userId);
    for (let i = 0; i < items.length; i++) scores[i] = mix(items[i], state, salt) % 50;
  };
}

/** The record's own time leaves any test's event time behind. */
const recordTimeMs = 1e9;

export function recordOf(offset: number, event: WireEvent, timestampMs = recordTimeMs): StreamRecord {
  return { offset, value: encodeWireEvent(event), timestampMs };
}

export function textRecord(offset: number, text: string): StreamRecord {
  return { offset, value: new TextEncoder().encode(text), timestampMs: recordTimeMs };
}

export const windows = TimeWindows.ofSizeAndGrace(1000, 100);

export function evaluatorOf(model: StreamModel, options: Partial<EvaluatorOptions> = {}): PartitionEvaluator {
  const defaults = {
    partition: 0,
    partitionCount: 1,
    windows,
    seed: 7,
    maxAheadMs: 1000,
    endOfStream: "ends" as const,
  };
  return new PartitionEvaluator({ ...defaults, ...options }, new VersionSchedule(model));
}

/** Folds (user, item, time) triples as records of ascending offsets. */
export function foldAll(
  evaluator: PartitionEvaluator,
  triples: readonly (readonly [number, number, number])[],
): Folded[] {
  return triples.map(([userId, itemId, timestampMs]) =>
    evaluator.fold(recordOf(evaluator.nextOffset, { userId, itemId, timestampMs })),
  );
}

/** The outcome of a folded record, which must be one. */
export function outcomeOf(folded: Folded): Outcome {
  if (folded.kind !== "outcome") throw new Error(`expected an outcome, found ${JSON.stringify(folded)}`);
  return folded.outcome;
}
