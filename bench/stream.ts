/**
 * What the stream costs: CPU time of a tested event, and memory of user histories at ML-20M's size.
 *
 *   npx tsx bench/stream.ts [--events 20000] [--rounds 3] [--preset paper]      (4 GB of memory, 500 MB of disk)
 *
 * Events are the newest of a generated data set of ML-20M's size (20,000,263 ratings, 138,493 users, 27,278 movies); all
 * earlier ratings are the histories that the stream starts with. The model has the preset's network with random weights:
 * 30 % of the users and the whole catalogue are known to it. Each event is ranked among 99 items that its user has not
 * touched, by model, popularity and decayed popularity. In each round, after the first tenth of the events, the CPU time of
 * the whole process (garbage collection and compilation included) is taken
 *
 * - of `PartitionEvaluator` alone: test, then learn, and gather commits of 1,000 events,
 * - of the same with a challenger beside: a second model of the same shape, which ranks the same candidates,
 * - of `PartitionWorker` on the log in memory: the same, with outcomes and sums as JSON in the log's transactions,
 *
 * and of the parts of an event by themselves. Memory is measured in a process of its own (stream-histories.ts).
 */
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { MemoryInteractionLog } from "../src/adapters/local/memory-interaction-log.ts";
import { MemoryObjectStore } from "../src/adapters/local/memory-object-store.ts";
import { ncfUserModel } from "../src/app/fitted-model.ts";
import { popularityHalfLifeMs } from "../src/app/model-names.ts";
import { profileOf } from "../src/app/new-items.ts";
import { PartitionWorker } from "../src/app/stream/partition-worker.ts";
import { createTopics, defaultTopics, type StreamSettings } from "../src/app/stream/stream-settings.ts";
import { encodeJson } from "../src/core/json.ts";
import { leaveOneOut, undivided } from "../src/core/leave-one-out.ts";
import { ratingsAt } from "../src/core/ratings.ts";
import type { Sample } from "../src/core/sample.ts";
import { SyntheticDataset } from "../src/core/synthetic/dataset.ts";
import { syntheticRatingTable } from "../src/core/synthetic/table.ts";
import { stableOrderByTime } from "../src/core/time-order.ts";
import { selectUsers } from "../src/core/user-sample.ts";
import { presetNamed } from "../src/ncf/config.ts";
import { createFoldIn } from "../src/ncf/fold-in.ts";
import { embeddingRows, type TrainedModel } from "../src/ncf/model.ts";
import { initialTensors, parameterTable } from "../src/ncf/parameters.ts";
import { createScorer } from "../src/ncf/wasm/scorer.ts";
import { fittedStreamModel } from "../src/streaming/fitted-stream-model.ts";
import { decodeRecord, encodeEndOfStream, encodeWireEvent } from "../src/streaming/interaction-event.ts";
import type { Outcome } from "../src/streaming/outcome.ts";
import type { PartitionCommit } from "../src/streaming/partition-commit.ts";
import { PartitionEvaluator } from "../src/streaming/partition-evaluator.ts";
import type { StreamRecord } from "../src/streaming/partition-state.ts";
import { poissonWeights, replicateCount } from "../src/streaming/poisson-bootstrap.ts";
import type { StreamModel } from "../src/streaming/stream-model.ts";
import { TimeWindows } from "../src/streaming/time-windows.ts";
import { UserHistories } from "../src/streaming/user-histories.ts";
import { VersionSchedule } from "../src/streaming/version-schedule.ts";
import { grouped, machineLine, median } from "./measurement.ts";

const { values } = parseArgs({
  options: {
    events: { type: "string", default: "20000" },
    rounds: { type: "string", default: "3" },
    preset: { type: "string", default: "paper" },
  },
});
const seed = 1;
const dayMs = 86_400_000;
const eventCount = Number(values.events);
const warmUp = Math.floor(eventCount / 10);
const commitRecords = 1000;
const topics = defaultTopics;
const interactionsAtOnce = 65_536;

console.log(machineLine());
const data = new SyntheticDataset({ shape: "ml-20m", seed });
const table = syntheticRatingTable(data);
const order = Int32Array.from({ length: table.length }, (_, row) => row);
stableOrderByTime(order, 0, order.length, table.timestampMs);
const start = streamStart();
const [earlier, newest] = [order.subarray(0, start), order.subarray(start)];
const base = { id: "ml-20m", histories: historiesOf(earlier) };
const sample = knownSample(earlier);
const profile = profileOf(sample, data.movies);
const { model, scorer, foldIn } = version("random", seed);
const challenger = version("challenger", seed + 1).model;
const records = Array.from(newest, (row, offset): StreamRecord => {
  const timestampMs = table.timestampMs[row];
  const event = { userId: table.userIds[table.user[row]], itemId: table.itemIds[table.item[row]], timestampMs };
  return { offset, value: encodeWireEvent(event), timestampMs };
});
const settings: StreamSettings = {
  group: "bench",
  topics,
  windows: TimeWindows.ofSizeAndGrace(dayMs, 3_600_000),
  schedule: new VersionSchedule(model),
  base,
  seed,
  maxAheadMs: 0,
  endOfStream: "ends",
  leak: "refuse",
  commitRecords,
  snapshotRecords: Number.POSITIVE_INFINITY,
  snapshotPartials: Number.POSITIVE_INFINITY,
};

