/**
 * An interaction log in a folder, for one process at a time: `journal` holds every commit (log-journal.ts,
 * log-sections.ts), `lock` names the process (file-lock.ts). Memory holds where each section of records lies, not the
 * records. Nothing is ever removed from the journal: it is for a machine's own data, not for years of a whole service's.
 */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { NcfError } from "../../core/errors.ts";
import type { CommittedOffset, LogBatch, LogRecord, OffsetCommit } from "../../ports/interaction-log.ts";
import { FileLock, holderText, tryFileLock } from "./file-lock.ts";
import {
  LocalInteractionLog,
  type LocalLogOptions,
  type LocalTopic,
  type LogStorage,
  type LogWrite,
  type PlacedRecord,
} from "./local-interaction-log.ts";
import { LogJournal } from "./log-journal.ts";
import {
  type BodyCursor,
  bodyStart,
  decodeBody,
  decodeEntry,
  encodeCommit,
  encodeTopic,
  isWholeBody,
  type Section,
} from "./log-sections.ts";

export class FileInteractionLog extends LocalInteractionLog {
  /**
   * Opens the log in `folder`, making it where it is not there. Of a former process that was killed, every commit that
   * it was told of is there, and of the others each is there whole or not at all.
   *
   * @throws NcfError `LOG_IN_USE` while another process has it open; `FILE_DAMAGED`, `FILE_FOREIGN`, `FILE_VERSION`
   */
  static async open(folder: string, options: LocalLogOptions = {}): Promise<FileInteractionLog> {
    return new FileInteractionLog(await FileLogStorage.open(path.resolve(folder)), options);
  }
}

const readAheadBytes = 65_536;

/** Where the records of one partition lie: by section, ascending. */
class PartitionIndex {
  readonly #firstOffsets: number[] = [];
  readonly #positions: number[] = [];
  readonly #lengths: number[] = [];
  endOffset = 0;
  /** The section read last, and where in it the reader stopped: most readers go on from there. */
  latest: { readonly section: number; readonly body: Buffer; readonly cursor: BodyCursor } | null = null;
  /** The piece of the journal read last: small sections that follow are in it. */
  piece: { readonly position: number; readonly bytes: Buffer } = { position: 0, bytes: Buffer.alloc(0) };

  get sections(): number {
    return this.#positions.length;
  }

  add({ firstOffset, records, start, length }: Section, payloadPosition: number): void {
    this.#firstOffsets.push(firstOffset);
    this.#positions.push(payloadPosition + start);
    this.#lengths.push(length);
    this.endOffset = firstOffset + records;
  }

  /** The section that has `offset`, which is below the end. */
  sectionOf(offset: number): number {
    let [low, high] = [0, this.sections];
    while (low + 1 < high) {
      const middle = (low + high) >>> 1;
      if (this.#firstOffsets[middle] <= offset) low = middle;
      else high = middle;
    }
    return low;
  }

  firstOffset(section: number): number {
    return this.#firstOffsets[section];
  }

  place(section: number): [position: number, length: number] {
    return [this.#positions[section], this.#lengths[section]];
  }
}

class FileLogStorage implements LogStorage {
  readonly topics = new Map<string, LocalTopic>();
  readonly #folder: string;
  readonly #lock: FileLock;
  readonly #partitions = new Map<string, PartitionIndex>();
  readonly #committed = new Map<string, CommittedOffset>();
  /** The next free offset of partitions with records that are being written. */
  readonly #assigned = new Map<string, number>();
  #journal!: LogJournal;

  private constructor(folder: string, lock: FileLock) {
    this.#folder = folder;
    this.#lock = lock;
  }

  static async open(folder: string): Promise<FileLogStorage> {
    await mkdir(folder, { recursive: true });
    const lock = await tryFileLock(path.join(folder, "lock"));
    if (!(lock instanceof FileLock)) throw logInUse(folder, holderText(lock));
    // From now on: reading a long journal may take longer than others wait for a sign of life.
    lock.keepAlive();
    try {
      const storage = new FileLogStorage(folder, lock);
      const replay = (payload: Buffer, position: number) => storage.#replay(payload, position);
      storage.#journal = await LogJournal.open(path.join(folder, "journal"), replay, () => lock.isHeld());
      return storage;
    } catch (cause) {
      await lock.release();
      throw cause;
    }
  }

  createTopic(name: string, topic: LocalTopic): Promise<void> {
    return this.#journal.append({
      durable: true,
      encode: () => encodeTopic(name, topic),
      written: () => this.topics.set(name, topic),
      failed: () => undefined,
    });
  }

