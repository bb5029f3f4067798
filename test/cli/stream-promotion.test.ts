/**
 * The loop closed on a real Kafka (the broker that `NCF_KAFKA` names as HOST:PORT), with the promotion rule's own sizes: two
 * processors, one of which is killed, a worker, and made-up ratings sent by `ncf replay`. Each part of the ratings ends in the middle of a window, so
 * that where a version comes into force does not hang on which processor is ahead.
 */
import { randomUUID } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KafkaInteractionLog } from "../../src/adapters/kafka/kafka-interaction-log.ts";
import { FileJobQueue } from "../../src/adapters/local/file-job-queue.ts";
import { committedRecords } from "../../src/app/stream/committed-records.ts";
import { type ModelUpdate, modelUpdateSchema } from "../../src/app/stream/model-updates.ts";
import { decodeJson } from "../../src/core/json.ts";
import type { Outcome as TestedEvent } from "../../src/streaming/outcome.ts";
import { promotionDefaults } from "../../src/streaming/promotion-rule.ts";
import { type WindowReport, windowReportSchema } from "../../src/streaming/window-report.ts";
import { ncf, type RunningCommand, startNcf } from "./ncf.ts";

const broker = process.env.NCF_KAFKA ?? "";
const skipped = broker === "" ? " (set NCF_KAFKA to a broker's HOST:PORT)" : "";
const partitions = 4;
const windowDays = 240;
const windowMs = windowDays * 86_400_000;
/** Start of the n-th window of the stream. */
const start = (n: number): number => Date.UTC(2012, 0, 21) + n * windowMs;
/** What the parts of the ratings end before. The stream begins after the base, and its challenger with window 4. */
const parts = { base: start(0.5), toLearn: start(3.5), toTest: start(7.5), promoted: start(8.5), back: Infinity };

