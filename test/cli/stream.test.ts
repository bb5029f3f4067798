/** `ncf stream` and the worker beside it on a real Kafka, the broker that `NCF_KAFKA` (HOST:PORT) names. */
import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KafkaInteractionLog } from "../../src/adapters/kafka/kafka-interaction-log.ts";
import { chaosRecords } from "../chaos/events.ts";
import { ncf, startNcf } from "./ncf.ts";

const broker = process.env.NCF_KAFKA ?? "";
const skipped = broker === "" ? " (set NCF_KAFKA to a broker's HOST:PORT)" : "";
const hourMs = 3_600_000;

describe("ncf stream", () => {
  it("says what is missing", async () => {
    expect(await ncf(["stream", "--registry", "x"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("expected --brokers HOST:PORT"),
    });
    expect(await ncf(["stream", "--brokers", "a:1"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("expected --registry DIR"),
    });
    expect((await ncf(["stream", "--brokers", "a:1", "--registry", "x", "--from", "yesterday"])).stderr).toMatch(
      /earliest, latest, or a time such as/,
    );
  });
});

describe.skipIf(broker === "")(`ncf stream on Kafka${skipped}`, () => {
  let folder: string;
  const at = (name: string) => path.join(folder, name);
  const prefix = `s${randomUUID().slice(0, 8)}.`;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "ncf-stream-"));
    const size = ["--users", "120", "--movies", "400", "--ratings", "6000", "--seed", "7"];
    expect(await ncf(["generate", ...size, "--out", at("data")])).toMatchObject({ code: 0 });
    const models = ["--models", "mf", "--epochs", "1", "--threads", "1", "--publish"];
    expect(await ncf(["run", "--dataset", at("data"), ...models, "--out", at("out")])).toMatchObject({ code: 0 });
  });
  afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

  it("tests, reports, asks for a training, tests what comes of it beside the champion and promotes it", async () => {
    expect(await ncf(["topics", "create", "--brokers", broker, "--topic-prefix", prefix])).toMatchObject({ code: 0 });
    const log = await KafkaInteractionLog.open({ brokers: [broker] });
    const movies = (await readFile(at("data/movies.csv"), "utf8")).trim().split("\n").slice(1);
    const records = chaosRecords({
      count: 1000,
      startMs: Math.floor(Date.now() / hourMs) * hourMs - 30 * hourMs,
      stepMs: hourMs / 50,
      graceMs: hourMs / 6,
      users: 130,
      items: movies.map((line) => line.split(",")[0]),
      seed: 3,
    });
    const send = (from: number, to: number) => log.append(`${prefix}interactions`, records.slice(from, to));
    const args = ["stream", "--brokers", broker, "--topic-prefix", prefix, "--group", `${prefix}g`];
    const window = ["--window", "1h", "--grace", "10m", "--registry", at("out/registry"), "--port", "0"];
    const pace = ["--commit-interval", "50", "--idle-timeout", "2s", "--session-timeout", "6000"];
    const training = ["--jobs", at("jobs"), "--train-windows", "5", "--keep-interval", "1s"];
    // Few events, so a rule that asks for few; by such a margin all are promoted.
    const rule = ["--promotion-events", "100", "--promotion-users", "20", "--promotion-margin", "100%"];
    const { child, outcome, stderrHas } = startNcf([...args, ...window, ...pace, ...training, ...rule]);
    let url = "";
    child.stderr?.on("data", (chunk) => {
      url ||= /(http:\S+)\/health/.exec(String(chunk))?.[1] ?? "";
    });
    await send(0, 600);
    await stderrHas("(window): ncf worker does it");
    const health = (await (await fetch(`${url}/health`)).json()) as object;
    expect(health).toEqual({
      status: "ok",
      group: `${prefix}g`,
      partitions: [0, 1, 2, 3],
      foldsWindows: true,
      waiting: [],
    });
    expect((await fetch(`${url}/ready`)).status).toBe(200);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toMatch(/ncf_stream_records_total\{kind="tested"\} [1-9]/);
    expect(metrics).toMatch(/ncf_stream_records_total\{kind="deadLetters"\} [1-9]/);
    expect(metrics).toMatch(/ncf_stream_lag_records\{partition="3"\} \d/);
    expect(metrics).toContain("process_resident_memory_bytes");

    const worked = await ncf(["worker", "--registry", at("out/registry"), "--jobs", at("jobs"), "--once"]);
    expect(worked, worked.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining("1 trained") });
    await stderrHas("is tested beside");
    await send(600, records.length);
    await stderrHas("is in force from");
    child.kill("SIGTERM");
    const { code, stdout, stderr } = await outcome;
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("all that was read is committed");
    expect(stdout.trim().split("\n").length).toBeGreaterThan(5);

    let paired = 0;
    for (let offset = 0; ; ) {
      const { records: reports, nextOffset } = await log.read(`${prefix}hit-ratio-windows`, 0, offset, 1000);
      for (const { value } of reports) {
        const { challenger } = JSON.parse(new TextDecoder().decode(value ?? new Uint8Array()));
        paired += challenger?.cases ?? 0;
      }
      if (nextOffset <= offset) break;
      offset = nextOffset;
    }
    expect(paired).toBeGreaterThanOrEqual(100);
    await log.close();

    const other = await ncf([...args, ...window, "--seed", "5"]);
    expect(other).toMatchObject({ code: 1, stderr: expect.stringMatching(/seed 1, not 5.*new group/s) });
  }, 120_000);
});
