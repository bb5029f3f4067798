/** Topics whose records the broker compresses, with the code of Java's producers: what other programs write. */
import { randomUUID } from "node:crypto";
import zlib from "node:zlib";
import kafkajs from "kafkajs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCompressedBatches } from "../../../src/adapters/kafka/compressed-batches.ts";
import { KafkaInteractionLog } from "../../../src/adapters/kafka/kafka-interaction-log.ts";
import { ncf } from "../../cli/ncf.ts";

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;
const broker = process.env.NCF_KAFKA || undefined;
const skipped = broker === undefined ? " (set NCF_KAFKA to a broker's HOST:PORT)" : "";
const hasZstd = "zstdDecompress" in zlib;
const count = 20_000;

const unpacked = "expected bytes, found them. ".repeat(20);

describe("a compressed batch", () => {
  const types = {
    gzip: CompressionTypes.GZIP,
    snappy: CompressionTypes.Snappy,
    lz4: CompressionTypes.LZ4,
  } as const;
  const decompress = (type: keyof typeof CompressionCodecs, batch: Buffer): Promise<Buffer> =>
    CompressionCodecs[type]().decompress(batch);

  it.each(Object.entries(types))("of %s that is damaged says so", async (name, type) => {
    readCompressedBatches();
    await expect(decompress(type, Buffer.from("no such thing"))).rejects.toMatchObject({
      code: "BATCH_DAMAGED",
      message: expect.stringContaining(`compressed with ${name}`),
    });
  });

  it("that unpacks to more than the memory may hold is refused", async () => {
    readCompressedBatches();
    const bomb = zlib.gzipSync(Buffer.alloc(300 * 1024 * 1024), { level: 1 });
    await expect(decompress(CompressionTypes.GZIP, bomb)).rejects.toMatchObject({ code: "BATCH_DAMAGED" });
    expect((await decompress(CompressionTypes.GZIP, zlib.gzipSync(unpacked))).toString()).toBe(unpacked);
  });

  it.runIf(!hasZstd)("of zstd says which Node it takes", async () => {
    readCompressedBatches();
    await expect(decompress(CompressionTypes.ZSTD, Buffer.alloc(10))).rejects.toMatchObject({
      code: "COMPRESSION_UNSUPPORTED",
      message: expect.stringMatching(/expected Node 22\.15 or newer .* found v\d.*gzip, snappy or lz4/),
    });
  });
});

describe.skipIf(broker === undefined)(`a topic on Kafka${skipped}`, () => {
  const brokers = [broker ?? ""];
  let log: KafkaInteractionLog;
  beforeAll(async () => {
    log = await KafkaInteractionLog.open({ brokers });
  });
  afterAll(() => log.close());

  async function compressedTopic(compression: string): Promise<string> {
    const topic = `${compression}-${randomUUID()}`;
    const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.createTopics({
      waitForLeaders: false,
      topics: [
        {
          topic,
          configEntries: [
            { name: "compression.type", value: compression },
            // The records are old: by default they would be removed soon.
            { name: "retention.ms", value: "-1" },
          ],
        },
      ],
    });
    await admin.disconnect();
    // Waits until the brokers know it.
    await log.createTopic(topic, 1);
    const record = (i: number) => {
      const event = { userId: `u${i % 97}`, itemId: `${i % 1000}`, timestampMs: 1_700_000_000_000 + i };
      return {
        key: event.userId,
        value: new TextEncoder().encode(JSON.stringify(event)),
        timestampMs: event.timestampMs,
      };
    };
    for (let i = 0; i < count; i += 4000) {
      await log.append(
        topic,
        Array.from({ length: 4000 }, (_, j) => record(i + j)),
      );
    }
    return topic;
  }

  const compressions = [
    ["gzip", CompressionTypes.GZIP],
    ["snappy", CompressionTypes.Snappy],
    ["lz4", CompressionTypes.LZ4],
    ...(hasZstd ? [["zstd", CompressionTypes.ZSTD] as const] : []),
  ] as const;

  it.each(compressions)("compressed with %s is read, and inspected", async (compression, type) => {
    const topic = await compressedTopic(compression);
    const codec = CompressionCodecs[type]();
    let batches = 0;
    CompressionCodecs[type] = () => ({
      decompress: (batch: Buffer) => {
        batches += 1;
        return codec.decompress(batch);
      },
    });
    const end = await log.endOffset(topic, 0);
    let offset = 0;
    const items: string[] = [];
    while (offset < end) {
      const { records, nextOffset } = await log.read(topic, 0, offset, 1500);
      for (const { value } of records) items.push(JSON.parse(new TextDecoder().decode(value ?? undefined)).itemId);
      offset = nextOffset;
    }
    readCompressedBatches();
    expect(batches).toBeGreaterThan(0);
    expect(items).toEqual(Array.from({ length: count }, (_, i) => `${i % 1000}`));

    const { code, stdout, stderr } = await ncf([
      "stream",
      "inspect",
      "--brokers",
      brokers[0],
      "--topic",
      topic,
      "--json",
    ]);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ statistics: { events: count, invalid: 0, keyedByUser: true } });
  });

  it.runIf(!hasZstd)(
    "compressed with zstd, which this Node cannot unpack, ends a command with what to do",
    async () => {
      const topic = await compressedTopic("zstd");
      const { code, stderr } = await ncf(["stream", "inspect", "--brokers", brokers[0], "--topic", topic]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^ncf: expected Node 22\.15 or newer[^\n]*\n$/);
    },
  );
});
