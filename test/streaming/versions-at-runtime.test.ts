/** Promotions and challengers that come while the stream runs, known to a partition sooner or later, with crashes between. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Rng, streamKey } from "../../src/core/rng.ts";
import { decodeSnapshot } from "../../src/streaming/history-snapshot.ts";
import type { PartitionCommit } from "../../src/streaming/partition-commit.ts";
import { PartitionEvaluator } from "../../src/streaming/partition-evaluator.ts";
import type { StreamRecord } from "../../src/streaming/partition-state.ts";
import type { StreamModel } from "../../src/streaming/stream-model.ts";
import type { TimeWindows } from "../../src/streaming/time-windows.ts";
import { type Promotion, VersionSchedule } from "../../src/streaming/version-schedule.ts";
import { WindowAggregator } from "../../src/streaming/window-aggregator.ts";
import { type WindowPartial, windowPartialSchema } from "../../src/streaming/window-partial.ts";
import { base, first, messages, optionsOf, recordsOf, second, shapes, third } from "./stream-messages.ts";

/** What an operator says, once so many records have been read. */
interface Update {
  readonly afterRecords: number;
  readonly act: "promote" | "challenge";
  readonly version: "v1" | "v2" | "v3" | null;
  readonly window: number;
}

const updates: fc.Arbitrary<Update[]> = fc
  .array(
    fc.record({
      afterRecords: fc.nat(40),
      act: fc.constantFrom("promote", "challenge"),
      version: fc.constantFrom("v1", "v2", "v3", null),
      window: fc.integer({ min: -1, max: 5 }),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((list) => list.sort((a, b) => a.afterRecords - b.afterRecords));

const models: Readonly<Record<string, StreamModel>> = { v1: first, v2: second, v3: third };
const modelNamed = (version: string | null): StreamModel | null => (version === null ? null : models[version]);

type Recorded = WindowPartial["promotions"];
type Challenges = WindowPartial["challengers"];

function scheduleOf(recorded: Recorded): VersionSchedule {
  return new VersionSchedule(
    first,
    recorded.map((one) => ({ ...one, model: models[one.version] })),
  );
}

function challengersOf(recorded: Challenges): VersionSchedule<StreamModel | null> {
  return new VersionSchedule<StreamModel | null>(
    null,
    recorded.map((one) => ({ ...one, model: modelNamed(one.version) })),
  );
}

function evaluatorOf(windows: TimeWindows, promotions: Recorded, challenges: Challenges): PartitionEvaluator {
  const options = { ...optionsOf(windows), partition: 0, partitionCount: 1, base: { id: "b", histories: base } };
  return new PartitionEvaluator(options, scheduleOf(promotions), challengersOf(challenges));
}

/** What a commit leaves behind for a successor. */
interface Left {
  readonly offset: number;
  readonly streamTimeMs: number | null;
  readonly promotions: Recorded;
  readonly challenges: Challenges;
}

const recordOfPromotion = <M extends StreamModel | null>({ model, fromMs, fromOffset }: Promotion<M>) => ({
  version: (model?.version ?? null) as M extends null ? string | null : string,
  fromMs,
  fromOffset,
});

/** Folds with crashes; whoever takes over reads all updates again. Promotions that no snapshot needs are forgotten. */
function disturbed(records: readonly StreamRecord[], windows: TimeWindows, list: readonly Update[], seed: number) {
  const rng = new Rng(streamKey(seed, 1010));
  const commits: PartitionCommit[] = [];
  const snapshots: { offset: number; streamTimeMs: number | null; bytes: Uint8Array }[] = [];
  let left: Left = { offset: 0, streamTimeMs: null, promotions: [], challenges: [] };
  let known = 0;
  let forgotten = 0;
  const newest = () => snapshots.findLast(({ offset }) => offset <= left.offset);
  const takeOver = (): PartitionEvaluator => {
    const successor = evaluatorOf(windows, left.promotions, left.challenges);
    const snapshot = newest();
    if (snapshot !== undefined) successor.restore(decodeSnapshot(snapshot.bytes, "s"));
    for (const record of records) {
      if (record.offset >= successor.nextOffset && record.offset < left.offset) successor.catchUp(record);
    }
    known = 0;
    return successor;
  };
  let evaluator = takeOver();
  const hear = (): void => {
    const read = records.filter(({ offset }) => offset < evaluator.nextOffset).length;
    for (; known < list.length && list[known].afterRecords <= read; known++) {
      const { act, version, window } = list[known];
      const model = modelNamed(version);
      if (act === "challenge") evaluator.challenge(model, window * windows.advanceMs);
      else if (model !== null) evaluator.promote(model, window * windows.advanceMs);
    }
  };
  const commit = (): void => {
    commits.push(evaluator.takeCommit(false));
    const snapshot = newest();
    const before = evaluator.promotions.length;
    if (snapshot !== undefined) evaluator.prunePromotions(snapshot);
    forgotten += before - evaluator.promotions.length;
    left = {
      offset: evaluator.nextOffset,
      streamTimeMs: evaluator.streamTimeMs,
      promotions: evaluator.promotions.map((one) => recordOfPromotion(one)) as Recorded,
      challenges: evaluator.challengers.map((one) => recordOfPromotion(one)) as Challenges,
    };
  };
  while (evaluator.nextOffset <= records[records.length - 1].offset) {
    // An update may be heard of only some records later.
    if (rng.below(2) === 0) hear();
    const next = records.find(({ offset }) => offset >= evaluator.nextOffset);
    if (next !== undefined) evaluator.fold(next);
    const fate = rng.below(10);
    if (fate === 0) evaluator = takeOver();
    if (fate === 1) {
      const { nextOffset: offset, streamTimeMs } = evaluator;
      snapshots.push({ offset, streamTimeMs, bytes: evaluator.snapshot() });
    }
    if (fate <= 4) commit();
    if (fate === 4) evaluator = takeOver();
  }
  commit();
  return { commits, forgotten };
}

/** One evaluator that knows from the start what the partials say. */
function undisturbed(
  records: readonly StreamRecord[],
  windows: TimeWindows,
  promotions: Recorded,
  challenges: Challenges,
) {
  const evaluator = evaluatorOf(windows, promotions, challenges);
  for (const record of records) evaluator.fold(record);
  return [evaluator.takeCommit(false)];
}

function resultOf(commits: readonly PartitionCommit[], windows: TimeWindows) {
  const aggregator = new WindowAggregator(windows, 1);
  const partials = commits.map(({ partial }) => windowPartialSchema.parse(JSON.parse(JSON.stringify(partial))));
  return {
    outcomes: commits.flatMap(({ outcomes }) => outcomes),
    late: commits.flatMap(({ late }) => late),
    deadLetters: commits.flatMap(({ deadLetters }) => deadLetters),
    finals: partials.flatMap((partial) => aggregator.fold(partial)).filter(({ final }) => final),
  };
}

describe("versions that change while the stream runs", () => {
  it("give the results of an undisturbed run that knew from the start where each took effect", () => {
    const seen = { paired: 0, forgotten: 0, late: 0, versions: new Set<string>() };
    fc.assert(
      fc.property(messages, shapes, updates, fc.nat(), (list, windows, changes, seed) => {
        const records = recordsOf(list);
        const { commits, forgotten } = disturbed(records, windows, changes, seed);
        const promotions = commits.flatMap(({ partial }) => partial.promotions);
        const challenges = commits.flatMap(({ partial }) => partial.challengers);
        const found = resultOf(commits, windows);
        expect(found).toEqual(resultOf(undisturbed(records, windows, promotions, challenges), windows));
        seen.forgotten += forgotten;
        seen.late += promotions.filter(({ fromOffset }) => fromOffset !== null).length;
        for (const { version, challenger } of found.outcomes) {
          seen.versions.add(version);
          if (challenger !== null) seen.paired += 1;
        }
      }),
      { numRuns: 200 },
    );
    expect([...seen.versions].sort()).toEqual(["v1", "v2", "v3"]);
    for (const count of [seen.paired, seen.forgotten, seen.late]) expect(count).toBeGreaterThan(20);
  });

  it("leave the outcomes and sums of the version in force as they are without a challenger, to the byte", () => {
    fc.assert(
      fc.property(messages, shapes, (list, windows) => {
        const records = recordsOf(list);
        const promotions = [{ version: "v2", fromMs: 1000, fromOffset: null }];
        const challenges = [{ version: "v3", fromMs: 0, fromOffset: null }];
        const without = (commits: readonly PartitionCommit[]): string =>
          JSON.stringify(resultOf(commits, windows), (key, value) => (key === "challenger" ? null : value));
        const beside = undisturbed(records, windows, promotions, challenges);
        expect(without(beside)).toBe(JSON.stringify(resultOf(undisturbed(records, windows, promotions, []), windows)));
      }),
      { numRuns: 50 },
    );
  });
});
