/** A broker, a published model and a topic of its own for chaos tests, and the processors that run on them. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { expect } from "vitest";
import { KafkaInteractionLog } from "../../src/adapters/kafka/kafka-interaction-log.ts";
import { ncf, type RunningCommand, startNcf } from "../cli/ncf.ts";
import { OwnBroker } from "./broker.ts";
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
  readonly env?: Record<string, string>;
}

export class ChaosStand {
  readonly broker: OwnBroker;
  readonly log: KafkaInteractionLog;
  readonly #folder: string;

  static async open(): Promise<ChaosStand> {
    const folder = await mkdtemp(path.join(tmpdir(), "ncf-chaos-"));
    const broker = await OwnBroker.start(27_000 + 2 * (process.pid % 500), path.join(folder, "kafka"));
    const log = await KafkaInteractionLog.open({ brokers: [broker.address], retryMs: 120_000 });
    const stand = new ChaosStand(folder, broker, log);
    await log.createTopic(topic, partitions, { timestamps: "append" });
    const size = ["--users", "120", "--movies", "400", "--ratings", "6000", "--seed", "7"];
    expect(await ncf(["generate", ...size, "--out", stand.at("data")])).toMatchObject({ code: 0 });
    const models = ["--models", "mf", "--epochs", "1", "--threads", "1", "--publish"];
    const run = ["run", "--dataset", stand.at("data"), ...models, "--out", stand.at("out")];
    expect(await ncf(run)).toMatchObject({ code: 0 });
    return stand;
  }

  private constructor(folder: string, broker: OwnBroker, log: KafkaInteractionLog) {
    this.#folder = folder;
    this.broker = broker;
    this.log = log;
  }

  async close(): Promise<void> {
    await this.log.close();
    await this.broker.remove();
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
  processor(group: string, { args = [], preload, env = {} }: ProcessorOptions = {}): Processor {
    const input = ["--brokers", this.broker.address, "--topic", topic, "--group", group, "--topic-prefix", `${group}.`];
    const work = ["--registry", this.at("out/registry"), "--store", this.at(group), "--port", "0"];
    const windows = ["--window", "1h", "--grace", "10m", "--idle-timeout", "2h", "--max-ahead", "1d"];
    const preloaded = preload === undefined ? {} : { NODE_OPTIONS: `--import ${pathToFileURL(preload)}` };
    const running = startNcf(["stream", ...input, ...work, ...windows, ...args], { ...preloaded, ...env });
    let stderr = "";
    running.child.stderr?.on("data", (chunk) => {
      stderr += chunk;
    });
    return { ...running, said: () => stderr };
  }

  /** Waits until the group has folded everything, windows included. */
  async caughtUp(group: string, members: readonly Processor[]): Promise<void> {
    for (const deadline = Date.now() + 180_000; ; await sleep(200)) {
      const read = [];
      for (let p = 0; p < partitions; p++) read.push(await this.#hasRead(group, topic, p));
      if (read.every(Boolean) && (await this.#hasRead(group, `${group}.window-partials`, 0))) return;
      if (Date.now() < deadline) continue;
      for (const { child } of members) child.kill("SIGKILL");
      const said = members.map((member) => member.said());
      expect.fail(`group ${group} has not read everything: ${read}\n${said.join("\n---\n")}`);
    }
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
