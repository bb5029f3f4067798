/** A broker, a published model and a topic of its own for chaos tests, and the processors that run on them. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { expect } from "vitest";
import { KafkaInteractionLog } from "../../src/adapters/kafka/kafka-interaction-log.ts";
import { FileObjectStore } from "../../src/adapters/local/file-object-store.ts";
import { ncf, type RunningCommand, startNcf } from "../cli/ncf.ts";
import { OwnBroker, startCluster } from "./broker.ts";
import { publishedRecords } from "./published.ts";

export const hourMs = 3_600_000;
const partitions = 4;
const topic = "interactions";

export interface Processor extends RunningCommand {
  /** All that it has said on stderr so far. */
  said(): string;
}

export interface ProcessorOptions {
  /** More words of its command line. */
  readonly args?: readonly string[];
  /** A module that is loaded before the program, and the variables that it reads. */
  readonly preload?: string;
  readonly nodeOptions?: string;
  readonly env?: Record<string, string>;
}

export class ChaosStand {
  /** The first of them, or the only one. */
  readonly broker: OwnBroker;
  readonly brokers: readonly OwnBroker[];
  readonly log: KafkaInteractionLog;
  readonly #folder: string;
  readonly #processors: RunningCommand[] = [];

  static async open({ brokers: count = 1 } = {}): Promise<ChaosStand> {
    const folder = await mkdtemp(path.join(tmpdir(), "ncf-chaos-"));
    const port = 27_000 + 6 * (process.pid % 166);
    const kafka = path.join(folder, "kafka");
    const brokers = count === 1 ? [await OwnBroker.start(port, kafka)] : await startCluster(count, port, kafka);
    const log = await KafkaInteractionLog.open({ brokers: brokers.map(({ address }) => address), retryMs: 120_000 });
    const stand = new ChaosStand(folder, brokers, log);
    try {
      await stand.#prepare();
    } catch (error) {
      await stand.close();
      throw error;
    }
    return stand;
  }

