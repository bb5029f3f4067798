/** An object store in a folder: one file an object, written beside its place, synced and renamed. */
import { randomBytes } from "node:crypto";
import { link, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { NcfError } from "../../core/errors.ts";
import { keyParts, type ObjectBody, type ObjectInfo, type ObjectStore } from "../../ports/object-store.ts";

const temporarySuffix = ".tmp";

export class FileObjectStore implements ObjectStore {
  readonly #root: string;

  /** @param root folder; created when the first object is written */
  constructor(root: string) {
    this.#root = path.resolve(root);
  }

  async put(key: string, body: ObjectBody): Promise<ObjectInfo> {
    const target = this.#path(key);
    const temporary = await this.#writeTemporary(target, body);
    await rename(temporary, target).catch(async (cause) => {
      await rm(temporary, { force: true });
      throw notWritable(target, cause);
    });
    await syncFolder(path.dirname(target));
    return this.#info(target);
  }

  async putIfAbsent(key: string, body: ObjectBody): Promise<ObjectInfo | null> {
    const target = this.#path(key);
    const temporary = await this.#writeTemporary(target, body);
    try {
      // A hard link fails where the target exists, in one step.
      await link(temporary, target);
    } catch (cause) {
      if (hasCode(cause, "EEXIST")) return null;
      throw notWritable(target, cause);
    } finally {
      await rm(temporary, { force: true });
    }
    await syncFolder(path.dirname(target));
    return this.#info(target);
  }

  async get(key: string): Promise<Uint8Array> {
    return this.#read(key, 0, Number.POSITIVE_INFINITY);
  }

  async getRange(key: string, start: number, end: number): Promise<Uint8Array> {
    return this.#read(key, start, end);
  }

  async head(key: string): Promise<ObjectInfo | null> {
    try {
      return await this.#info(this.#path(key));
    } catch (cause) {
      if (hasCode(cause, "ENOENT") || hasCode(cause, "ENOTDIR")) return null;
      throw cause;
    }
  }

  async list(prefix: string): Promise<string[]> {
    const entries = await readdir(this.#root, { recursive: true, withFileTypes: true }).catch((cause) => {
      if (hasCode(cause, "ENOENT")) return [];
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
    await rm(target, { force: true }).catch((cause) => {
      throw notWritable(target, cause);
    });
  }

  #path(key: string): string {
    return path.join(this.#root, ...keyParts(key));
  }

  async #writeTemporary(target: string, body: ObjectBody): Promise<string> {
    const temporary = `${target}.${randomBytes(6).toString("hex")}${temporarySuffix}`;
    try {
      await mkdir(path.dirname(target), { recursive: true });
      await removeAbandoned(target);
      const file = await open(temporary, "wx");
      try {
        if (body instanceof Uint8Array) await file.writeFile(body);
        else for await (const chunk of body) await file.writeFile(chunk);
        await file.sync();
      } finally {
        await file.close();
      }
      return temporary;
    } catch (cause) {
      await rm(temporary, { force: true }).catch(() => undefined);
      if (cause instanceof NcfError) throw cause;
      throw notWritable(target, cause);
    }
  }

  async #read(key: string, start: number, end: number): Promise<Uint8Array> {
    const file = await open(this.#path(key), "r").catch((cause) => {
      if (hasCode(cause, "ENOENT") || hasCode(cause, "ENOTDIR")) {
        throw new NcfError("OBJECT_NOT_FOUND", `expected an object "${key}" in ${this.#root}, found none`, { cause });
      }
      throw cause;
    });
    try {
      const { size } = await file.stat();
      const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
      let done = 0;
      while (done < bytes.length) {
        const { bytesRead } = await file.read(bytes, done, Math.min(bytes.length - done, 1 << 30), start + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return bytes.subarray(0, done);
    } finally {
      await file.close();
    }
  }

  async #info(target: string): Promise<ObjectInfo> {
    const { size, ino, mtimeNs } = await stat(target, { bigint: true });
    return { size: Number(size), etag: `${ino}-${mtimeNs}-${size}` };
  }
}

/** A writer that was killed leaves its temporary file; after so long nobody is writing to it any more. */
const abandonedAfterMs = 3_600_000;

async function removeAbandoned(target: string): Promise<void> {
  const folder = path.dirname(target);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${path.basename(target)}.`) || !name.endsWith(temporarySuffix)) continue;
    const file = path.join(folder, name);
    const age = await stat(file).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > abandonedAfterMs) await rm(file, { force: true });
  }
}

function hasCode(cause: unknown, code: string): boolean {
  return cause instanceof Error && "code" in cause && cause.code === code;
}

function notWritable(target: string, cause: unknown): NcfError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new NcfError(
    "OBJECT_NOT_WRITTEN",
    `could not write ${target}: ${reason}. Choose a folder that can be written`,
    {
      cause,
    },
  );
}

/** Makes the rename itself durable; not every platform can sync a folder. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => null);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
