/**
 * An append-only file of checksummed entries, each whole or not there.
 *
 *     file:   "ncf-log\n", version (u32), zero (u32), frames
 *     frame:  magic (u32), length of the payload (u32), synced (f64), CRC-32 of the payload (u32), CRC-32 of these 20 bytes (u32), payload
 *
 * `synced` is how far the file was known to be on the disk when the frame was written. It tells, at opening, a tail that
 * a crash tore from damage:
 *
 * - The file ends inside a frame: the process was killed while writing. Nobody was told of that entry; it is cut off.
 * - A frame does not match its checksum, and a later one says that this place was synced: damage, an error.
 * - One does not match, no later one says so, and it holds a disk sector of zeros, or zeros alone: a power failure before the
 *   sync; cut off.
 * - Otherwise one does not match: somebody may have been told of it, so it is not silently dropped, but an error.
 *
 * Entries that arrive while others are being written go out together in the next write, with one sync for all.
 */
import { type FileHandle, open, rename } from "node:fs/promises";
import path from "node:path";
import { crc32 } from "node:zlib";
import { NcfError } from "../../core/errors.ts";
import { hasCode, syncFolder } from "./durable-files.ts";

const fileMagic = "ncf-log\n";
const fileVersion = 1;
const fileHeadBytes = 16;
const frameMagic = Buffer.from("NCFf");
const frameHeadBytes = 24;
const sectorBytes = 512;
const readAheadBytes = 1 << 20;
/** Entries are joined into one write up to about this size. */
const writeBytes = 1 << 23;

export interface JournalEntry {
  /** Whether it must be on the disk, rather than in the system's memory, before it counts as written. */
  readonly durable: boolean;
  /** The payload, below 2 GiB; called in the order of the entries, when those before are written or about to be. */
  encode(): Uint8Array;
  /** The payload lies in the file from `position` on. Called for all entries of a write without a pause between. */
  written(position: number): void;
  /** It could not be written, nor could any that was encoded before this call and is not written yet. */
  failed(): void;
}

interface Pending {
  readonly entry: JournalEntry;
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

export class LogJournal {
  readonly #name: string;
  readonly #file: FileHandle;
  readonly #mayWrite: () => Promise<boolean>;
  #end: number;
  #synced: number;
  #pending: Pending[] = [];
  #writing: Promise<void> | null = null;
  /** Why nothing can be written any more. */
  #broken: NcfError | null = null;

  private constructor(name: string, file: FileHandle, end: number, mayWrite: () => Promise<boolean>) {
    this.#name = name;
    this.#file = file;
    this.#end = end;
    this.#synced = end;
    this.#mayWrite = mayWrite;
  }

  /**
   * Opens the journal, making it where it is not there, and hands over what it holds.
   *
   * @param replay gets each payload and its position, in order
   * @param mayWrite asked before each write: whether this process still is the journal's only writer
   * @throws NcfError `FILE_DAMAGED`, `FILE_FOREIGN`, `FILE_VERSION`
   */
  static async open(
    name: string,
    replay: (payload: Buffer, position: number) => void,
    mayWrite: () => Promise<boolean>,
  ): Promise<LogJournal> {
    const file = await openOrCreate(name);
    try {
      const { size } = await file.stat();
      await checkFileHead(name, file);
      const end = await replayFrames(name, file, size, replay);
      if (end < size) await file.truncate(end);
      await file.datasync();
      return new LogJournal(name, file, end, mayWrite);
    } catch (cause) {
      await file.close();
      throw cause;
    }
  }

  /** Resolves when the entry is written. @throws NcfError `LOG_NOT_WRITTEN` */
  append(entry: JournalEntry): Promise<void> {
    if (this.#broken !== null) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      this.#pending.push({ entry, resolve, reject });
      this.#writing ??= this.#writePending();
    });
  }

