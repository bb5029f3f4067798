/** `ncf replay --brokers` on a real Kafka, the broker that `NCF_KAFKA` (HOST:PORT) names. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { KafkaInteractionLog } from "../../src/adapters/kafka/kafka-interaction-log.ts";
import { committedRecords } from "../../src/app/stream/committed-records.ts";
import { decodeRecord, type InteractionEvent } from "../../src/streaming/interaction-event.ts";
import { ncf, startNcf } from "./ncf.ts";

const broker = process.env.NCF_KAFKA || undefined;
const skipped = broker === undefined ? " (set NCF_KAFKA to a broker's HOST:PORT)" : "";
const ratings = 6000;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ncf-send-"));
  const size = ["--users", "120", "--movies", "400", "--ratings", String(ratings), "--seed", "7"];
  expect(await ncf(["generate", ...size, "--out", path.join(folder, "data")])).toMatchObject({ code: 0 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("ncf replay", () => {
  it.each([
    [["--brokers", "127.0.0.1:9", "--out", "x"], /'--brokers <list>' cannot be used with option '--out/],
    [["--brokers", "127.0.0.1:9", "--window", "1d"], /cannot be used with option '--window/],
    [["--brokers", "127.0.0.1:9", "--speed", "fast"], /Expected max/],
    [["--out", "x", "--speed", "10x"], /expected --brokers with --speed/],
    [[], /expected --out DIR/],
  ])("refuses %j", async (words, message) => {
    const { code, stderr } = await ncf(["replay", path.join(folder, "data"), ...words]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it("does not let a variable turn a test into sending", async () => {
    const words = ["replay", path.join(folder, "data"), "--out", path.join(folder, "out"), "--before", "0"];
    const { stderr } = await ncf(words, { NCF_KAFKA_BROKERS: "127.0.0.1:9" });
    expect(stderr).toMatch(/expected --before above 0/);
  });
});

describe.skipIf(broker === undefined)(`ncf replay --brokers${skipped}`, () => {
  let log: KafkaInteractionLog;
  let topic: string;

  beforeEach(async () => {
    log = await KafkaInteractionLog.open({ brokers: [broker ?? ""] });
    topic = `interactions-${randomUUID()}`;
    await log.createTopic(topic, 3, { timestamps: "append" });
  });
  afterEach(() => log.close());

  const words = (...more: string[]) => [
    ...["replay", path.join(folder, "data"), "--brokers", broker ?? "", "--topic", topic, "--before", "0", ...more],
  ];

  async function sent(): Promise<InteractionEvent[][]> {
    const read = async (partition: number) => {
      const stretch = { from: 0, to: await log.endOffset(topic, partition), atOnce: 1000 };
      const events: InteractionEvent[] = [];
      for await (const { key, value } of committedRecords(log, { topic, partition }, stretch)) {
        const decoded = decodeRecord(value);
        if (decoded.kind !== "event") throw new Error(`expected events alone, found ${decoded.kind}`);
        expect(key).toBe(decoded.event.userText);
        events.push(decoded.event);
      }
      return events;
    };
    return Promise.all([0, 1, 2].map(read));
  }

  it("goes on where kill -9 stopped it, each event once and in order of time", async () => {
    // Kills a few seconds into about ten.
    for (const delayMs of [0, 700]) {
      const running = startNcf(words("--speed", "30000000x"));
      while ((await sent()).flat().length === 0) await sleep(50);
      await sleep(delayMs);
      running.child.kill("SIGKILL");
      await running.outcome;
    }
    const before = (await sent()).flat().length;
    expect(before).toBeLessThan(ratings);

    const { code, stdout, stderr } = await ncf(words("--json"));
    expect(code, stderr).toBe(0);
    const result = JSON.parse(stdout) as { events: number; sentBefore: number; sent: number };
    expect(result).toMatchObject({ topic, generated: true, events: ratings, sent: ratings - result.sentBefore });
    // What was under way when the last one was killed became whole or void.
    expect(result.sentBefore).toBeGreaterThanOrEqual(before);
    const partitions = await sent();
    const ids = partitions.flat().map(({ eventId }) => eventId);
    expect(ids).toHaveLength(ratings);
    expect(new Set(ids).size).toBe(ratings);
    for (const events of partitions) {
      for (let i = 1; i < events.length; i++) {
        expect(events[i].timestampMs).toBeGreaterThanOrEqual(events[i - 1].timestampMs);
      }
    }
    const again = await ncf(words());
    expect(again.stdout).toMatch(/all 6,000 events since .* had been sent to .* before/);
    expect((await sent()).flat()).toHaveLength(ratings);
  });

  it("ends with 130 on Ctrl-C, saying how to go on, and names a topic that is not there", async () => {
    const running = startNcf(words("--speed", "1x"));
    await running.stderrHas("Sending");
    running.child.kill("SIGINT");
    const { code, stderr } = await running.outcome;
    expect(code).toBe(130);
    expect(stderr).toMatch(/the same command goes on from here/);
    const elsewhere = await ncf(words("--topic", "none-of-these"));
    expect(elsewhere).toMatchObject({ code: 1 });
    expect(elsewhere.stderr).toMatch(/expected topic none-of-these/);
  });
});
