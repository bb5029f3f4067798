/** An object store in memory, for tests and for one-process use. */
import { NcfError } from "../../core/errors.ts";
import { keyParts, type ObjectBody, type ObjectInfo, type ObjectStore } from "../../ports/object-store.ts";

export class MemoryObjectStore implements ObjectStore {
  readonly #objects = new Map<string, { bytes: Uint8Array; etag: string }>();
  #writes = 0;

  async put(key: string, body: ObjectBody): Promise<ObjectInfo> {
    return this.#set(key, await collect(body));
  }

  async putIfAbsent(key: string, body: ObjectBody): Promise<ObjectInfo | null> {
    const bytes = await collect(body);
    return this.#objects.has(checked(key)) ? null : this.#set(key, bytes);
  }

  async putIfMatch(key: string, body: ObjectBody, etag: string): Promise<ObjectInfo | null> {
    const bytes = await collect(body);
    return this.#objects.get(checked(key))?.etag === etag ? this.#set(key, bytes) : null;
  }

  async get(key: string): Promise<Uint8Array> {
    return this.getRange(key, 0, Number.POSITIVE_INFINITY);
  }

  async getRange(key: string, start: number, end: number): Promise<Uint8Array> {
    const found = this.#objects.get(checked(key));
    if (found === undefined) throw new NcfError("OBJECT_NOT_FOUND", `expected an object "${key}", found none`);
    return found.bytes.slice(start, Math.min(end, found.bytes.length));
  }

  async head(key: string): Promise<ObjectInfo | null> {
    const found = this.#objects.get(checked(key));
    return found === undefined ? null : { size: found.bytes.length, etag: found.etag };
  }

  async list(prefix: string): Promise<string[]> {
    return [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  async delete(key: string): Promise<void> {
    this.#objects.delete(checked(key));
  }

  #set(key: string, bytes: Uint8Array): ObjectInfo {
    this.#writes += 1;
    const etag = String(this.#writes);
    this.#objects.set(checked(key), { bytes, etag });
    return { size: bytes.length, etag };
  }
}

function checked(key: string): string {
  return keyParts(key).join("/");
}

async function collect(body: ObjectBody): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body.slice();
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk.slice());
  return new Uint8Array(Buffer.concat(chunks));
}