  /** Settles when every entry appended so far is written or has failed. */
  async settled(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  /** So many bytes from `position` on, or fewer where the written part ends. */
  async read(position: number, length: number): Promise<Buffer> {
    // Beyond it may lie what is just being written.
    return readAt(this.#file, position, Math.min(length, this.#end - position));
  }

  async close(): Promise<void> {
    await this.settled();
    try {
      if (this.#broken === null && (await this.#mayWrite())) {
        await this.#file.datasync();
        this.#synced = this.#end;
        // An empty frame: it says that all before it was synced.
        await writeAt(this.#file, this.#frame(new Uint8Array(0)), this.#end);
      }
    } finally {
      await this.#file.close();
    }
  }

  async #writePending(): Promise<void> {
    // What is appended in the same turn of the event loop goes along.
    await Promise.resolve();
    while (this.#pending.length > 0) await this.#writeOnce();
    this.#writing = null;
  }

  async #writeOnce(): Promise<void> {
    const batch: (Pending & { readonly position: number })[] = [];
    try {
      const { frames, end } = this.#encodePending(batch);
      const durable = batch.some(({ entry }) => entry.durable);
      await this.#write(frames, end, durable);
    } catch (cause) {
      for (const { entry } of batch) entry.failed();
      for (const { reject } of batch) reject(cause);
      return;
    }
    for (const { entry, position } of batch) entry.written(position);
    for (const { resolve } of batch) resolve();
  }

  /** Moves entries that fill one write from the pending ones to `batch`. */
  #encodePending(batch: (Pending & { readonly position: number })[]): { frames: Uint8Array[]; end: number } {
    const frames: Uint8Array[] = [];
    let end = this.#end;
    try {
      for (const pending of this.#pending) {
        if (end - this.#end >= writeBytes) break;
        batch.push({ ...pending, position: end + frameHeadBytes });
        const frame = this.#frame(pending.entry.encode());
        frames.push(frame);
        end += frame.length;
      }
    } finally {
      this.#pending = this.#pending.slice(batch.length);
    }
    return { frames, end };
  }

  async #write(frames: readonly Uint8Array[], end: number, durable: boolean): Promise<void> {
    if (this.#broken !== null) throw this.#broken;
    if (!(await this.#mayWrite())) {
      this.#broken = notWritten(this.#name, "another process has taken it over. End this one");
      throw this.#broken;
    }
    try {
      await writeAt(this.#file, Buffer.concat(frames), this.#end);
    } catch (cause) {
      const failure = notWritten(
        this.#name,
        `${reasonOf(cause)}. Make room or choose another folder, and try again`,
        cause,
        true,
      );
      await this.#file.truncate(this.#end).catch(() => {
        this.#broken = failure;
      });
      throw failure;
    }
    if (durable) {
      await this.#file.datasync().catch((cause) => {
        // What is on the disk now nobody knows, and a second sync would not tell: only opening anew does.
        this.#broken = notWritten(
          this.#name,
          `${reasonOf(cause)}. Close and open the log again, which checks it`,
          cause,
        );
        throw this.#broken;
      });
      this.#synced = end;
    }
    this.#end = end;
  }

  #frame(payload: Uint8Array): Uint8Array {
    const frame = Buffer.allocUnsafe(frameHeadBytes + payload.length);
    frame.set(frameMagic, 0);
    frame.writeUInt32LE(payload.length, 4);
    frame.writeDoubleLE(this.#synced, 8);
    frame.writeUInt32LE(crc32(payload), 16);
    frame.writeUInt32LE(crc32(frame.subarray(0, 20)), 20);
    frame.set(payload, frameHeadBytes);
    return frame;
  }
}

async function openOrCreate(name: string): Promise<FileHandle> {
  try {
    return await open(name, "r+");
  } catch (cause) {
    if (!hasCode(cause, "ENOENT")) throw cause;
  }
  const head = Buffer.alloc(fileHeadBytes);
  head.write(fileMagic);
  head.writeUInt32LE(fileVersion, 8);
  const draft = await open(`${name}.tmp`, "w");
  try {
    await draft.writeFile(head);
    await draft.sync();
  } finally {
    await draft.close();
  }
  await rename(`${name}.tmp`, name);
  await syncFolder(path.dirname(name));
  return open(name, "r+");
}

async function checkFileHead(name: string, file: FileHandle): Promise<void> {
  const head = await readAt(file, 0, fileHeadBytes);
  if (head.length < fileHeadBytes || head.toString("latin1", 0, 8) !== fileMagic) {
    throw new NcfError(
      "FILE_FOREIGN",
      `${name}: expected an interaction log, found another file. Choose another folder`,
    );
  }
  const version = head.readUInt32LE(8);
  if (version !== fileVersion) {
    throw new NcfError(
      "FILE_VERSION",
      `${name}: this program reads version ${fileVersion} of the interaction log, found version ${version}. Use the program version that wrote it`,
    );
  }
}

