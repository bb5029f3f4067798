/**
 * The promise of the stream: with the same promotions and no idle declaration, finals, late events, dead letters and
 * outcomes are those of an undisturbed run, whatever the partitions, interleavings, crashes and redeliveries.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mix, Rng, streamKey } from "../../src/core/rng.ts";
import { decodeSnapshot } from "../../src/streaming/history-snapshot.ts";
import type { PartitionCommit } from "../../src/streaming/partition-commit.ts";
import { PartitionEvaluator } from "../../src/streaming/partition-evaluator.ts";
import type { StreamRecord } from "../../src/streaming/partition-state.ts";
import type { StreamModel } from "../../src/streaming/stream-model.ts";
import type { TimeWindows } from "../../src/streaming/time-windows.ts";
import { VersionSchedule } from "../../src/streaming/version-schedule.ts";
import { aggregatorStateSchema, WindowAggregator } from "../../src/streaming/window-aggregator.ts";
import { type WindowPartial, windowPartialSchema } from "../../src/streaming/window-partial.ts";
import type { WindowReport } from "../../src/streaming/window-report.ts";
import {
  base,
  first,
  graceMs,
  type Message,
  message,
  messages,
  optionsOf,
  recordsOf,
  second,
  shapes,
  third,
  users,
} from "./stream-messages.ts";

const inTime = { model: second, fromMs: 1000, fromOffset: null };
const schedule = new VersionSchedule(first, [inTime]);
/** With a promotion that came too late for its time, as an earlier owner of the partition recorded it. */
const lateSchedule = schedule.with({ model: third, fromMs: 2000, fromOffset: 5 });

/** Tested beside the others from the start. */
const challengers = new VersionSchedule<StreamModel | null>(null, [{ model: third, fromMs: 0, fromOffset: null }]);
/** With few events and users, so that there is a verdict in the middle of a stream. */
const promotion = { leastCases: 15, leastUsers: 4, margin: 0.02 };

/** How the same messages come, and what goes wrong on the way. */
const disturbance = fc.record({
  partitionCount: fc.integer({ min: 1, max: 4 }),
  seed: fc.nat(),
  crashes: fc.boolean(),
  schedule: fc.constant(schedule),
});
type Disturbance = typeof disturbance extends fc.Arbitrary<infer T> ? T : never;

const undisturbed: Disturbance = { partitionCount: 1, seed: 0, crashes: false, schedule };

/** Messages in an order of arrival, one of the many in which no event comes later than its time plus grace. */
function interleaved(list: readonly Message[], rng: Rng): Message[] {
  const arrivals: { at: number; message: Message }[] = [];
  for (let user = 0; user < users; user++) {
    // The user's own order is that of the first arrival. Its k-th message may come at any time from the latest event
    // time so far to the earliest limit of those to follow.
    const own = list.filter((one) => one.user === user).sort((a, b) => a.timeMs + a.delayMs - (b.timeMs + b.delayMs));
    let earliest = Number.NEGATIVE_INFINITY;
    own.forEach((one, i) => {
      earliest = Math.max(earliest, one.timeMs);
      const limit = Math.min(...own.slice(i).map(({ timeMs }) => timeMs + graceMs));
      earliest = Math.max(earliest, earliest + rng.unit() * (limit - earliest));
      arrivals.push({ at: earliest, message: one });
    });
  }
  return arrivals.sort((a, b) => a.at - b.at).map((arrival) => arrival.message);
}

