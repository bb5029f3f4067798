/**
 * The stream through a real broker: how fast, how soon, and how long a start takes.
 *
 *   npx tsx bench/stream-kafka.ts [--events 70000] [--users 10000] [--preset paper] [--seconds 60] [--snapshot 20000000]
 *     [--only rate,challenger,pair,latency,snapshot] [--port 24000] [--profile FOLDER]
 *                                                    (Linux; Java 17; 4 GB of memory, 1 GB of disk)
 *
 * Starts a broker of its own (scripts/start-kafka.sh), publishes versions with the preset's network and random weights that
 * know all but the newest ratings of a generated data set, and sends these as events to `ncf stream`, each processor on a core
 * of its own. Where there are no more than two cores, broker, producer and this script share them with the processors, so
 * the CPU time of an event is told beside the rate: what others do on the machine hardly changes it.
 *
 * - `rate`: one processor, one partition, behind all the time. Windows hold about as many events as a day of ML-20M.
 * - `challenger`: the same with a second version, which ranks the same candidates from the first event on.
 * - `pair`: as `rate` on two partitions by one processor, then by two.
 * - `latency`: 1,000 events/s; from when an event is due at the producer to when a reader of the reports' topic has one that
 *   covers it. The first five seconds are warm-up.
 * - `snapshot`: the start of a processor whose partition's newest snapshot holds so many interactions.
 *
 * With `--profile`, each processor leaves a CPU profile in the folder, which costs some of its speed.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { KafkaInteractionLog } from "../src/adapters/kafka/kafka-interaction-log.ts";
import { FileObjectStore } from "../src/adapters/local/file-object-store.ts";
import { modelUpdateRecord } from "../src/app/stream/model-updates.ts";
import { decodeJson } from "../src/core/json.ts";
import type { Outcome } from "../src/streaming/outcome.ts";
import { grouped, machineLine } from "./measurement.ts";
import { makeStream } from "./stream-kafka-events.ts";
import { measureLatency } from "./stream-kafka-latency.ts";
import { cpuMs, type LogLine, memoryMb, Processor } from "./stream-kafka-processor.ts";
import { measureRate, type Rate } from "./stream-kafka-rate.ts";
import { enlargeSnapshot } from "./stream-kafka-snapshot.ts";

const { values } = parseArgs({
  options: {
    events: { type: "string", default: "70000" },
    users: { type: "string", default: "10000" },
    preset: { type: "string", default: "paper" },
    seconds: { type: "string", default: "60" },
    snapshot: { type: "string", default: "20000000" },
    only: { type: "string", default: "rate,challenger,pair,latency,snapshot" },
    port: { type: "string", default: "24000" },
    profile: { type: "string" },
  },
});
const eventsPerSecond = 1_000;
const warmUpSeconds = 5;
const lastCore = 1;
/** A window has about as many events as a day of ML-20M. */
const dailyWindow = ["--window", `${Math.ceil(138_493 / Number(values.users))}d`];
/** So that no version takes over while two are measured. */
const endlessTrial = ["--promotion-events", "1000000000"];
const parts = values.only.split(",");
const started: Processor[] = [];