describe.skipIf(broker === "")(`the loop on Kafka${skipped}`, () => {
  let folder: string;
  const at = (name: string) => path.join(folder, name);
  const prefix = `l${randomUUID().slice(0, 8)}.`;
  const group = `${prefix}g`;
  const topic = (name: string) => `${prefix}${name}`;
  const counts: Partial<Record<keyof typeof parts, number>> = {};
  const members: RunningCommand[] = [];
  let log: KafkaInteractionLog;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "ncf-loop-"));
    log = await KafkaInteractionLog.open({ brokers: [broker] });
    const size = ["--users", "3000", "--movies", "400", "--ratings", "48000", "--seed", "7"];
    expect(await ncf(["generate", ...size, "--out", at("data")])).toMatchObject({ code: 0 });
    await writeParts();
    const models = ["--models", "mf", "--epochs", "1", "--threads", "1", "--publish"];
    expect(await ncf(["run", "--dataset", at("base"), ...models, "--out", at("out")])).toMatchObject({ code: 0 });
  }, 120_000);

  afterAll(async () => {
    for (const { child } of members) child.kill("SIGKILL");
    await log.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  async function writeParts(): Promise<void> {
    const [header, ...rows] = (await readFile(at("data/ratings.csv"), "utf8")).trim().split("\n");
    let fromMs = -Infinity;
    for (const [name, toMs] of Object.entries(parts)) {
      const timeMs = (row: string): number => 1000 * Number(row.split(",")[3]);
      const own = rows.filter((row) => timeMs(row) >= fromMs && timeMs(row) < toMs);
      await mkdir(at(name));
      await copyFile(at("data/movies.csv"), at(`${name}/movies.csv`));
      await writeFile(at(`${name}/ratings.csv`), `${[header, ...own].join("\n")}\n`);
      counts[name as keyof typeof parts] = own.length;
      fromMs = toMs;
    }
  }

  function startMember(): void {
    const place = ["--brokers", broker, "--topic-prefix", prefix, "--group", group, "--port", "0"];
    const stores = ["--registry", at("out/registry"), "--jobs", at("jobs")];
    const window = ["--window", `${windowDays}d`, "--commit-interval", "50", "--session-timeout", "6000"];
    const looks = ["--keep-interval", "1s", "--registry-interval", "1s"];
    const training = ["--train-every", String(counts.toLearn)];
    members.push(startNcf(["stream", ...place, ...stores, ...window, ...looks, ...training]));
  }

  const send = async (part: keyof typeof parts): Promise<void> => {
    const to = ["--brokers", broker, "--topic", topic("interactions"), "--before", "0"];
    const { code, stdout, stderr } = await ncf(["replay", at(part), ...to, "--json"]);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout).sent).toBe(counts[part]);
  };

  async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
    for (const deadlineMs = Date.now() + 90_000; !(await holds()); await sleep(100)) {
      const ended = members.find(({ child }) => child.exitCode !== null);
      if (ended !== undefined) expect.fail(`a processor ended: ${(await ended.outcome).stderr}`);
      if (Date.now() > deadlineMs) expect.fail(`waited for ${what} in vain`);
    }
  }

  /** All events sent so far are tested. */
  async function isRead(): Promise<boolean> {
    for (let partition = 0; partition < partitions; partition++) {
      const { offset } = (await log.committed(group, topic("interactions"), partition)) ?? { offset: 0 };
      if ((await log.read(topic("interactions"), partition, offset, 1)).records.length > 0) return false;
    }
    return true;
  }

  async function valuesOf(name: string, partition = 0): Promise<unknown[]> {
    const values: unknown[] = [];
    const stretch = { from: 0, to: await log.endOffset(topic(name), partition), atOnce: 1000 };
    for await (const { value } of committedRecords(log, { topic: topic(name), partition }, stretch)) {
      values.push(decodeJson(value ?? new Uint8Array()));
    }
    return values;
  }

  const updates = async (): Promise<ModelUpdate[]> =>
    (await valuesOf("model-updates")).map((value) => modelUpdateSchema.parse(value));
  const says = (update: ModelUpdate) => async () =>
    (await updates()).some((found) => JSON.stringify(found) === JSON.stringify(update));

  async function latestReports(): Promise<Map<number, WindowReport>> {
    const reports = (await valuesOf("hit-ratio-windows")).map((value) => windowReportSchema.parse(value));
    return new Map(reports.map((report) => [report.startMs, report]));
  }

  const models = async (...words: string[]) => {
    const { code, stdout, stderr } = await ncf(["models", ...words, "--registry", at("out/registry"), "--json"]);
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout);
  };

  it("trains a challenger, promotes it at a window's start ahead of all partitions, and takes a rollback up", async () => {
    expect(await ncf(["topics", "create", "--brokers", broker, "--topic-prefix", prefix])).toMatchObject({ code: 0 });
    const first: string = (await models("list")).champion.version;
    startMember();
    startMember();

    await send("toLearn");
    const queue = new FileJobQueue(at("jobs"), { maxReceives: 3 });
    await until("a training request", async () => (await queue.counts()).ready === 1);
    const worked = await ncf(["worker", "--registry", at("out/registry"), "--jobs", at("jobs"), "--once"]);
    expect(worked, worked.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining("1 trained") });
    const tuned: string = (await models("list")).versions.at(-1).version;
    expect(tuned).not.toBe(first);
    const tested: ModelUpdate = { kind: "challenger", version: tuned, fromMs: start(4) };
    await until("the challenger", says(tested));

    await send("toTest");
    // In the middle of the trial, a processor dies.
    const [killed] = members.splice(0, 1);
    killed.child.kill("SIGKILL");
    startMember();
    const promoted: ModelUpdate = { kind: "champion", version: tuned, fromMs: start(8) };
    await until("the promotion", says(promoted));
    expect((await models("list")).champion).toMatchObject({ version: tuned, previous: first, revision: 2 });

    await send("promoted");
    await until("the events under the new version", isRead);
    expect(await models("rollback")).toMatchObject({ version: first, revision: 3 });
    const back: ModelUpdate = { kind: "champion", version: first, fromMs: start(9) };
    await until("the rollback", says(back));
    await send("back");
    await until("the events under the old version", isRead);
    await until("the last window", async () => (await latestReports()).get(start(9))?.final === true);
    expect(await updates()).toEqual([tested, promoted, { ...tested, version: null, fromMs: start(8) }, back]);

    const inForce = (timeMs: number): string => (timeMs >= start(8) && timeMs < start(9) ? tuned : first);
    let paired = 0;
    for (let partition = 0; partition < partitions; partition++) {
      for (const value of await valuesOf("outcomes", partition)) {
        const { version, timestampMs, challenger } = value as TestedEvent;
        expect(version).toBe(inForce(timestampMs));
        expect(challenger === null || (timestampMs >= start(4) && timestampMs < start(8))).toBe(true);
        if (challenger !== null && timestampMs < start(7)) paired += 1;
      }
    }
    expect(paired).toBeGreaterThanOrEqual(promotionDefaults.leastCases);
    const reports = await latestReports();
    for (let n = 1; n < 10; n++) {
      const { final, cases, versions, challenger } = reports.get(start(n)) ?? expect.fail(`no window ${n}`);
      expect({ final, versions }).toEqual({ final: true, versions: { [inForce(start(n))]: cases } });
      expect(challenger?.version).toBe(n >= 4 && n < 8 ? tuned : undefined);
    }

    for (const { child } of members) child.kill("SIGTERM");
    for (const { outcome } of members) expect((await outcome).code).toBe(0);
  }, 300_000);
});