/** One partition's commits, with crashes before and after commits, snapshots at any offset, and takeovers. */
function runPartition(records: readonly StreamRecord[], partition: number, windows: TimeWindows, how: Disturbance) {
  const { partitionCount } = how;
  const rng = new Rng(streamKey(how.seed, 1000, partition));
  const options = { ...optionsOf(windows), partition, partitionCount, base: { id: "b", histories: base } };
  const commits: PartitionCommit[] = [];
  const snapshots: { offset: number; bytes: Uint8Array }[] = [];
  const takeOver = (): PartitionEvaluator => {
    const evaluator = new PartitionEvaluator(options, how.schedule, challengers);
    const committed = commits.at(-1)?.partial.nextOffset ?? 0;
    const newest = snapshots.findLast(({ offset }) => offset <= committed);
    if (newest !== undefined) evaluator.restore(decodeSnapshot(newest.bytes, "s"));
    for (const record of records) {
      if (record.offset >= evaluator.nextOffset && record.offset < committed) evaluator.catchUp(record);
    }
    return evaluator;
  };
  let evaluator = takeOver();
  while (evaluator.nextOffset <= records[records.length - 1].offset) {
    const next = records.find(({ offset }) => offset >= evaluator.nextOffset);
    if (next !== undefined) evaluator.fold(next);
    const fate = how.crashes ? rng.below(12) : 12;
    if (fate === 0) evaluator = takeOver();
    if (fate === 1) snapshots.push({ offset: evaluator.nextOffset, bytes: evaluator.snapshot() });
    if (fate <= 4) commits.push(evaluator.takeCommit(false));
    if (fate === 4) evaluator = takeOver();
  }
  commits.push(evaluator.takeCommit(false));
  return commits;
}

/** Folds the partials of all partitions in some order, with restarts from saved state and redeliveries. */
function aggregate(partials: readonly (readonly WindowPartial[])[], windows: TimeWindows, how: Disturbance) {
  const rng = new Rng(streamKey(how.seed, 1001));
  const log: WindowPartial[] = [];
  const left = partials.map((list) => [...list]);
  while (left.some((list) => list.length > 0)) {
    const one = left[rng.below(left.length)].shift();
    if (one !== undefined) log.push(windowPartialSchema.parse(JSON.parse(JSON.stringify(one))));
  }
  let aggregator = new WindowAggregator(windows, how.partitionCount, promotion);
  const finals = new Map<number, WindowReport>();
  log.forEach((one, i) => {
    const redelivered = how.crashes && rng.below(3) === 0 ? log.slice(rng.below(i + 1), i) : [];
    for (const report of [...redelivered, one].flatMap((each) => aggregator.fold(each))) {
      if (report.final) finals.set(report.startMs, report);
    }
    if (!how.crashes || rng.below(3) > 0) return;
    const state = aggregatorStateSchema.parse(JSON.parse(JSON.stringify(aggregator.save())));
    aggregator = WindowAggregator.restore(windows, how.partitionCount, state, promotion);
  });
  return { finals: [...finals.values()].sort((a, b) => a.startMs - b.startMs), trials: aggregator.trials };
}

function runPartitions(lists: readonly (readonly Message[])[], windows: TimeWindows, how: Disturbance) {
  const commits = lists.map((list, partition) => runPartition(recordsOf(list), partition, windows, how));
  const aggregated = aggregate(
    commits.map((list) => list.map(({ partial }) => partial)),
    windows,
    how,
  );
  return { commits: commits.flat(), ...aggregated };
}

function run(list: readonly Message[], windows: TimeWindows, how: Disturbance) {
  const ordered = interleaved(list, new Rng(streamKey(how.seed, 1002)));
  const partitionOf = (user: number) => mix(user, 1, 2) % how.partitionCount;
  const lists = Array.from({ length: how.partitionCount }, (_, partition) =>
    ordered.filter(({ user }) => partitionOf(user) === partition),
  );
  return runPartitions(lists, windows, how);
}

/** What does not depend on the partition and the offset, in an order of its own. */
function withoutPlace(commits: readonly PartitionCommit[]) {
  const sorted = (list: readonly { readonly partition: number; readonly offset: number }[]) =>
    list.map(({ partition: _, offset: __, ...rest }) => JSON.stringify(rest)).sort();
  return {
    outcomes: sorted(commits.flatMap(({ outcomes }) => outcomes)),
    late: sorted(commits.flatMap(({ late }) => late)),
    deadLetters: sorted(commits.flatMap(({ deadLetters }) => deadLetters)),
  };
}

