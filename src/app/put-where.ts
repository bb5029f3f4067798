/** Writes that hang on what is there, by two conditional writes of the store. */
import { NcfError } from "../core/errors.ts";
import { decodeJson } from "../core/json.ts";
import type { ObjectStore } from "../ports/object-store.ts";

/**
 * Writes the object if there is none, or if `mayReplace` says so of the JSON in it; looks again when another one wrote or removed it meanwhile.
 *
 * @returns whether it was written
 * @throws those of the store; a SyntaxError for what is no JSON
 */
export async function putWhere(
  store: ObjectStore,
  key: string,
  body: Uint8Array,
  mayReplace: (found: unknown) => boolean,
): Promise<boolean> {
  for (;;) {
    const head = await store.head(key);
    if (head === null) {
      if ((await store.putIfAbsent(key, body)) !== null) return true;
      continue;
    }
    const found = await contentOf(store, key);
    if (found === null) continue;
    if (!mayReplace(decodeJson(found))) return false;
    if ((await store.putIfMatch(key, body, head.etag)) !== null) return true;
  }
}

/** Null for an object that is not there any more. */
async function contentOf(store: ObjectStore, key: string): Promise<Uint8Array | null> {
  try {
    return await store.get(key);
  } catch (error) {
    if (error instanceof NcfError && error.code === "OBJECT_NOT_FOUND") return null;
    throw error;
  }
}
