/**
 * An object store in a folder: one file an object, written beside its place, synced and renamed.
 *
 * What replaces or removes an object does so under the object's lock file (see file-lock.ts for when a lock left by a
 * killed process ends), so that nothing comes between `putIfMatch`'s look at the etag and its rename. `putIfAbsent`
 * needs no lock: it acts where nothing is, `putIfMatch` where something is.
 */
import { createHash, randomBytes } from "node:crypto";
import { type FileHandle, link, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { NcfError } from "../../core/errors.ts";
import { keyParts, type ObjectBody, type ObjectInfo, type ObjectStore } from "../../ports/object-store.ts";
import { hasCode, removeIfAbandoned, syncFolder } from "./durable-files.ts";
import { withFileLock } from "./file-lock.ts";

const temporarySuffix = ".tmp";
const lockSuffix = `.lock${temporarySuffix}`;

/** A whole, synced file that waits to take its object's name. */
interface Draft {
  readonly file: string;
  readonly info: ObjectInfo;
}

export class FileObjectStore implements ObjectStore {
  readonly #root: string;

  /** @param root folder; created when the first object is written */
  constructor(root: string) {
    this.#root = path.resolve(root);
  }

  async put(key: string, body: ObjectBody): Promise<ObjectInfo> {
    const target = this.#path(key);
    const draft = await this.#writeDraft(target, body);
    await this.#place(draft, target, async () => true);
    return draft.info;
  }

  async putIfAbsent(key: string, body: ObjectBody): Promise<ObjectInfo | null> {
    const target = this.#path(key);
    const draft = await this.#writeDraft(target, body);
    try {
      // A hard link fails where the target exists, in one step.
      await link(draft.file, target);
    } catch (cause) {
      if (hasCode(cause, "EEXIST")) return null;
      throw notWritable(target, cause);
    } finally {
      await rm(draft.file, { force: true });
    }
    await syncFolder(path.dirname(target));
    return draft.info;
  }

  async putIfMatch(key: string, body: ObjectBody, etag: string): Promise<ObjectInfo | null> {
    const target = this.#path(key);
    const matches = async () => (await this.head(key))?.etag === etag;
    if (!(await matches())) return null;
    const draft = await this.#writeDraft(target, body);
    return (await this.#place(draft, target, matches)) ? draft.info : null;
  }

  async get(key: string): Promise<Uint8Array> {
    return this.#read(key, 0, Number.POSITIVE_INFINITY);
  }

  async getRange(key: string, start: number, end: number): Promise<Uint8Array> {
    return this.#read(key, start, end);
  }

  async head(key: string): Promise<ObjectInfo | null> {
    const file = await openFile(this.#path(key));
    if (file === null) return null;
    try {
      return await infoOf(file);
    } finally {
      await file.close();
    }
  }

  async list(prefix: string): Promise<string[]> {
    const parts = prefix.split("/").slice(0, -1);
    // No key has such parts, and no folder beside the store's is looked into.
    if (parts.some((part) => part === "" || part === "." || part === "..") || prefix.includes("\\")) return [];
    const folder = path.join(this.#root, ...parts);
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause) => {
      if (hasCode(cause, "ENOENT") || hasCode(cause, "ENOTDIR")) return [];
      throw cause;
    });
    return entries
      .filter((entry) => entry.isFile() && !entry.name.endsWith(temporarySuffix))
      .map((entry) => path.relative(this.#root, path.join(entry.parentPath, entry.name)).split(path.sep).join("/"))
      .filter((key) => key.startsWith(prefix))
      .sort();
  }

  async delete(key: string): Promise<void> {
    const target = this.#path(key);
    if ((await this.head(key)) === null) return;
    await withFileLock(lockOf(target), () => rm(target, { force: true })).catch((cause) => {
      throw notWritable(target, cause);
    });
  }

  #path(key: string): string {
    return path.join(this.#root, ...keyParts(key));
  }

  async #writeDraft(target: string, body: ObjectBody): Promise<Draft> {
    const draft = `${target}.${randomBytes(6).toString("hex")}${temporarySuffix}`;
    try {
      await mkdir(path.dirname(target), { recursive: true });
      await removeAbandoned(target);
      const file = await open(draft, "wx+");
      try {
        if (body instanceof Uint8Array) await file.writeFile(body);
        else for await (const chunk of body) await file.writeFile(chunk);
        await file.sync();
        return { file: draft, info: await infoOf(file) };
      } finally {
        await file.close();
      }
    } catch (cause) {
      await rm(draft, { force: true }).catch(() => undefined);
      throw notWritable(target, cause);
    }
  }

  /** Gives the draft its object's name if, under the lock, `allowed` says so; otherwise the draft is removed. */
  async #place(draft: Draft, target: string, allowed: () => Promise<boolean>): Promise<boolean> {
    try {
      const placed = await withFileLock(lockOf(target), async (lock) => {
        if (!(await allowed())) return false;
        if (!(await lock.isHeld())) throw lockLost(target);
        await rename(draft.file, target);
        return true;
      });
      if (placed) await syncFolder(path.dirname(target));
      else await rm(draft.file, { force: true });
      return placed;
    } catch (cause) {
      await rm(draft.file, { force: true });
      throw notWritable(target, cause);
    }
  }

  async #read(key: string, start: number, end: number): Promise<Uint8Array> {
    const file = await openFile(this.#path(key));
    if (file === null) {
      throw new NcfError("OBJECT_NOT_FOUND", `expected an object "${key}" in ${this.#root}, found none`);
    }
    try {
      const { size } = await file.stat();
      return await readBytes(file, start, Math.min(end, size));
    } finally {
      await file.close();
    }
  }
}

/** The file opened for reading; null where there is none. */
async function openFile(target: string): Promise<FileHandle | null> {
  let file: FileHandle;
  try {
    file = await open(target, "r");
  } catch (cause) {
    // Windows does not open folders.
    if (hasCode(cause, "ENOENT") || hasCode(cause, "ENOTDIR") || hasCode(cause, "EISDIR")) return null;
    throw cause;
  }
  if ((await file.stat()).isFile()) return file;
  await file.close();
  return null;
}

/** How much of the content goes into the etag. */
const etagBytes = 65_536;

/**
 * A clock that ticks every few milliseconds and inode numbers that are used again can make two files look the same, so
 * the etag has a hash of the content's beginning too: all of the small objects that conditional writes are for.
 */
async function infoOf(file: FileHandle): Promise<ObjectInfo> {
  const { size, ino, mtimeNs } = await file.stat({ bigint: true });
  const start = await readBytes(file, 0, Math.min(Number(size), etagBytes));
  const hash = createHash("sha256").update(start).digest("hex").slice(0, 16);
  return { size: Number(size), etag: `${ino}-${mtimeNs}-${size}-${hash}` };
}

async function readBytes(file: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.max(0, end - start));
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await file.read(bytes, done, Math.min(bytes.length - done, 1 << 30), start + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}

function lockOf(target: string): string {
  return `${target}${lockSuffix}`;
}

async function removeAbandoned(target: string): Promise<void> {
  const folder = path.dirname(target);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${path.basename(target)}.`) || !name.endsWith(temporarySuffix)) continue;
    if (name.endsWith(lockSuffix)) continue;
    await removeIfAbandoned(path.join(folder, name));
  }
}

/** An error of our own stays what it is. */
function notWritable(target: string, cause: unknown): NcfError {
  if (cause instanceof NcfError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new NcfError(
    "OBJECT_NOT_WRITTEN",
    `could not write ${target}: ${reason}. Choose a folder that can be written`,
    {
      cause,
    },
  );
}

function lockLost(target: string): NcfError {
  return new NcfError(
    "OBJECT_NOT_WRITTEN",
    `expected to hold the lock of ${target}, but this process was stopped for so long that another took it. Try again`,
    { retriable: true },
  );
}
