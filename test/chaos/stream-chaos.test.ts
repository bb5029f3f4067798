/**
 * Processors are killed, join and leave, and the broker dies, while events come: what is published must be what one undisturbed
 * processor publishes. Short where `NCF_KAFKA` says that Kafka can run here; `npm run chaos` makes it long.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KafkaInteractionLog } from "../../src/adapters/kafka/kafka-interaction-log.ts";
import { mix } from "../../src/core/rng.ts";
import { ncf, type RunningCommand, startNcf } from "../cli/ncf.ts";
import { OwnBroker } from "./broker.ts";
import { chaosRecords } from "./events.ts";
import { publishedRecords } from "./published.ts";

const enabled = process.env.NCF_KAFKA !== undefined;
const kills = Number(process.env.NCF_CHAOS_KILLS ?? 5);
const seed = Number(process.env.NCF_CHAOS_SEED ?? 1);
const partitions = 4;
const topic = "interactions";
const hourMs = 3_600_000;
const startMs = Math.floor(Date.now() / hourMs) * hourMs - 72 * hourMs;

describe.skipIf(!enabled)(`a stream under ${kills} kills${enabled ? "" : " (set NCF_KAFKA)"}`, () => {
  let folder: string;
  let broker: OwnBroker;
  let log: KafkaInteractionLog;
  const at = (name: string) => path.join(folder, name);

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "ncf-chaos-"));
    broker = await OwnBroker.start(27_000 + 2 * (process.pid % 500), at("kafka"));
    log = await KafkaInteractionLog.open({ brokers: [broker.address], retryMs: 120_000 });
    await log.createTopic(topic, partitions, { timestamps: "append" });
    const size = ["--users", "120", "--movies", "400", "--ratings", "6000", "--seed", "7"];
    expect(await ncf(["generate", ...size, "--out", at("data")])).toMatchObject({ code: 0 });
    const models = ["--models", "mf", "--epochs", "1", "--threads", "1", "--publish"];
    expect(await ncf(["run", "--dataset", at("data"), ...models, "--out", at("out")])).toMatchObject({ code: 0 });
  }, 120_000);
  afterAll(async () => {
    await log.close();
    await broker.remove();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  /** A processor of a group whose topics and store are its own. */
  function processor(group: string): RunningCommand {
    const input = ["--brokers", broker.address, "--topic", topic, "--group", group, "--topic-prefix", `${group}.`];
    const work = ["--registry", at("out/registry"), "--store", at(group), "--port", "0"];
    const windows = ["--window", "1h", "--grace", "10m", "--idle-timeout", "2h", "--max-ahead", "1d"];
    const pace = ["--commit-records", "40", "--commit-interval", "30", "--snapshot-records", "150"];
    return startNcf(["stream", ...input, ...work, ...windows, ...pace, "--session-timeout", "6000"]);
  }

  const outputs = (group: string) => ({
    outcomes: `${group}.outcomes`,
    late: `${group}.late`,
    deadLetters: `${group}.dead-letters`,
    windows: `${group}.hit-ratio-windows`,
  });

  async function listedItems(): Promise<string[]> {
    const lines = (await readFile(at("data/movies.csv"), "utf8")).trim().split("\n");
    return lines.slice(1).map((line) => line.split(",")[0]);
  }

  async function hasRead(group: string, of: string, partition: number): Promise<boolean> {
    const found = await log.committed(group, of, partition);
    if (found === null) return (await log.endOffset(of, partition)) === 0;
    let { offset } = found;
    for (;;) {
      const { records, nextOffset } = await log.read(of, partition, offset, 1);
      if (records.length > 0) return false;
      if (nextOffset <= offset) return true;
      offset = nextOffset;
    }
  }

  /** Waits until the group has folded everything, windows included. */
  async function caughtUp(group: string, members: readonly RunningCommand[]): Promise<void> {
    for (const deadline = Date.now() + 180_000; ; await sleep(200)) {
      const read = [];
      for (let p = 0; p < partitions; p++) read.push(await hasRead(group, topic, p));
      if (read.every(Boolean) && (await hasRead(group, `${group}.window-partials`, 0))) return;
      if (Date.now() < deadline) continue;
      for (const { child } of members) child.kill("SIGKILL");
      const said = await Promise.all(members.map(async ({ outcome }) => (await outcome).stderr));
      expect.fail(`group ${group} has not read everything: ${read}\n${said.join("\n---\n")}`);
    }
  }

  async function stop(members: readonly RunningCommand[]): Promise<void> {
    for (const { child } of members) child.kill("SIGTERM");
    for (const { child, outcome } of members) {
      const hanging = setTimeout(() => child.kill("SIGKILL"), 30_000);
      const { code, stderr } = await outcome;
      clearTimeout(hanging);
      // One that has said nothing yet may not listen for signals yet, and ends by this one.
      if (stderr !== "") expect(code, stderr).toBe(0);
    }
  }

  it(
    "publishes what an undisturbed one publishes",
    async () => {
      const records = chaosRecords({
        count: 800 * kills,
        startMs,
        stepMs: Math.floor((48 * hourMs) / (800 * kills)),
        graceMs: 600_000,
        users: 150,
        items: [...(await listedItems()), "unheard-of"],
        seed,
      });
      let members = [processor("chaos"), processor("chaos")];
      await Promise.all(members.map(({ stderrHas }) => stderrHas("Assigned")));
      let sent = 0;
      const send = async (upTo: number): Promise<void> => {
        while (sent < upTo) {
          const some = records.slice(sent, Math.min(upTo, sent + 25));
          await log.append(topic, some);
          sent += some.length;
          await sleep(60);
        }
      };
      for (let kill = 0; kill < kills; kill++) {
        const sending = send(Math.floor((records.length * (kill + 1)) / kills));
        await sleep(mix(seed, kill, 1) % 2_000);
        const victim = mix(seed, kill, 2) % members.length;
        members[victim].child.kill("SIGKILL");
        await members[victim].outcome;
        if (kill % 5 === 2) {
          broker.kill();
          await sleep(500 + (mix(seed, kill, 3) % 2_000));
          await broker.startAgain();
        }
        // A third one joins now and then, and one leaves.
        members[victim] = processor("chaos");
        if (kill % 3 === 1) members.push(processor("chaos"));
        else if (members.length > 2) await stop(members.splice(mix(seed, kill, 4) % members.length, 1));
        await sending;
      }
      await caughtUp("chaos", members);
      await stop(members);
      members = [processor("calm")];
      await caughtUp("calm", members);
      await stop(members);
      const [disturbed, calm] = [
        await publishedRecords(log, outputs("chaos")),
        await publishedRecords(log, outputs("calm")),
      ];
      const count = (name: string) =>
        Object.entries(calm).reduce((sum, [key, list]) => sum + (key.startsWith(name) ? list.length : 0), 0);
      expect(count("outcomes")).toBeGreaterThan(records.length / 2);
      expect(count("late")).toBeGreaterThan(0);
      expect(count("deadLetters")).toBeGreaterThan(0);
      expect(count("windows")).toBeGreaterThan(20);
      expect(disturbed).toEqual(calm);
    },
    600_000 + 30_000 * kills,
  );
});
