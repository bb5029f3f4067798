/** What every interaction log must do. */
import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { partitionOfKey } from "../../src/core/murmur2.ts";
import {
  type InteractionLog,
  type LogRecord,
  maxMetadataBytes,
  maxRecordBytes,
} from "../../src/ports/interaction-log.ts";

export function testInteractionLog(
  title: string,
  make: () => Promise<{ log: InteractionLog; close?: () => Promise<void> }>,
): void {
  describe(`${title}: interaction log`, () => {
    let log: InteractionLog;
    let close: (() => Promise<void>) | undefined;
    // A broker keeps what earlier tests left, so names are new for each test.
    let unique: (name: string) => string;

    beforeEach(async () => {
      const run = randomUUID().slice(0, 8);
      unique = (name) => `${name}-${run}`;
      ({ log, close } = await make());
    });
    afterEach(async () => {
      await log.close();
      await close?.();
    });

    const bytes = (text: string) => new TextEncoder().encode(text);
    const text = (value: Uint8Array | null) => (value === null ? null : new TextDecoder().decode(value));
    const keyed = (key: string, value: string) => ({ key, value: bytes(value) });

    async function topicOf(name: string, partitions: number): Promise<string> {
      const topic = unique(name);
      await log.createTopic(topic, partitions);
      return topic;
    }

    async function readAll(topic: string, partition: number, maxRecords = 100): Promise<LogRecord[]> {
      const records: LogRecord[] = [];
      let next = await log.startOffset(topic, partition);
      while (next < (await log.endOffset(topic, partition))) {
        const batch = await log.read(topic, partition, next, maxRecords);
        expect(batch.records.length).toBeLessThanOrEqual(maxRecords);
        expect(batch.nextOffset).toBeGreaterThan(batch.records.at(-1)?.offset ?? next);
        records.push(...batch.records);
        next = batch.nextOffset;
      }
      return records;
    }

    const valuesOf = async (topic: string, partition: number) =>
      (await readAll(topic, partition)).map(({ value }) => text(value));

    describe("topics", () => {
      it("are made once, however often they are asked for", async () => {
        const topic = unique("interactions");
        const made = await Promise.all([1, 2, 3].map(() => log.createTopic(topic, 3)));
        expect(made.filter((now) => now)).toHaveLength(1);
        await log.append(topic, [keyed("1", "a")]);
        expect(await log.createTopic(topic, 3, { timestamps: "append" })).toBe(false);
        expect(await log.partitions(topic)).toBe(3);
        expect(await readAll(topic, partitionOfKey("1", 3))).toHaveLength(1);
      });

      it("keep their number of partitions, and the refusal names the way out", async () => {
        const topic = await topicOf("interactions", 3);
        const changing = log.createTopic(topic, 4);
        await expect(changing).rejects.toMatchObject({ code: "PARTITION_COUNT_CHANGED" });
        await expect(changing).rejects.toThrow(/expected 4 partitions, found 3.*replay/);
        expect(await log.partitions(topic)).toBe(3);
      });

      it.each([
        ["", 1],
        ["a/b", 1],
        ["..", 1],
        ["x".repeat(250), 1],
        ["interactions", 0],
        ["interactions", 1.5],
      ])("are refused under the name %j with %d partitions", async (topic, partitions) => {
        await expect(log.createTopic(topic, partitions)).rejects.toMatchObject({ code: "TOPIC_INVALID" });
      });

      it("that are not there are named, beside those that are", async () => {
        const [known, unknown] = [await topicOf("known", 1), unique("unknown")];
        const asking = log.partitions(unknown);
        await expect(asking).rejects.toMatchObject({ code: "TOPIC_UNKNOWN" });
        await expect(asking).rejects.toThrow(known);
        for (const call of [
          log.append(unknown, [keyed("1", "a")]),
          log.read(unknown, 0, 0, 1),
          log.endOffset(unknown, 0),
          log.waitForRecords(unknown, 0, 0, { timeoutMs: 10 }),
        ]) {
          await expect(call).rejects.toMatchObject({ code: "TOPIC_UNKNOWN" });
        }
      });

      it("have the partitions that they have", async () => {
        const topic = await topicOf("interactions", 2);
        for (const partition of [-1, 2, 0.5]) {
          await expect(log.read(topic, partition, 0, 1)).rejects.toMatchObject({ code: "PARTITION_UNKNOWN" });
          await expect(log.endOffset(topic, partition)).rejects.toMatchObject({ code: "PARTITION_UNKNOWN" });
        }
      });
    });

    describe("records", () => {
      it("come back as they were: keys, values, times, and nulls apart from empty ones", async () => {
        const topic = await topicOf("interactions", 1);
        const before = Date.now();
        await log.append(topic, [
          { key: "größe 🎬", value: Uint8Array.of(0, 255, 10), timestampMs: 1_500_000_000_123 },
          { key: "", value: new Uint8Array(0), timestampMs: 0 },
          { key: null, value: null, timestampMs: 7 },
          { key: null, value: bytes("now") },
        ]);
        const [first, second, third, fourth] = await readAll(topic, 0);
        expect(first).toMatchObject({ key: "größe 🎬", timestampMs: 1_500_000_000_123 });
        expect([...(first.value ?? [])]).toEqual([0, 255, 10]);
        expect(second).toMatchObject({ key: "", timestampMs: 0 });
        expect(second.value).toHaveLength(0);
        expect(third).toMatchObject({ key: null, value: null, timestampMs: 7 });
        expect(fourth.timestampMs).toBeGreaterThanOrEqual(before - 1000);
        expect(fourth.timestampMs).toBeLessThanOrEqual(Date.now() + 1000);
      });

      it("have the log's own time in a topic of append times, whatever their producer says", async () => {
        const topic = unique("interactions");
        expect(await log.createTopic(topic, 1, { timestamps: "append" })).toBe(true);
        const before = Date.now();
        await log.append(topic, [{ ...keyed("1", "a"), timestampMs: 0 }]);
        await log.append(topic, [keyed("1", "b")]);
        const producer = await log.openProducer(unique("p"));
        await producer.commit({ records: [{ topic, ...keyed("1", "c"), timestampMs: 2 ** 50 }], offsets: [] });
        const times = (await readAll(topic, 0)).map(({ timestampMs }) => timestampMs);
        expect(times).toHaveLength(3);
        for (const time of times) {
          expect(time).toBeGreaterThanOrEqual(before - 1000);
          expect(time).toBeLessThanOrEqual(Date.now() + 1000);
        }
      });

      it("stay, the latest of each key at least, where a topic is compacted", async () => {
        const topic = unique("hit-ratio-windows");
        expect(await log.createTopic(topic, 1, { cleanup: "compact" })).toBe(true);
        await log.append(
          topic,
          ["a", "b"].map((value) => keyed("0", value)),
        );
        await log.append(topic, [keyed("86400000", "c")]);
        const latest = new Map((await readAll(topic, 0)).map(({ key, value }) => [key, text(value)]));
        expect([...latest]).toEqual([
          ["0", "b"],
          ["86400000", "c"],
        ]);
      });

      it("are the caller's to change, before and after", async () => {
        const topic = await topicOf("interactions", 1);
        const value = bytes("abc");
        await log.append(topic, [{ key: null, value }]);
        value.fill(0);
        const [read] = await readAll(topic, 0);
        expect(text(read.value)).toBe("abc");
        read.value?.fill(0);
        expect(await valuesOf(topic, 0)).toEqual(["abc"]);
      });

      it("of one key lie in Kafka's partition for it, in order", async () => {
        const topic = await topicOf("interactions", 5);
        const expected: string[][] = [[], [], [], [], []];
        for (let round = 0; round < 4; round++) {
          const records = Array.from({ length: 50 }, (_, i) => keyed(`user ${i % 17}`, `${round}/${i}`));
          for (const { key, value } of records) expected[partitionOfKey(key, 5)].push(text(value) ?? "");
          await log.append(topic, records);
        }
        for (let partition = 0; partition < 5; partition++) {
          expect(await valuesOf(topic, partition)).toEqual(expected[partition]);
        }
      });

      it("without a key are spread", async () => {
        const topic = await topicOf("outcomes", 3);
        await log.append(
          topic,
          Array.from({ length: 60 }, (_, i) => ({ key: null, value: bytes(String(i)) })),
        );
        const perPartition = await Promise.all([0, 1, 2].map((partition) => readAll(topic, partition)));
        expect(perPartition.flat()).toHaveLength(60);
        for (const records of perPartition) expect(records.length).toBeGreaterThan(5);
      });

      it("are read in pieces of any size, with ascending offsets", async () => {
        const topic = await topicOf("interactions", 1);
        const values = Array.from({ length: 200 }, (_, i) => String(i));
        for (let i = 0; i < 200; i += 40) {
          const piece = values.slice(i, i + 40);
          await log.append(
            topic,
            piece.map((value) => keyed("k", value)),
          );
        }
        for (const maxRecords of [1, 7, 40, 1000]) {
          const records = await readAll(topic, 0, maxRecords);
          expect(records.map(({ value }) => text(value))).toEqual(values);
          for (let i = 1; i < 200; i++) expect(records[i].offset).toBeGreaterThan(records[i - 1].offset);
        }
      });

      it("are found from any offset on, by several readers at once", async () => {
        const topic = await topicOf("interactions", 1);
        for (let i = 0; i < 30; i += 3) {
          await log.append(
            topic,
            [i, i + 1, i + 2].map((n) => keyed("k", `${n} ${"x".repeat(50_000)}`)),
          );
        }
        const labels = (records: readonly LogRecord[]) =>
          records.map(({ offset, value }) => `${offset} ${text(value)?.split(" ")[0]} ${value?.length}`);
        const all = await readAll(topic, 0);
        const reader = async (starts: readonly number[]) => {
          for (const start of starts) {
            const { records } = await log.read(topic, 0, all[start].offset, 4);
            expect(labels(records)).toEqual(labels(all.slice(start, start + 4)));
          }
        };
        await Promise.all([reader([29, 3, 4, 20, 0, 19]), reader([0, 1, 2, 3]), reader([15, 27, 9]), reader([8, 4])]);
      });

      it("end where the end offset says; beyond is an error", async () => {
        const topic = await topicOf("interactions", 1);
        expect(await log.endOffset(topic, 0)).toBe(await log.startOffset(topic, 0));
        await log.append(topic, [keyed("k", "a")]);
        const end = await log.endOffset(topic, 0);
        expect(await log.read(topic, 0, end, 10)).toEqual({ records: [], nextOffset: end });
        for (const offset of [end + 1, -1]) {
          const reading = log.read(topic, 0, offset, 10);
          await expect(reading).rejects.toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
          await expect(reading).rejects.toThrow(/new group/);
        }
      });

      it("are refused above Kafka's size, and none of their batch is written", async () => {
        const topic = await topicOf("interactions", 1);
        await log.append(topic, [{ key: null, value: new Uint8Array(maxRecordBytes) }]);
        const tooLarge = { key: "k", value: new Uint8Array(maxRecordBytes) };
        const appending = log.append(topic, [keyed("k", "small"), tooLarge]);
        await expect(appending).rejects.toMatchObject({ code: "RECORD_INVALID" });
        await expect(log.append(topic, [{ ...keyed("k", "a"), timestampMs: 0.5 }])).rejects.toMatchObject({
          code: "RECORD_INVALID",
        });
        expect(await readAll(topic, 0)).toHaveLength(1);
      });

      it("appended by many at once without waiting for the disk are all there, in each caller's order", async () => {
        const topic = await topicOf("interactions", 2);
        const caller = async (name: string) => {
          for (let i = 0; i < 50; i++) await log.append(topic, [keyed(name, `${name} ${i}`)], { durable: false });
        };
        const names = ["a", "b", "c", "d", "e", "f"];
        await Promise.all(names.map(caller));
        const values = [...(await valuesOf(topic, 0)), ...(await valuesOf(topic, 1))];
        for (const name of names) {
          const own = values.filter((value) => value?.startsWith(name));
          expect(own).toEqual(Array.from({ length: 50 }, (_, i) => `${name} ${i}`));
        }
      });
    });

    describe("waiting for records", () => {
      it("ends at once when there are some, and when some arrive by append or commit", async () => {
        const topic = await topicOf("interactions", 1);
        const producer = await log.openProducer(unique("p"));
        const arriving = log.waitForRecords(topic, 0, 0, { timeoutMs: 20_000 });
        await log.append(topic, [keyed("k", "a")]);
        expect(await arriving).toBe(true);
        expect(await log.waitForRecords(topic, 0, 0, { timeoutMs: 20_000 })).toBe(true);
        const end = await log.endOffset(topic, 0);
        const committed = log.waitForRecords(topic, 0, end, { timeoutMs: 20_000 });
        await producer.commit({ records: [{ topic, ...keyed("k", "b") }], offsets: [] });
        expect(await committed).toBe(true);
      });

      it("ends without any when the time is up or it is told to", async () => {
        const topic = await topicOf("interactions", 1);
        expect(await log.waitForRecords(topic, 0, 0, { timeoutMs: 30 })).toBe(false);
        const stop = new AbortController();
        const waiting = log.waitForRecords(topic, 0, 0, { timeoutMs: 20_000, signal: stop.signal });
        stop.abort();
        expect(await waiting).toBe(false);
        expect(await log.waitForRecords(topic, 0, 0, { timeoutMs: 20_000, signal: stop.signal })).toBe(false);
      });

      it("is not ended by other partitions", async () => {
        const topic = await topicOf("interactions", 2);
        const waiting = log.waitForRecords(topic, 1 - partitionOfKey("k", 2), 0, { timeoutMs: 200 });
        await log.append(topic, [keyed("k", "a")]);
        expect(await waiting).toBe(false);
      });
    });

    describe("a commit", () => {
      it("writes records to several topics and offsets of a group", async () => {
        const [input, outcomes, partials] = [
          await topicOf("interactions", 2),
          await topicOf("outcomes", 4),
          await topicOf("window-partials", 1),
        ];
        const group = unique("group");
        const producer = await log.openProducer(unique("p0"));
        await producer.commit({
          records: [
            { topic: outcomes, ...keyed("u1", "hit") },
            { topic: outcomes, partition: 3, ...keyed("u1", "miss"), timestampMs: 12 },
            { topic: partials, key: null, value: bytes("sums") },
          ],
          offsets: [{ group, topic: input, partition: 1, offset: 42, metadata: '{"streamTimeMs":7}' }],
        });
        expect(await valuesOf(outcomes, partitionOfKey("u1", 4))).toContain("hit");
        expect((await readAll(outcomes, 3)).at(-1)).toMatchObject({ key: "u1", timestampMs: 12 });
        expect(await valuesOf(partials, 0)).toEqual(["sums"]);
        expect(await log.committed(group, input, 1)).toEqual({ offset: 42, metadata: '{"streamTimeMs":7}' });
        expect(await log.committed(group, input, 0)).toBeNull();
        expect(await log.committed(unique("other"), input, 1)).toBeNull();
      });

      it("replaces offsets, also backwards, with or without records", async () => {
        const topic = await topicOf("interactions", 1);
        const group = unique("group");
        const producer = await log.openProducer(unique("p"));
        for (const offset of [5, 9, 2]) {
          await producer.commit({
            records: offset === 9 ? [] : [{ topic, ...keyed("k", String(offset)) }],
            offsets: [{ group, topic, partition: 0, offset, metadata: `at ${offset}` }],
          });
          expect(await log.committed(group, topic, 0)).toEqual({ offset, metadata: `at ${offset}` });
        }
        await producer.commit({ records: [], offsets: [] });
        expect(await valuesOf(topic, 0)).toEqual(["5", "2"]);
      });

      it("writes nothing at all when any part of it is refused", async () => {
        const topic = await topicOf("interactions", 2);
        const group = unique("group");
        const producer = await log.openProducer(unique("p"));
        const good = { topic, ...keyed("k", "good") };
        const offset = { group, topic, partition: 0, offset: 1, metadata: "" };
        const refused: [Parameters<typeof producer.commit>[0], string][] = [
          [{ records: [good, { ...good, topic: unique("none") }], offsets: [offset] }, "TOPIC_UNKNOWN"],
          [{ records: [good, { ...good, partition: 2 }], offsets: [offset] }, "PARTITION_UNKNOWN"],
          [
            { records: [good, { ...good, value: new Uint8Array(maxRecordBytes) }], offsets: [offset] },
            "RECORD_INVALID",
          ],
          [{ records: [good], offsets: [offset, { ...offset, topic: unique("none") }] }, "TOPIC_UNKNOWN"],
          [{ records: [good], offsets: [offset, { ...offset, partition: 2 }] }, "PARTITION_UNKNOWN"],
          [{ records: [good], offsets: [offset, { ...offset, offset: -1 }] }, "RECORD_INVALID"],
          [{ records: [good], offsets: [{ ...offset, metadata: "x".repeat(maxMetadataBytes + 1) }] }, "RECORD_INVALID"],
        ];
        for (const [transaction, code] of refused) {
          await expect(producer.commit(transaction)).rejects.toMatchObject({ code });
        }
        expect([await readAll(topic, 0), await readAll(topic, 1)]).toEqual([[], []]);
        expect(await log.committed(group, topic, 0)).toBeNull();
        await producer.commit({ records: [good], offsets: [{ ...offset, metadata: "x".repeat(maxMetadataBytes) }] });
        expect(await valuesOf(topic, partitionOfKey("k", 2))).toEqual(["good"]);
      });

      it("may be large, and lies between the appends around it", async () => {
        const topic = await topicOf("outcomes", 3);
        const producer = await log.openProducer(unique("p"));
        const record = (i: number) => ({ topic, partition: i % 3, ...keyed(`u${i}`, `${i} ${"x".repeat(200)}`) });
        await log.append(topic, [keyed("k", "before")]);
        await producer.commit({ records: Array.from({ length: 6000 }, (_, i) => record(i)), offsets: [] });
        await log.append(topic, [keyed("k", "after")]);
        for (const partition of [0, 1, 2]) {
          const values = (await valuesOf(topic, partition)).map((value) => value?.split(" ")[0]);
          const own = Array.from({ length: 2000 }, (_, i) => String(3 * i + partition));
          expect(values).toEqual(partition === partitionOfKey("k", 3) ? ["before", ...own, "after"] : own);
        }
      });

      it("is one at a time, and none follows the producer's end", async () => {
        const topic = await topicOf("outcomes", 1);
        const producer = await log.openProducer(unique("p"));
        const first = producer.commit({ records: [{ topic, ...keyed("k", "first") }], offsets: [] });
        const second = producer.commit({ records: [{ topic, ...keyed("k", "second") }], offsets: [] });
        await expect(second).rejects.toMatchObject({ code: "PRODUCER_BUSY" });
        await first;
        await producer.commit({ records: [{ topic, ...keyed("k", "third") }], offsets: [] });
        await producer.close();
        const late = producer.commit({ records: [{ topic, ...keyed("k", "late") }], offsets: [] });
        await expect(late).rejects.toMatchObject({ code: "PRODUCER_CLOSED" });
        expect(await valuesOf(topic, 0)).toEqual(["first", "third"]);
      });
    });

    describe("a producer", () => {
      it("is fenced by the next one with its id, and by no other", async () => {
        const topic = await topicOf("outcomes", 1);
        const group = unique("group");
        const id = unique("p0");
        const transaction = (value: string, offset: number) => ({
          records: [{ topic, ...keyed("k", value) }],
          offsets: [{ group, topic, partition: 0, offset, metadata: value }],
        });
        const former = await log.openProducer(id);
        await former.commit(transaction("former", 1));
        const other = await log.openProducer(unique("p1"));
        const next = await log.openProducer(id);
        for (let i = 0; i < 2; i++) {
          await expect(former.commit(transaction("fenced", 9))).rejects.toMatchObject({ code: "PRODUCER_FENCED" });
        }
        await former.close();
        await next.commit(transaction("next", 2));
        await other.commit(transaction("other", 3));
        expect(await valuesOf(topic, 0)).toEqual(["former", "next", "other"]);
        expect(await log.committed(group, topic, 0)).toEqual({ offset: 3, metadata: "other" });
      });

      it("finds its predecessor's last commit decided once it is open", async () => {
        const topic = await topicOf("outcomes", 1);
        const group = unique("group");
        const id = unique("p0");
        let former = await log.openProducer(id);
        for (let round = 1; round <= 10; round++) {
          const commit = former
            .commit({
              records: [{ topic, ...keyed("k", String(round)) }],
              offsets: [{ group, topic, partition: 0, offset: round, metadata: "" }],
            })
            .then(
              () => true,
              () => false,
            );
          const next = await log.openProducer(id);
          const seen = await log.committed(group, topic, 0);
          const values = await valuesOf(topic, 0);
          const succeeded = await commit;
          expect(seen?.offset === round).toBe(succeeded);
          expect(await log.committed(group, topic, 0)).toEqual(seen);
          expect(await valuesOf(topic, 0)).toEqual(values);
          former = next;
        }
      });

      it("passes each input on exactly once, however often its owner changes half-way", async () => {
        const [input, output] = [await topicOf("interactions", 1), await topicOf("outcomes", 1)];
        const [group, id] = [unique("group"), unique("p0")];
        const sent = Array.from({ length: 100 }, (_, i) => String(i));
        await log.append(
          input,
          sent.map((value) => keyed("u", value)),
        );
        const end = await log.endOffset(input, 0);
        for (let owner = 0, next = 0; next < end; owner++) {
          const producer = await log.openProducer(id);
          next = (await log.committed(group, input, 0))?.offset ?? 0;
          for (let commits = 0; commits < 3 && next < end; commits++) {
            const batch = await log.read(input, 0, next, 1 + ((owner + commits) % 7));
            const records = batch.records.map(({ key, value }) => ({ topic: output, key, value }));
            // Every other owner reads, and perishes before its commit.
            if (commits === 2 && owner % 2 === 0) break;
            next = batch.nextOffset;
            const offsets = [{ group, topic: input, partition: 0, offset: next, metadata: String(owner) }];
            await producer.commit({ records, offsets });
          }
        }
        expect(await valuesOf(output, 0)).toEqual(sent);
      });
    });

    it("is of no use once closed, and lets nobody wait on", async () => {
      const topic = await topicOf("interactions", 1);
      const producer = await log.openProducer(unique("p"));
      const waiting = log.waitForRecords(topic, 0, 0, { timeoutMs: 20_000 });
      await log.close();
      expect(await waiting).toBe(false);
      await expect(log.append(topic, [keyed("k", "a")])).rejects.toMatchObject({ code: "LOG_CLOSED" });
      await expect(log.read(topic, 0, 0, 1)).rejects.toMatchObject({ code: "LOG_CLOSED" });
      const late = producer.commit({ records: [{ topic, ...keyed("k", "late") }], offsets: [] });
      await expect(late).rejects.toMatchObject({ code: "PRODUCER_CLOSED" });
      await log.close();
    });
  });
}
