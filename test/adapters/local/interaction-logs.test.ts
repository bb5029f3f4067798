import {
  appendFile,
  copyFile,
  type FileHandle,
  mkdtemp,
  open,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FileInteractionLog } from "../../../src/adapters/local/file-interaction-log.ts";
import { MemoryInteractionLog } from "../../../src/adapters/local/memory-interaction-log.ts";
import type { InteractionLog } from "../../../src/ports/interaction-log.ts";
import { testInteractionLog } from "../../conformance/interaction-log.ts";
import { startChild } from "./child-process.ts";

testInteractionLog("memory", async () => ({ log: new MemoryInteractionLog() }));

testInteractionLog("folder", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "ncf-log-"));
  return { log: await FileInteractionLog.open(folder), close: () => rm(folder, { recursive: true }) };
});

const bytes = (text: string) => new TextEncoder().encode(text);

async function valuesOf(log: InteractionLog, topic: string, partition = 0): Promise<string[]> {
  const { records } = await log.read(topic, partition, 0, Number.POSITIVE_INFINITY);
  return records.map(({ value }) => new TextDecoder().decode(value ?? undefined));
}

describe("the log in memory", () => {
  it("takes an offset for a transaction's end, as Kafka does", async () => {
    const log = new MemoryInteractionLog({ nowMs: () => 5 });
    await log.createTopic("t", 1);
    const producer = await log.openProducer("p");
    const value = bytes("v");
    for (let i = 0; i < 2; i++) await producer.commit({ records: [{ topic: "t", key: null, value }], offsets: [] });
    expect(await log.read("t", 0, 0, 1)).toMatchObject({ records: [{ offset: 0, timestampMs: 5 }], nextOffset: 1 });
    expect(await log.read("t", 0, 1, 9)).toMatchObject({ records: [{ offset: 2 }], nextOffset: 4 });
    expect(await log.read("t", 0, 3, 9)).toEqual({ records: [], nextOffset: 4 });
  });
});