console.log(machineLine());
const folder = mkdtempSync(join(tmpdir(), "ncf-bench-kafka-"));
const broker = startBroker();
const store = new FileObjectStore(join(folder, "registry"));
const log = await KafkaInteractionLog.open({ brokers: [broker.address] });
try {
  const { events, users } = values;
  const known = { preset: values.preset, userCount: Number(users), eventCount: Number(events) };
  const { records, ...version } = await makeStream(store, known);
  console.log(
    `${values.preset} knows ${grouped(version.users)} users, ${grouped(version.items)} items and ` +
      `${grouped(version.interactions)} interactions; ${grouped(records.length)} events follow`,
  );
  if (parts.includes("rate")) {
    printRate("one processor, one partition", await rate("rate", 1, 1));
    await printKinds("rate");
  }
  if (parts.includes("challenger")) {
    printRate("the same with a challenger beside", await rate("challenger", 1, 1, version.challenger));
    await printPaired("challenger");
  }
  if (parts.includes("pair")) {
    const [one, two] = [await rate("pair1", 2, 1), await rate("pair2", 2, 2)];
    printRate("one processor, two partitions", one);
    printRate("two processors, two partitions", two);
    const [byClock, byCpu] = [two.perSecond / one.perSecond, (2 * one.processorUs) / two.processorUs];
    console.log(
      `two processors against one: ${byClock.toFixed(2)} times the events/s here; ${byCpu.toFixed(2)} times by the CPU time of ` +
        "an event, were there a core for each and for the broker",
    );
  }
  if (parts.includes("latency")) await latency();
  if (parts.includes("snapshot")) await snapshot();

  async function rate(
    name: string,
    partitions: number,
    processorCount: number,
    challenger: string | null = null,
  ): Promise<Rate> {
    await log.createTopic(name, partitions);
    const options = [...dailyWindow, ...endlessTrial];
    const processors = Array.from({ length: processorCount }, (_, i) => start(name, lastCore - i, options));
    await openedAll(processors, partitions);
    if (challenger !== null) {
      // As stage 2 says it, but of all windows: it would begin with the one after the first event's.
      const { topic, key, value } = modelUpdateRecord(`${name}.model-updates`, {
        kind: "challenger",
        version: challenger,
        fromMs: 0,
      });
      await log.append(topic, [{ key, value }]);
    }
    const input = { log, topic: name, group: name, records, processors, brokerPid: broker.pid };
    const measured = await measureRate(input);
    for (const processor of processors) await processor.stop();
    return measured;
  }

  async function latency(): Promise<void> {
    const count = Math.min(records.length, (warmUpSeconds + Number(values.seconds)) * eventsPerSecond);
    await log.createTopic("latency", 1);
    // One window for all, whatever their time.
    const processor = start("latency", lastCore, ["--window", "20000d"]);
    await processor.event({ event: "opened", who: "windows" });
    await openedAll([processor], 1);
    const topics = { topic: "latency", windowsTopic: "latency.hit-ratio-windows" };
    const pace = { records: records.slice(0, count), perSecond: eventsPerSecond };
    const found = await measureLatency({ log, ...topics, ...pace });
    await processor.stop();
    const sorted = found.slice(warmUpSeconds * eventsPerSecond).sort();
    const at = (share: number): string => `${sorted[Math.ceil(share * sorted.length) - 1].toFixed(0)} ms`;
    console.log(
      `produce to report at ${grouped(eventsPerSecond)} events/s, ${grouped(sorted.length)} events: p50 ${at(0.5)}, ` +
        `p90 ${at(0.9)}, p99 ${at(0.99)}, longest ${at(1)} (load ${loadavg()[0].toFixed(2)})`,
    );
  }

  async function snapshot(): Promise<void> {
    await log.createTopic("snapshot", 1);
    await log.append("snapshot", records.slice(0, 10_000));
    const first = start("snapshot", lastCore);
    await openedAll([first], 1);
    while (((await log.committed("snapshot", "snapshot", 0))?.offset ?? 0) < 10_000) await sleep(100);
    await first.stop();
    const bytes = await enlargeSnapshot(store, "snapshots/snapshot/0/", Number(values.snapshot));
    const began = performance.now();
    const second = start("snapshot", lastCore);
    const opened = await second.event({ event: "opened", who: "partition 0" });
    const seconds = (performance.now() - began) / 1000;
    const cpuSeconds = cpuMs(second.pid) / 1000;
    const { now, peak } = memoryMb(second.pid);
    console.log(
      `start from a snapshot of ${grouped(Number(values.snapshot))} interactions (${grouped(bytes / 1e6)} MB): partition taken ` +
        `over in ${(Number(opened.ms) / 1000).toFixed(1)} s; ${seconds.toFixed(1)} s (${cpuSeconds.toFixed(1)} s of CPU) from the ` +
        `process's start; ${grouped(now)} MB resident, ${grouped(peak)} MB at most (load ${loadavg()[0].toFixed(2)})`,
    );
    await second.stop();
  }
} finally {
  for (const processor of started) processor.kill();
  await log.close();
  try {
    process.kill(broker.pid, "SIGKILL");
  } catch {
    // Gone already: the error that this led to is the one to tell.
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

function startBroker(): { readonly pid: number; readonly address: string } {
  const script = fileURLToPath(new URL("../scripts/start-kafka.sh", import.meta.url));
  const env = { ...process.env, NCF_KAFKA_DATA: join(folder, "kafka") };
  const [pid, port] = execFileSync(script, [values.port], { env, encoding: "utf8" }).split(" ");
  return { pid: Number(pid), address: `127.0.0.1:${port}` };
}

function start(name: string, core: number, more: readonly string[] = []): Processor {
  const input = ["--brokers", broker.address, "--topic", name, "--group", name, "--topic-prefix", `${name}.`];
  const profile = values.profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${values.profile}`];
  const processor = new Processor([...input, "--registry", join(folder, "registry"), ...more], core, profile);
  started.push(processor);
  return processor;
}

/** Resolves when the partitions are shared out, each with its owner. */
async function openedAll(processors: readonly Processor[], partitions: number): Promise<void> {
  const share = partitions / processors.length;
  for (const processor of processors) {
    await processor.until((events) => {
      const assigned = events.findLast(({ event }) => event === "assigned")?.partitions;
      if (!Array.isArray(assigned) || assigned.length !== share) return false;
      return assigned.every((p) => isOpen(events, `partition ${p}`));
    });
  }
}

function isOpen(events: readonly LogLine[], who: string): boolean {
  return events.findLast((event) => event.who === who)?.event === "opened";
}

function printRate(name: string, { events, perSecond, processorUs, brokerUs }: Rate): void {
  console.log(
    `${name}: ${grouped(perSecond)} events/s over ${grouped(events)} events; CPU time of an event: ${processorUs.toFixed(0)} us ` +
      `of processors (${grouped(1e6 / processorUs)} events/s of a whole core), ${brokerUs.toFixed(0)} us of the broker ` +
      `(load ${loadavg()[0].toFixed(2)})`,
  );
}

async function printKinds(name: string): Promise<void> {
  const kinds = { cold: 0, foldedIn: 0, warm: 0 };
  let tested = 0;
  for await (const { kind } of outcomesOf(name)) {
    kinds[kind] += 1;
    tested += 1;
  }
  const share = (count: number): string => `${((100 * count) / tested).toFixed(1)} %`;
  console.log(
    `  ${grouped(tested)} tested: ${share(kinds.warm)} of users known to the model, ${share(kinds.foldedIn)} of new users with a ` +
      `history, ${share(kinds.cold)} of users without`,
  );
}

async function printPaired(name: string): Promise<void> {
  const counts = { tested: 0, paired: 0 };
  for await (const { challenger } of outcomesOf(name)) {
    counts.tested += 1;
    if (challenger !== null) counts.paired += 1;
  }
  console.log(`  ${grouped(counts.tested)} tested, ${grouped(counts.paired)} of them by both versions`);
}

async function* outcomesOf(name: string): AsyncGenerator<Outcome, void, undefined> {
  for (let offset = 0; ; ) {
    const { records, nextOffset } = await log.read(`${name}.outcomes`, 0, offset, 10_000);
    if (nextOffset === offset) return;
    offset = nextOffset;
    for (const { value } of records) yield decodeJson(value ?? new Uint8Array()) as Outcome;
  }
}