  async write({ records, offsets, durable }: LogWrite): Promise<void> {
    checkSize(records);
    let sections: readonly Section[];
    await this.#journal.append({
      durable,
      encode: () => {
        const encoded = encodeCommit(records, offsets, (topic, partition) => this.#nextOffset(topic, partition));
        sections = encoded.sections;
        for (const { topic, partition, firstOffset, records: count } of sections) {
          this.#assigned.set(partitionKey(topic, partition), firstOffset + count);
        }
        return encoded.payload;
      },
      written: (position) => this.#apply(sections, offsets, position),
      failed: () => this.#assigned.clear(),
    });
  }

  settled(): Promise<void> {
    return this.#journal.settled();
  }

  async read(topic: string, partition: number, fromOffset: number, maxRecords: number): Promise<LogBatch> {
    const index = this.#partition(topic, partition);
    const records: LogRecord[] = [];
    let nextOffset = fromOffset;
    while (nextOffset < index.endOffset && records.length < maxRecords) {
      const section = index.sectionOf(nextOffset);
      const { body, cursor } = await this.#load(index, section, nextOffset);
      const after = decodeBody(body, cursor, nextOffset, maxRecords - records.length, records);
      if (after.offset <= nextOffset) throw this.#damaged(index.place(section)[0], `offset ${nextOffset}`, "none");
      index.latest = { section, body, cursor: after };
      nextOffset = after.offset;
    }
    return { records, nextOffset };
  }

  endOffset(topic: string, partition: number): number {
    return this.#partition(topic, partition).endOffset;
  }

  committed(group: string, topic: string, partition: number): CommittedOffset | null {
    return this.#committed.get(JSON.stringify([group, topic, partition])) ?? null;
  }

  async close(): Promise<void> {
    try {
      await this.#journal.close();
    } finally {
      await this.#lock.release();
    }
  }

  #replay(payload: Buffer, position: number): void {
    const entry = decodeEntry(payload);
    if (entry.kind === "topic") {
      this.topics.set(entry.name, entry.topic);
      return;
    }
    for (const { topic, partition, firstOffset, start } of firstSections(entry.sections)) {
      const { endOffset } = this.#partition(topic, partition);
      if (firstOffset !== endOffset)
        throw this.#damaged(position + start, `offset ${endOffset}`, `offset ${firstOffset}`);
    }
    this.#apply(entry.sections, entry.offsets, position);
  }

  #apply(sections: readonly Section[], offsets: readonly OffsetCommit[], position: number): void {
    for (const section of sections) this.#partition(section.topic, section.partition).add(section, position);
    for (const { group, topic, partition, offset, metadata } of offsets) {
      this.#committed.set(JSON.stringify([group, topic, partition]), { offset, metadata });
    }
  }

  #nextOffset(topic: string, partition: number): number {
    return this.#assigned.get(partitionKey(topic, partition)) ?? this.#partition(topic, partition).endOffset;
  }

  /** The section's body, and a place in it at or before `offset`. */
  async #load(index: PartitionIndex, section: number, offset: number): Promise<{ body: Buffer; cursor: BodyCursor }> {
    const { latest } = index;
    const cursor = bodyStart(index.firstOffset(section));
    if (latest?.section === section) {
      return { body: latest.body, cursor: latest.cursor.offset <= offset ? latest.cursor : cursor };
    }
    const [position, length] = index.place(section);
    let { piece } = index;
    if (position < piece.position || position + length > piece.position + piece.bytes.length) {
      piece = { position, bytes: await this.#journal.read(position, Math.max(length, readAheadBytes)) };
      index.piece = piece;
    }
    const start = position - piece.position;
    const body = piece.bytes.subarray(start, start + length);
    if (!isWholeBody(body)) throw this.#damaged(position, "the records as they were written", "others");
    return { body, cursor };
  }

  #damaged(position: number, expected: string, found: string): NcfError {
    return new NcfError(
      "FILE_DAMAGED",
      `${path.join(this.#folder, "journal")}: expected ${expected} at byte ${position}, found ${found}. Something else ` +
        "wrote to the file, or the disk fails: restore it from a copy",
    );
  }

  #partition(topic: string, partition: number): PartitionIndex {
    const key = partitionKey(topic, partition);
    let found = this.#partitions.get(key);
    if (found === undefined) {
      found = new PartitionIndex();
      this.#partitions.set(key, found);
    }
    return found;
  }
}

/** Of each partition the first section: those after it follow from it. */
function firstSections(sections: readonly Section[]): Section[] {
  const seen = new Set<string>();
  return sections.filter(({ topic, partition }) => {
    const key = partitionKey(topic, partition);
    return !seen.has(key) && seen.add(key);
  });
}

/** More than fits into one frame of the journal, with room for keys. */
const maxCommitBytes = 1 << 29;

function checkSize(records: readonly PlacedRecord[]): void {
  let bytes = 0;
  for (const { key, value } of records) bytes += (key?.length ?? 0) + (value?.length ?? 0);
  if (bytes <= maxCommitBytes) return;
  throw new NcfError(
    "RECORD_INVALID",
    `expected at most ${maxCommitBytes} bytes of records in one commit, found ${bytes}. Commit less at a time`,
  );
}

function partitionKey(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

function logInUse(folder: string, holder: string): NcfError {
  return new NcfError(
    "LOG_IN_USE",
    `expected ${folder} to be free, but its interaction log is open in ${holder}. Wait for that process or end it, or ` +
      "choose another folder; a lock that a killed process left on another machine ends after a minute",
  );
}