const written = ({ commits }: ReturnType<typeof run>) => ({
  outcomes: commits.flatMap(({ outcomes }) => outcomes),
  late: commits.flatMap(({ late }) => late),
  deadLetters: commits.flatMap(({ deadLetters }) => deadLetters),
});

describe("finals, outcomes, late events and dead letters", () => {
  it("are the same for any partition count, interleaving within grace, crash and redelivery", () => {
    let outcomes = 0;
    let repeats = 0;
    let paired = 0;
    fc.assert(
      fc.property(messages, shapes, disturbance, (list, windows, how) => {
        const expected = run(list, windows, undisturbed);
        const found = run(list, windows, how);
        expect(withoutPlace(expected.commits).late).toEqual([]);
        expect(withoutPlace(found.commits)).toEqual(withoutPlace(expected.commits));
        expect(found.finals).toEqual(expected.finals);
        expect(found.trials).toEqual(expected.trials);
        paired += expected.trials.reduce((sum, trial) => sum + trial.cases, 0);
        outcomes += expected.commits.flatMap((commit) => commit.outcomes).length;
        repeats += expected.finals.reduce((sum, final) => sum + final.repeats, 0);
      }),
      { numRuns: 150 },
    );
    // The cases that matter did occur.
    expect(outcomes).toBeGreaterThan(300);
    expect(repeats).toBeGreaterThan(30);
    expect(paired).toBeGreaterThan(300);
  });

  it("are the same after any crash and redelivery where events come late, too", () => {
    let late = 0;
    const versions = new Set<string>();
    fc.assert(
      fc.property(messages, fc.array(message, { maxLength: 30 }), shapes, fc.nat(), (one, other, windows, seed) => {
        // In this order of arrival, anything may be late.
        const lists = [one, other];
        const calm = runPartitions(lists, windows, { ...undisturbed, partitionCount: 2, schedule: lateSchedule });
        const rough = runPartitions(lists, windows, { partitionCount: 2, seed, crashes: true, schedule: lateSchedule });
        expect(written(rough)).toEqual(written(calm));
        expect(rough.finals).toEqual(calm.finals);
        expect(rough.trials).toEqual(calm.trials);
        late += written(calm).late.length;
        for (const { version } of written(calm).outcomes) versions.add(version);
      }),
      { numRuns: 150 },
    );
    expect(late).toBeGreaterThan(100);
    expect([...versions].sort()).toEqual(["v1", "v2", "v3"]);
  });

  it("leave the same snapshot behind whether records were processed or caught up on", () => {
    fc.assert(
      fc.property(messages, shapes, (list, windows) => {
        const options = { ...optionsOf(windows), partition: 0, partitionCount: 1 };
        const processed = new PartitionEvaluator(options, schedule);
        const caughtUp = new PartitionEvaluator(options, schedule);
        for (const record of recordsOf(list)) {
          processed.fold(record);
          caughtUp.catchUp(record);
        }
        expect(caughtUp.snapshot()).toEqual(processed.snapshot());
        expect(caughtUp.takeCommit(false).partial.fromOffset).toBe(processed.nextOffset);
      }),
      { numRuns: 60 },
    );
  });

  it("of a partition do not depend on the others beside it", () => {
    fc.assert(
      fc.property(messages, messages, shapes, fc.nat(), (own, others, windows, seed) => {
        const alone = runPartition(recordsOf(own), 0, windows, { ...undisturbed, partitionCount: 2 });
        const rng = new Rng(streamKey(seed, 1003));
        const options = { ...optionsOf(windows), partitionCount: 2, base: { id: "b", histories: base } };
        // The same models and the same base serve both, and their folds take turns.
        const evaluators = [0, 1].map(
          (partition) => new PartitionEvaluator({ ...options, partition }, schedule, challengers),
        );
        const left = [recordsOf(own), recordsOf(others)];
        while (left[0].length > 0) {
          const turn = left[1].length > 0 ? rng.below(2) : 0;
          const record = left[turn].shift();
          if (record !== undefined) evaluators[turn].fold(record);
        }
        expect([evaluators[0].takeCommit(false)]).toEqual(alone);
      }),
      { numRuns: 60 },
    );
  });
});
