import { NcfError } from "../core/errors.ts";

/** Named byte objects, as in S3 or a folder. Keys are `/`-separated and never start with `/` or contain `..`. */

export interface ObjectInfo {
  readonly size: number;
  /** Changes whenever the content changes. */
  readonly etag: string;
}

export type ObjectBody = Uint8Array | AsyncIterable<Uint8Array>;

export interface ObjectStore {
  /** Writes the object whole or not at all: a reader sees the old content or the new, never a part. */
  put(key: string, body: ObjectBody): Promise<ObjectInfo>;
  /** Like `put`, but answers null and changes nothing when the key exists. */
  putIfAbsent(key: string, body: ObjectBody): Promise<ObjectInfo | null>;
  /**
   * Like `put`, but answers null and changes nothing when `etag` is not the object's own any more, or the object is not
   * there. To change an object: `head` for the etag, *then* `get`, then this with what follows from the content, and
   * all again after null. Of any writers with the same etag one wins.
   */
  putIfMatch(key: string, body: ObjectBody, etag: string): Promise<ObjectInfo | null>;
  /** The whole content. @throws NcfError `OBJECT_NOT_FOUND` */
  get(key: string): Promise<Uint8Array>;
  /** Bytes start … end − 1, cut at the object's end. @throws NcfError `OBJECT_NOT_FOUND` */
  getRange(key: string, start: number, end: number): Promise<Uint8Array>;
  head(key: string): Promise<ObjectInfo | null>;
  /** Keys that start with `prefix`, ascending. */
  list(prefix: string): Promise<string[]>;
  /** Removes the object; removing one that is not there is no error. */
  delete(key: string): Promise<void>;
}

/** The parts of `key`. @throws NcfError `OBJECT_KEY_INVALID` */
export function keyParts(key: string): string[] {
  const parts = key.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..") || key.includes("\\")) {
    throw new NcfError("OBJECT_KEY_INVALID", `expected a key like "a/b.json", found "${key}"`);
  }
  return parts;
}
