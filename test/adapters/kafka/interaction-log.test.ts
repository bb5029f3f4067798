/** The log on a real Kafka, the broker that `NCF_KAFKA` (HOST:PORT) names; scripts/start-kafka.sh starts one. */
import { randomUUID } from "node:crypto";
import kafkajs from "kafkajs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { KafkaLogEntry } from "../../../src/adapters/kafka/kafka-connection.ts";
import { KafkaInteractionLog } from "../../../src/adapters/kafka/kafka-interaction-log.ts";
import { partitionOfKey } from "../../../src/core/murmur2.ts";
import { testInteractionLog } from "../../conformance/interaction-log.ts";

const broker = process.env.NCF_KAFKA || undefined;
const brokers = [broker ?? ""];
const noBroker = "set NCF_KAFKA to a broker's HOST:PORT; scripts/start-kafka.sh starts one";

if (broker === undefined && process.env.CI_REQUIRE_SERVICES === "1") {
  it("finds a Kafka, as CI_REQUIRE_SERVICES=1 demands", () => expect.fail(noBroker));
}

describe.skipIf(broker === undefined)(`on Kafka${broker === undefined ? ` (${noBroker})` : ""}`, () => {
  testInteractionLog("kafka", async () => ({ log: await KafkaInteractionLog.open({ brokers }) }));

  describe("beside other clients", () => {
    let log: KafkaInteractionLog;
    let topic: string;
    const value = (text: string) => new TextEncoder().encode(text);
    const { logLevel, Kafka, Partitioners } = kafkajs;

    beforeEach(async () => {
      log = await KafkaInteractionLog.open({ brokers });
      topic = `interactions-${randomUUID()}`;
      await log.createTopic(topic, 1);
    });
    afterEach(() => log.close());

    it("ends before a transaction that is open, and skips it once it is aborted", async () => {
      const transactionalId = `p-${randomUUID()}`;
      const other = new Kafka({ brokers, logLevel: logLevel.NOTHING }).producer({
        transactionalId,
        idempotent: true,
        maxInFlightRequests: 1,
        createPartitioner: Partitioners.DefaultPartitioner,
      });
      await other.connect();
      try {
        await log.append(topic, [{ key: "k", value: value("before") }]);
        const end = await log.endOffset(topic, 0);
        const transaction = await other.transaction();
        await transaction.send({ topic, messages: ["a", "b", "c"].map((text) => ({ key: "k", value: text })) });
        await log.append(topic, [{ key: "k", value: value("after") }]);
        expect(await log.endOffset(topic, 0)).toBe(end);
        expect(await log.read(topic, 0, end, 10)).toEqual({ records: [], nextOffset: end });
        expect(await log.waitForRecords(topic, 0, end, { timeoutMs: 50 })).toBe(false);

        await (await log.openProducer(transactionalId)).close();
        expect(await log.waitForRecords(topic, 0, end, { timeoutMs: 20_000 })).toBe(true);
        const { records, nextOffset } = await log.read(topic, 0, 0, 10);
        expect(records.map((record) => record.value && new TextDecoder().decode(record.value))).toEqual([
          "before",
          "after",
        ]);
        expect(nextOffset).toBe(await log.endOffset(topic, 0));
        expect(records[1].offset).toBe(end + 3);
      } finally {
        await other.disconnect();
      }
    });

    it("takes more in one append or commit than a broker takes in one batch", async () => {
      const large = Array.from({ length: 25 }, (_, i) => ({ key: `${i}`, value: new Uint8Array(700_000).fill(i) }));
      await log.append(topic, large);
      const producer = await log.openProducer(`p-${randomUUID()}`);
      await producer.commit({ records: large.map((record) => ({ topic, ...record })), offsets: [] });
      const { records } = await log.read(topic, 0, 0, 100);
      expect(records.map(({ key }) => key)).toEqual([...large, ...large].map(({ key }) => key));
      expect(records.every(({ key, value }) => value?.length === 700_000 && value.at(-1) === Number(key))).toBe(true);
    });

    it("places keys as kafkajs does", () => {
      const place = Partitioners.DefaultPartitioner();
      const partitionMetadata = [0, 1, 2, 3, 4, 5, 6].map((partitionId) => ({
        partitionId,
        partitionErrorCode: 0,
        leader: 1,
        replicas: [1],
        isr: [1],
      }));
      for (const key of ["", "1", "user 17", "größe 🎬", "x".repeat(1000)]) {
        expect(partitionOfKey(key, 7)).toBe(place({ topic, partitionMetadata, message: { key, value: null } }));
      }
    });
  });

  it("says so when no broker answers, and hands on what kafkajs logs", async () => {
    const entries: KafkaLogEntry[] = [];
    const options = { brokers: ["127.0.0.1:1"], retryMs: 100, onLog: (entry: KafkaLogEntry) => entries.push(entry) };
    const opening = KafkaInteractionLog.open(options);
    await expect(opening).rejects.toMatchObject({ code: "LOG_UNAVAILABLE", retriable: true });
    expect(entries.some(({ level, message }) => level === "error" && message.includes("127.0.0.1:1"))).toBe(true);
  });
});