console.log(
  `generated ML-20M: ${grouped(newest.length)} events after ${grouped(base.histories.entryCount)} interactions of ` +
    `${grouped(base.histories.userCount)} users; ${values.preset} knows ${grouped(sample.userIds.length)} users and ` +
    `${grouped(sample.itemIds.length)} items`,
);
const alone: number[] = [];
const withChallenger: number[] = [];
const onLog: number[] = [];
let commits: PartitionCommit[] = [];
for (let round = 0; round < Number(values.rounds); round++) {
  const evaluated = evaluate();
  commits = evaluated.commits;
  alone.push(evaluated.microseconds);
  withChallenger.push(evaluate(challenger).microseconds);
  onLog.push(await work());
}
const outcomes = commits.flatMap((commit) => commit.outcomes);
describe(outcomes);
print("PartitionEvaluator alone", alone);
print("  with a challenger beside", withChallenger);
print("PartitionWorker, log in memory", onLog);
parts();
memory();

/** Where in `order` the newest events start, so that no training interaction has the time of an event. */
function streamStart(): number {
  let at = order.length - eventCount;
  while (at > 0 && table.timestampMs[order[at - 1]] === table.timestampMs[order[at]]) at -= 1;
  return at;
}

/** Adds rows in order of time. */
function historiesOf(rows: Int32Array): UserHistories {
  const histories = new UserHistories();
  for (const row of rows) {
    histories.append(table.userIds[table.user[row]], table.itemIds[table.item[row]], table.timestampMs[row], false);
  }
  return histories;
}

/** 30 % of the users with all of these rows, and all movies as the catalogue. */
function knownSample(rows: Int32Array): Sample {
  const chosen = selectUsers(table.userIds, { fraction: 0.3, sampler: "hash", seed });
  const kept = rows.filter((row) => chosen[table.user[row]] === 1);
  const part = ratingsAt(table, kept);
  const present = new Uint8Array(chosen.length);
  for (const user of part.user) present[user] = 1;
  const listedItemIds = data.movies.map(({ id }) => id);
  return undivided(leaveOneOut(part, present, { tieRule: "firstInFile", seed, listedItemIds }).sample);
}

function version(name: string, weightsSeed: number) {
  const network = randomModel(sample, weightsSeed);
  const parts = { scorer: createScorer(network), foldIn: createFoldIn(network) };
  const model = ncfUserModel({ ...parts, profile });
  return { ...parts, model: fittedStreamModel({ version: name, sample, model, popularityHalfLifeMs }) };
}

function randomModel(known: Sample, weightsSeed: number): TrainedModel {
  const config = presetNamed(values.preset);
  const { userRows, itemRows, userRowCount, itemRowCount } = embeddingRows(config, known);
  const tensors = initialTensors(parameterTable(config, userRowCount, itemRowCount), weightsSeed);
  return { name: values.preset, config, tensors, userRows, itemRows };
}

/** CPU microseconds of an event after the warm-up. */
function evaluate(beside: StreamModel | null = null): { microseconds: number; commits: PartitionCommit[] } {
  const { schedule, windows, maxAheadMs } = settings;
  const evaluator = new PartitionEvaluator(
    { partition: 0, partitionCount: 1, windows, maxAheadMs, base, seed },
    schedule,
  );
  evaluator.challenge(beside, 0);
  const taken: PartitionCommit[] = [];
  let clock = process.cpuUsage();
  records.forEach((record, i) => {
    if (i === warmUp) clock = process.cpuUsage();
    evaluator.fold(record);
    if ((i + 1) % commitRecords === 0) taken.push(evaluator.takeCommit(false));
  });
  return { microseconds: cpuMicroseconds(clock) / (records.length - warmUp), commits: taken };
}