  async #prepare(): Promise<void> {
    await this.log.createTopic(topic, partitions, { timestamps: "append" });
    const size = ["--users", "120", "--movies", "400", "--ratings", "6000", "--seed", "7"];
    expect(await ncf(["generate", ...size, "--out", this.at("data")])).toMatchObject({ code: 0 });
    const models = ["--models", "mf", "--epochs", "1", "--threads", "1", "--publish"];
    const run = ["run", "--dataset", this.at("data"), ...models, "--out", this.at("out")];
    expect(await ncf(run)).toMatchObject({ code: 0 });
  }

  private constructor(folder: string, brokers: readonly OwnBroker[], log: KafkaInteractionLog) {
    this.#folder = folder;
    this.broker = brokers[0];
    this.brokers = brokers;
    this.log = log;
  }

  /** Ends the processors that a failed test has left running, too. */
  async close(): Promise<void> {
    for (const { child } of this.#processors) child.kill("SIGKILL");
    await Promise.all(this.#processors.map(({ outcome }) => outcome));
    await this.log.close();
    await Promise.all(this.brokers.map((broker) => broker.remove()));
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** A file or folder that goes with the stand. */
  at(name: string): string {
    return path.join(this.#folder, name);
  }

  /** Those of the model's catalogue. */
  async items(): Promise<string[]> {
    const lines = (await readFile(this.at("data/movies.csv"), "utf8")).trim().split("\n");
    return lines.slice(1).map((line) => line.split(",")[0]);
  }

  async send(records: Parameters<KafkaInteractionLog["append"]>[1]): Promise<void> {
    await this.log.append(topic, records);
  }

  /** A processor of a group whose topics and store, in the folder of the group's name, are its own. */
  processor(group: string, { args = [], preload, nodeOptions = "", env = {} }: ProcessorOptions = {}): Processor {
    const brokers = this.brokers.map(({ address }) => address).join(",");
    const input = ["--brokers", brokers, "--topic", topic, "--group", group, "--topic-prefix", `${group}.`];
    const work = ["--registry", this.at("out/registry"), "--store", this.at(group), "--port", "0"];
    const windows = ["--window", "1h", "--grace", "10m", "--idle-timeout", "2h", "--max-ahead", "1d"];
    const preloaded = preload === undefined ? "" : `--import ${pathToFileURL(preload)}`;
    const running = startNcf(["stream", ...input, ...work, ...windows, ...args], {
      NODE_OPTIONS: `${preloaded} ${nodeOptions}`,
      ...env,
    });
    this.#processors.push(running);
    let stderr = "";
    running.child.stderr?.on("data", (chunk) => {
      stderr += chunk;
    });
    return { ...running, said: () => stderr };
  }

  /** Waits until the group has folded everything, windows included. */
  async caughtUp(group: string, members: readonly Processor[]): Promise<void> {
    for (const deadline = Date.now() + 300_000; ; await sleep(200)) {
      if ((await this.isTested(group)) && (await this.#hasRead(group, `${group}.window-partials`, 0))) return;
      if (Date.now() < deadline) continue;
      for (const { child } of members) child.kill("SIGKILL");
      const said = members.map((member) => member.said());
      expect.fail(`group ${group} has not read everything\n${said.join("\n---\n")}`);
    }
  }

  /** Waits until the group has stored a snapshot of each partition and of the windows. */
  async hasSnapshots(group: string): Promise<void> {
    const store = new FileObjectStore(this.at(group));
    const of = [...Array(partitions).keys(), "windows"].map((name) => `snapshots/${group}/${name}/`);
    for (const prefix of of) while ((await store.list(prefix)).length === 0) await sleep(200);
  }

  /** Whether the group has committed all that was sent. */
  async isTested(group: string): Promise<boolean> {
    for (let p = 0; p < partitions; p++) if (!(await this.#hasRead(group, topic, p))) return false;
    return true;
  }

  async stop(members: readonly Processor[]): Promise<void> {
    for (const { child } of members) child.kill("SIGTERM");
    for (const { child, outcome } of members) {
      const hanging = setTimeout(() => child.kill("SIGKILL"), 30_000);
      const { code, stderr } = await outcome;
      clearTimeout(hanging);
      // One that has said nothing yet may not listen for signals yet, and ends by this one.
      if (stderr !== "") expect(code, stderr).toBe(0);
    }
  }

  /** What the group has published, as text by topic and partition; of windows, the final reports. */
  published(group: string): Promise<Record<string, string[]>> {
    return publishedRecords(this.log, {
      outcomes: `${group}.outcomes`,
      late: `${group}.late`,
      deadLetters: `${group}.dead-letters`,
      windows: `${group}.hit-ratio-windows`,
    });
  }

  /** Compares what the group has published with what one undisturbed processor publishes. @returns how many of a topic */
  async expectUndisturbed(group: string, args: readonly string[]): Promise<(name: string) => number> {
    const calmGroup = `${group}-calm`;
    const members = [this.processor(calmGroup, { args })];
    await this.caughtUp(calmGroup, members);
    await this.stop(members);
    const calm = await this.published(calmGroup);
    expect(await this.published(group)).toEqual(calm);
    return (name) =>
      Object.entries(calm).reduce((sum, [key, list]) => sum + (key.startsWith(name) ? list.length : 0), 0);
  }

  async #hasRead(group: string, of: string, partition: number): Promise<boolean> {
    const found = await this.log.committed(group, of, partition);
    if (found === null) return (await this.log.endOffset(of, partition)) === 0;
    let { offset } = found;
    for (;;) {
      const { records, nextOffset } = await this.log.read(of, partition, offset, 1);
      if (records.length > 0) return false;
      if (nextOffset <= offset) return true;
      offset = nextOffset;
    }
  }
}
