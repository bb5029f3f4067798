/** Uploads in an object store, copied to this machine's disk part by part: memory holds two parts, whatever the size. */
import { createHash } from "node:crypto";
import { mkdtemp, open, rm } from "node:fs/promises";
import path from "node:path";
import { NcfError } from "../../core/errors.ts";
import type { ObjectInfo, ObjectStore } from "../../ports/object-store.ts";
import type { LocalUpload, Uploads } from "../../ports/uploads.ts";

const partBytes = 8 * 1024 * 1024;

export class SpooledUploads implements Uploads {
  readonly #store: ObjectStore;
  readonly #folder: string;

  /** @param folder takes the files; with room for the largest */
  constructor(store: ObjectStore, folder: string) {
    this.#store = store;
    this.#folder = folder;
  }

  async withFile<T>(key: string, maxBytes: number, work: (upload: LocalUpload) => Promise<T>): Promise<T> {
    const info = await this.#store.head(key);
    if (info === null) throw new NcfError("OBJECT_NOT_FOUND", `expected an upload ${key}, found none. Upload it again`);
    if (info.size > maxBytes) {
      throw new NcfError(
        "UPLOAD_TOO_LARGE",
        `${key}: expected at most ${maxBytes} bytes, found ${info.size}. Upload a zip, or a part of the ratings, or allow more`,
      );
    }
    const folder = await mkdtemp(path.join(this.#folder, "upload-"));
    try {
      const file = path.join(folder, path.posix.basename(key));
      const sha256 = await this.#copy(key, info.size, file);
      await this.#checkUnchanged(key, info);
      return await work({ path: file, bytes: info.size, sha256, etag: info.etag });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Asks for a part while the one before is written. Gives the content's sha256, hex. */
  async #copy(key: string, size: number, target: string): Promise<string> {
    const hash = createHash("sha256");
    const part = (start: number) =>
      start < size ? this.#store.getRange(key, start, Math.min(size, start + partBytes)) : null;
    const file = await open(target, "wx");
    try {
      let next = part(0);
      for (let start = 0; next !== null; start += partBytes) {
        const bytes = await next;
        next = part(start + partBytes);
        next?.catch(() => undefined); // told where it is awaited
        hash.update(bytes);
        await file.writeFile(bytes);
      }
    } finally {
      await file.close();
    }
    return hash.digest("hex");
  }

  async #checkUnchanged(key: string, { etag }: ObjectInfo): Promise<void> {
    if ((await this.#store.head(key))?.etag === etag) return;
    throw new NcfError(
      "UPLOAD_CHANGED",
      `${key}: expected the upload to stay as it is while it is read, found another one in its place. Read that`,
      { retriable: true },
    );
  }
}
