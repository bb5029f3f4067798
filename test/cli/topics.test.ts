/** `ncf topics` on a real Kafka, the broker that `NCF_KAFKA` (HOST:PORT) names. */
import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { KafkaInteractionLog } from "../../src/adapters/kafka/kafka-interaction-log.ts";
import { ncf } from "./ncf.ts";

const broker = process.env.NCF_KAFKA || undefined;
const skipped = broker === undefined ? " (set NCF_KAFKA to a broker's HOST:PORT)" : "";

describe("ncf topics create", () => {
  it("says what is missing", async () => {
    const { code, stderr } = await ncf(["topics", "create"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/expected --brokers HOST:PORT/);
    expect(await ncf(["topics", "create", "--partitions", "2", "--input", "x"])).toMatchObject({ code: 2 });
  });

  it.skipIf(broker === undefined)(`makes topics, and says what was there${skipped}`, async () => {
    const prefix = `t${randomUUID().slice(0, 8)}.`;
    const create = (...more: string[]) =>
      ncf(["topics", "create", "--brokers", broker ?? "", "--topic-prefix", prefix, ...more]);
    const first = await create("--late-topic", `${prefix}too-late`, "--partitions", "2", "--replication-factor", "1");
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout.split("\n")).toContain(`${prefix}interactions       made, 2 partitions`);
    expect(first.stdout.split("\n")).toContain(`${prefix}hit-ratio-windows  made, 1 partition`);

    const { stdout } = await create("--late-topic", `${prefix}too-late`, "--partitions", "2", "--json");
    const { topics } = JSON.parse(stdout) as { topics: { topic: string; made: boolean }[] };
    expect(topics.every(({ made }) => !made)).toBe(true);
    expect(topics.map(({ topic }) => topic)).toContain(`${prefix}too-late`);

    const changing = await create("--partitions", "3");
    expect(changing.code).toBe(1);
    expect(changing.stderr).toMatch(/expected 3 partitions, found 2.*go on with 2, or rebuild/);

    const own = await create("--input", `${prefix}interactions`, "--json", "--outcomes-topic", `${prefix}mine`);
    expect(JSON.parse(own.stdout)).toMatchObject({
      topics: [{ topic: `${prefix}mine`, partitions: 2, made: true }, {}, {}, {}, {}, {}],
    });

    const log = await KafkaInteractionLog.open({ brokers: [broker ?? ""] });
    await log.append(`${prefix}interactions`, [{ key: "1", value: new Uint8Array(1), timestampMs: 0 }]);
    const batches = await Promise.all([0, 1].map((partition) => log.read(`${prefix}interactions`, partition, 0, 9)));
    await log.close();
    expect(batches.flatMap(({ records }) => records)[0].timestampMs).toBeGreaterThan(Date.now() - 60_000);
  });
});