/** Hands over the frames up to the first that is not whole, and judges that one. @returns where the whole frames end */
async function replayFrames(
  name: string,
  file: FileHandle,
  size: number,
  replay: (payload: Buffer, position: number) => void,
): Promise<number> {
  const ahead = readerAhead(file);
  let at = fileHeadBytes;
  while (at < size) {
    const head = frameHead(await ahead(at, frameHeadBytes));
    if (head === "short") return at;
    const end = at + frameHeadBytes + (head === "bad" ? 0 : head.length);
    if (end > size) return at;
    const payload = head === "bad" ? null : await ahead(at + frameHeadBytes, head.length);
    if (head === "bad" || payload === null || crc32(payload) !== head.crc) {
      await judgeBadFrame(name, file, at, size);
      return at;
    }
    if (payload.length > 0) replay(payload, at + frameHeadBytes);
    at = end;
  }
  return at;
}

/** Returns when the bytes from `at` on are what a power failure left. @throws NcfError `FILE_DAMAGED` */
async function judgeBadFrame(name: string, file: FileHandle, at: number, size: number): Promise<void> {
  const proof = await findSyncedBeyond(file, at, size);
  if (!proof && (await holdsZeroSector(file, at, size))) return;
  throw new NcfError(
    "FILE_DAMAGED",
    `${name}: expected a whole commit at byte ${at}, found one that does not match its checksum. Restore the file from a ` +
      `copy; or, to give up this commit${proof ? " and all after it" : ""}, cut the file to ${at} bytes`,
    { data: { wholeBytes: at } },
  );
}

/** Whether a frame after `at` says that the file was synced beyond `at`. */
async function findSyncedBeyond(file: FileHandle, at: number, size: number): Promise<boolean> {
  const ahead = readerAhead(file);
  for (let from = at + 1; from + frameHeadBytes <= size; ) {
    const window = await ahead(from, Math.min(readAheadBytes, size - from));
    for (let found = window.indexOf(frameMagic); found >= 0; found = window.indexOf(frameMagic, found + 1)) {
      const head = frameHead(window.subarray(found, found + frameHeadBytes));
      if (typeof head === "object" && head.synced > at) return true;
    }
    // A head that lies across two windows is whole in the next.
    from += Math.max(1, window.length - frameHeadBytes + 1);
  }
  return false;
}

/** Whether the part of some disk sector that lies from `at` to `size` is all zeros, or all of them are. */
async function holdsZeroSector(file: FileHandle, at: number, size: number): Promise<boolean> {
  const zeros = Buffer.alloc(sectorBytes);
  const ahead = readerAhead(file);
  let onlyZeros = true;
  for (let start = at; start < size; ) {
    const end = Math.min(size, (Math.floor(start / sectorBytes) + 1) * sectorBytes);
    const part = await ahead(start, end - start);
    const isZero = part.equals(zeros.subarray(0, part.length));
    // A few zeros are nothing special, unless there is nothing else: a short frame across the border of two sectors.
    if (isZero && part.length >= frameHeadBytes) return true;
    onlyZeros &&= isZero;
    start = end;
  }
  return onlyZeros;
}

function frameHead(head: Buffer): { length: number; synced: number; crc: number } | "short" | "bad" {
  if (head.length < frameHeadBytes) return "short";
  if (!head.subarray(0, 4).equals(frameMagic) || crc32(head.subarray(0, 20)) !== head.readUInt32LE(20)) return "bad";
  return { length: head.readUInt32LE(4), synced: head.readDoubleLE(8), crc: head.readUInt32LE(16) };
}

/** Reads at ascending positions, in large pieces. What it gives is valid until the next call. */
function readerAhead(file: FileHandle): (position: number, length: number) => Promise<Buffer> {
  let start = 0;
  let loaded: Buffer = Buffer.alloc(0);
  return async (position, length) => {
    if (position < start || position + length > start + loaded.length) {
      loaded = await readAt(file, position, Math.max(length, readAheadBytes));
      start = position;
    }
    return loaded.subarray(position - start, position - start + length);
  };
}

/** Fewer bytes than asked for at the file's end. */
async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}

async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function notWritten(name: string, what: string, cause?: unknown, retriable = false): NcfError {
  return new NcfError("LOG_NOT_WRITTEN", `expected to write to ${name}, but ${what}`, { cause, retriable });
}