describe("a folder's log", () => {
  let folder: string;
  let journal: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "ncf-log-"));
    journal = path.join(folder, "journal");
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** Commits the texts, one transaction each, into `t`, and says how long the journal was after each. */
  async function commitEach(log: InteractionLog, texts: readonly string[]): Promise<number[]> {
    await log.createTopic("t", 1);
    const producer = await log.openProducer("p");
    const sizes: number[] = [];
    for (const text of texts) {
      const offset = (await log.endOffset("t", 0)) + 1;
      await producer.commit({
        records: [{ topic: "t", key: "k", value: bytes(text) }],
        offsets: [{ group: "g", topic: "t", partition: 0, offset, metadata: text.slice(0, 9) }],
      });
      sizes.push((await stat(journal)).size);
    }
    return sizes;
  }

  /** Opens a copy of the journal as a crash would leave it: without the log's own close. */
  async function openAfterCrash(change: (copy: string) => Promise<void>): Promise<{ log: InteractionLog; at: string }> {
    const at = await mkdtemp(path.join(folder, "crash-"));
    await copyFile(journal, path.join(at, "journal"));
    await change(path.join(at, "journal"));
    return { log: await FileInteractionLog.open(at), at };
  }

  const overwrite = async (file: string, position: number, content: Uint8Array) => {
    const handle = await open(file, "r+");
    await handle.write(content, 0, content.length, position);
    await handle.close();
  };

  it("outlives the process: topics, records, offsets, and where each partition goes on", async () => {
    const first = await FileInteractionLog.open(folder, { nowMs: () => 77 });
    await first.createTopic("empty", 7);
    await first.createTopic("appended", 1, { timestamps: "append" });
    await commitEach(first, ["a", "b"]);
    await first.append("t", [{ key: null, value: null }], { durable: false });
    await first.close();
    const second = await FileInteractionLog.open(folder);
    expect(await second.partitions("empty")).toBe(7);
    await expect(second.createTopic("t", 2)).rejects.toMatchObject({ code: "PARTITION_COUNT_CHANGED" });
    expect(await second.committed("g", "t", 0)).toEqual({ offset: 2, metadata: "b" });
    await second.append("t", [{ key: "k", value: bytes("c") }]);
    await second.append("appended", [{ key: "k", value: null, timestampMs: 0 }]);
    expect((await second.read("appended", 0, 0, 9)).records[0].timestampMs).toBeGreaterThan(77);
    const { records } = await second.read("t", 0, 2, 9);
    expect(records).toMatchObject([
      { offset: 2, key: null, value: null, timestampMs: 77 },
      { offset: 3, key: "k" },
    ]);
    await second.close();
  });

  it("belongs to one opener at a time, in this process and others", async () => {
    const child = startChild(new URL("./children/hold-log.ts", import.meta.url), [folder]);
    await child.linesReach(1);
    const opening = FileInteractionLog.open(folder);
    await expect(opening).rejects.toMatchObject({ code: "LOG_IN_USE" });
    await expect(opening).rejects.toThrow(`process ${child.process.pid}`);
    child.process.kill("SIGKILL");
    await child.ended;
    const log = await FileInteractionLog.open(folder);
    await expect(FileInteractionLog.open(folder)).rejects.toMatchObject({ code: "LOG_IN_USE" });
    await log.close();
    await (await FileInteractionLog.open(folder)).close();
  });

  it("keeps, after kill -9 amid commits, each commit whole or not at all, and every acknowledged one", async () => {
    let acknowledged = -1;
    // 3 MB a commit: so a kill often tears one.
    for (let round = 0; round < 6; round++) {
      const child = startChild(new URL("./children/commit-transactions.ts", import.meta.url), [folder, "600000"]);
      await child.linesReach(2 + round);
      // Somewhere else in a commit each time.
      await new Promise((resolve) => setTimeout(resolve, 1 + 2 * round));
      child.process.kill("SIGKILL");
      await child.ended;
      acknowledged = Math.max(acknowledged, Number(child.lines.at(-1)));
      const log = await FileInteractionLog.open(folder);
      const transactions = (await valuesOf(log, "window-partials")).map(Number);
      expect(transactions).toEqual(Array.from(transactions.keys()));
      const last = transactions.length - 1;
      expect(last).toBeGreaterThanOrEqual(acknowledged);
      expect(await log.committed("group", "interactions", 0)).toEqual({ offset: last + 1, metadata: `${last}` });
      const outcomes = (await Promise.all([0, 1, 2].map((p) => valuesOf(log, "outcomes", p)))).flat();
      const expected = transactions.flatMap((n) => [0, 1, 2, 3, 4].map((part) => `${n}/${part}`));
      expect(outcomes.map((value) => value.split(" ")[0]).sort()).toEqual(expected.sort());
      const appended = (await valuesOf(log, "interactions")).map(Number);
      // An append may be there before its commit is, and is then repeated by the next process.
      expect([...new Set(appended)].slice(0, last + 1)).toEqual(transactions);
      await log.close();
    }
    expect(acknowledged).toBeGreaterThan(10);
  });

  it("cuts off a tail torn at any byte, and goes on from there", async () => {
    const log = await FileInteractionLog.open(folder);
    const sizes = await commitEach(log, ["a", "b", "c".repeat(100)]);
    for (let size = sizes[1]; size < sizes[2]; size++) {
      const { log: reopened, at } = await openAfterCrash((copy) => truncate(copy, size));
      expect(await valuesOf(reopened, "t")).toEqual(["a", "b"]);
      expect(await reopened.committed("g", "t", 0)).toEqual({ offset: 2, metadata: "b" });
      await commitEach(reopened, ["d"]);
      await reopened.close();
      const again = await FileInteractionLog.open(at);
      expect(await valuesOf(again, "t")).toEqual(["a", "b", "d"]);
      await again.close();
    }
    await log.close();
  });

  it("refuses a file damaged at any byte before the last commit, naming the place", async () => {
    const log = await FileInteractionLog.open(folder);
    const sizes = await commitEach(log, ["a", "b", "c"]);
    const content = await readFile(journal);
    for (let at = sizes[0]; at < sizes[1]; at++) {
      const damage = Uint8Array.of(content[at] ^ 0x10);
      const opening = openAfterCrash((copy) => overwrite(copy, at, damage));
      await expect(opening).rejects.toMatchObject({ code: "FILE_DAMAGED", data: { wholeBytes: sizes[0] } });
      await expect(opening).rejects.toThrow(/Restore the file/);
    }
    await log.close();
  });

  describe("of which a part was overwritten while it was not closed", () => {
    let log: InteractionLog;
    let sizes: number[];
    beforeEach(async () => {
      log = await FileInteractionLog.open(folder);
      sizes = await commitEach(log, ["a", "b".repeat(5000), "c".repeat(5000)]);
    });
    afterEach(() => log.close());
    const zeros = () => new Uint8Array(3000);

    it("takes zeros in the last commit for a power failure before its sync", async () => {
      const { log: reopened } = await openAfterCrash((copy) => overwrite(copy, sizes[1] + 1000, zeros()));
      expect(await valuesOf(reopened, "t")).toHaveLength(2);
      await reopened.close();
    });

    it("refuses zeros in a commit of which a later one says that it was synced", async () => {
      const opening = openAfterCrash((copy) => overwrite(copy, sizes[0] + 1000, zeros()));
      await expect(opening).rejects.toMatchObject({ code: "FILE_DAMAGED", data: { wholeBytes: sizes[0] } });
    });

    it("takes zeros for a power failure though a later append, not synced either, is whole", async () => {
      await log.append("t", [{ key: "k", value: bytes("d".repeat(5000)) }], { durable: false });
      await log.append("t", [{ key: "k", value: bytes("e".repeat(5000)) }], { durable: false });
      const { log: reopened } = await openAfterCrash((copy) => overwrite(copy, sizes[2] + 1000, zeros()));
      expect(await valuesOf(reopened, "t")).toHaveLength(3);
      await reopened.close();
    });

    it("refuses other bytes even in the last commit, of which somebody may have been told", async () => {
      const opening = openAfterCrash((copy) => overwrite(copy, sizes[1] + 1000, zeros().fill(1)));
      await expect(opening).rejects.toMatchObject({ code: "FILE_DAMAGED", data: { wholeBytes: sizes[1] } });
    });
  });

  it("takes a short frame of zeros across two disk sectors for a power failure too", async () => {
    const log = await FileInteractionLog.open(folder);
    const [before, after] = await commitEach(log, ["a".repeat(600), "b".repeat(600)]);
    const frameBytesBesideText = after - before - 600;
    const textBytes = 512 + ((500 - ((after + frameBytesBesideText) % 512) + 512) % 512);
    const [size] = await commitEach(log, ["c".repeat(textBytes)]);
    // The journal ends 12 bytes before the end of a sector.
    expect(size % 512).toBe(500);
    const { log: reopened } = await openAfterCrash((copy) => appendFile(copy, new Uint8Array(24)));
    expect(await valuesOf(reopened, "t")).toHaveLength(3);
    await reopened.close();
    await log.close();
  });

  it("refuses a last commit damaged after a clean end, whatever the damage looks like", async () => {
    const log = await FileInteractionLog.open(folder);
    const sizes = await commitEach(log, ["a", "b".repeat(5000)]);
    await log.close();
    const opening = openAfterCrash((copy) => overwrite(copy, sizes[0] + 1000, new Uint8Array(3000)));
    await expect(opening).rejects.toMatchObject({ code: "FILE_DAMAGED", data: { wholeBytes: sizes[0] } });
  });

  it("refuses a file from which a part was cut out", async () => {
    const log = await FileInteractionLog.open(folder);
    const sizes = await commitEach(log, ["a", "b", "c"]);
    await log.close();
    const content = await readFile(journal);
    const opening = openAfterCrash((copy) =>
      writeFile(copy, Buffer.concat([content.subarray(0, sizes[0]), content.subarray(sizes[1])])),
    );
    await expect(opening).rejects.toMatchObject({ code: "FILE_DAMAGED" });
    await expect(opening).rejects.toThrow(/expected offset 1 .* found offset 2/);
  });

  it("opens again after the cut that the error proposes", async () => {
    const log = await FileInteractionLog.open(folder);
    const sizes = await commitEach(log, ["a", "b", "c"]);
    await log.close();
    await truncate(journal, sizes[0]);
    const cut = await FileInteractionLog.open(folder);
    expect(await valuesOf(cut, "t")).toEqual(["a"]);
    await cut.close();
  });

  it("reads values from the file, and notices when they are not what was written", async () => {
    const log = await FileInteractionLog.open(folder);
    const [size] = await commitEach(log, ["a".repeat(1000)]);
    await overwrite(journal, size - 500, bytes("b"));
    await expect(log.read("t", 0, 0, 1)).rejects.toMatchObject({ code: "FILE_DAMAGED" });
    await log.close();
  });

  it.each([
    ["FILE_FOREIGN", "something that is no log at all"],
    ["FILE_FOREIGN", "short"],
    ["FILE_VERSION", "ncf-log\n\u0009\0\0\0\0\0\0\0"],
  ])("answers %s to another file", async (code, content) => {
    await writeFile(journal, content);
    await expect(FileInteractionLog.open(folder)).rejects.toMatchObject({ code });
    // And leaves no lock.
    await writeFile(journal, "still foreign, found again");
    await expect(FileInteractionLog.open(folder)).rejects.toMatchObject({ code: "FILE_FOREIGN" });
  });

  describe("on a failing disk", () => {
    async function handlePrototype(): Promise<FileHandle> {
      const handle = await open(folder, "r");
      await handle.close();
      return Object.getPrototypeOf(handle);
    }
    afterEach(() => {
      vi.restoreAllMocks();
    });

    it("fails the commits that could not be written, and takes the next ones as if those had never been", async () => {
      const log = await FileInteractionLog.open(folder);
      await commitEach(log, ["a"]);
      const prototype = await handlePrototype();
      const write = prototype.write;
      const full = vi.spyOn(prototype, "write").mockImplementationOnce(async function (this: FileHandle, ...args) {
        // Half of it gets to the file.
        const [buffer] = args as unknown as [Uint8Array];
        await Reflect.apply(write, this, [buffer, 0, buffer.length >> 1, (await this.stat()).size]);
        // A reader of this moment must not take it for what is written there later.
        expect(await valuesOf(log, "t")).toEqual(["a"]);
        throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
      });
      const texts = ["b", "c", "d"].map((letter) => letter.repeat(200));
      const failing = texts.map((text) => log.append("t", [{ key: "k", value: bytes(text) }]));
      for (const appending of failing) {
        await expect(appending).rejects.toMatchObject({ code: "LOG_NOT_WRITTEN", retriable: true });
      }
      expect(full).toHaveBeenCalled();
      await commitEach(log, ["e"]);
      expect(await valuesOf(log, "t")).toEqual(["a", "e"]);
      expect(await log.committed("g", "t", 0)).toEqual({ offset: 2, metadata: "e" });
      await log.close();
      const reopened = await FileInteractionLog.open(folder);
      expect(await valuesOf(reopened, "t")).toEqual(["a", "e"]);
      await reopened.close();
    });

    it("writes nothing more once a sync has failed, until it is opened again", async () => {
      const log = await FileInteractionLog.open(folder);
      await commitEach(log, ["a"]);
      vi.spyOn(await handlePrototype(), "datasync").mockRejectedValueOnce(new Error("EIO: i/o error"));
      await expect(log.append("t", [{ key: "k", value: bytes("b") }])).rejects.toMatchObject({
        code: "LOG_NOT_WRITTEN",
      });
      const next = log.append("t", [{ key: "k", value: bytes("c") }]);
      await expect(next).rejects.toMatchObject({ code: "LOG_NOT_WRITTEN", retriable: false });
      expect(await valuesOf(log, "t")).toEqual(["a"]);
      await log.close();
      const reopened = await FileInteractionLog.open(folder);
      expect(["a", "a,b"]).toContain(String(await valuesOf(reopened, "t")));
      await reopened.close();
    });
  });
});