async function work(): Promise<number> {
  const log = new MemoryInteractionLog();
  await log.createTopic(topics.interactions, 1);
  await createTopics(log, topics);
  await log.append(
    topics.interactions,
    records.map(({ value, timestampMs }) => ({ key: null, value, timestampMs })),
  );
  await log.append(topics.interactions, [{ key: null, value: encodeEndOfStream() }]);
  const worker = await PartitionWorker.open({ log, store: new MemoryObjectStore() }, settings, 0);
  let clock = process.cpuUsage();
  let done = 0;
  let counted = 0;
  for (let count = await worker.step(); count > 0; count = await worker.step()) {
    done += count;
    if (done <= warmUp) clock = process.cpuUsage();
    else counted += count;
  }
  const microseconds = cpuMicroseconds(clock) / counted;
  await worker.close();
  return microseconds;
}

function cpuMicroseconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return user + system;
}

function describe(tested: readonly Outcome[]): void {
  const kinds = { cold: 0, foldedIn: 0, warm: 0 };
  for (const { kind } of tested) kinds[kind] += 1;
  const share = (count: number): string => `${((100 * count) / tested.length).toFixed(1)} %`;
  const lengths = historyLengths();
  console.log(
    `${grouped(tested.length)} outcomes: ${share(kinds.warm)} of users known to the model, ${share(kinds.foldedIn)} folded in ` +
      `from their history alone, ${share(kinds.cold)} without history; median history ${median(lengths)} items, ` +
      `longest ${lengths.reduce((longest, length) => Math.max(longest, length), 0)}`,
  );
}

/** Shape [events]: what the user had touched before each. */
function historyLengths(): number[] {
  const counts = new Map<number, number>();
  return Array.from(newest, (row) => {
    const id = table.userIds[table.user[row]];
    const before = counts.get(id) ?? base.histories.count(base.histories.userIndex(id));
    counts.set(id, before + 1);
    return before;
  });
}

function print(name: string, microseconds: readonly number[]): void {
  const [middle, least] = [median(microseconds), Math.min(...microseconds)].map((value) => value.toFixed(1));
  console.log(`${name.padEnd(34)} ${middle.padStart(7)} us of CPU an event (median of rounds; least ${least})`);
}

/** What the parts of an event cost by themselves. */
function parts(): void {
  const histories = outcomes.map(({ userId }) => {
    const user = base.histories.userIndex(userId);
    const items = new Int32Array(Math.max(1, base.histories.count(user)));
    base.histories.copyItems(user, items);
    return items;
  });
  const candidates = new Int32Array(100);
  const scores = new Float64Array(100);
  const weights = new Uint8Array(replicateCount);
  const row = foldIn.row(new Int32Array(0));
  part("  profile", (i) => void profile.addTo(scores, histories[i], candidates));
  part("  fold-in", (i) => void foldIn.row(histories[i]));
  part("  scores of 100 items", (i) => {
    // Others each time, as in the stream: the items' halves of the first layer do not fit into the nearer caches.
    for (let k = 0; k < candidates.length; k++) candidates[k] = (i * 7919 + k * 271) % sample.itemIds.length;
    scorer.scoreRow(row, candidates, scores);
  });
  part("  bootstrap weights", (i) => poissonWeights(seed, outcomes[i].userId, 0, weights));
  part("  outcome as JSON", (i) => void encodeJson(outcomes[i]));
  part("  reading the record", (i) => void decodeRecord(records[i].value));
}

function part(name: string, run: (i: number) => void): void {
  for (let i = 0; i < outcomes.length / 4; i++) run(i);
  const clock = process.cpuUsage();
  for (let i = 0; i < outcomes.length; i++) run(i);
  print(name, [cpuMicroseconds(clock) / outcomes.length]);
}

/** In a process that holds nothing else, so that no page which the generator gave back is taken for saved. */
function memory(): void {
  const folder = mkdtempSync(join(tmpdir(), "ncf-bench-stream-"));
  try {
    const file = join(folder, "interactions");
    writeInteractions(file);
    const script = fileURLToPath(new URL("./stream-histories.ts", import.meta.url));
    const loader = "typescript" in process.features ? [] : ["--import", "tsx"];
    const cwd = fileURLToPath(new URL("..", import.meta.url));
    const child = spawnSync(process.execPath, ["--expose-gc", ...loader, script, file], { cwd, encoding: "utf8" });
    if (child.status !== 0) throw new Error(`expected the figures of user histories, found ${child.stderr}`);
    console.log(child.stdout.trimEnd());
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** All ratings by time, three doubles each: user id, item id, time. */
function writeInteractions(file: string): void {
  const output = openSync(file, "w");
  for (let from = 0; from < order.length; from += interactionsAtOnce) {
    const rows = order.subarray(from, from + interactionsAtOnce);
    const values = new Float64Array(3 * rows.length);
    rows.forEach((row, i) => {
      values.set([table.userIds[table.user[row]], table.itemIds[table.item[row]], table.timestampMs[row]], 3 * i);
    });
    writeSync(output, values);
  }
  closeSync(output);
}
