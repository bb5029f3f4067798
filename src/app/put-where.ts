/** Writes that hang on what is there, by two conditional writes of the store. */
import { decodeJson } from "../core/json.ts";
import type { ObjectStore } from "../ports/object-store.ts";

/**
 * Writes the object if there is none, or if `mayReplace` says so of the JSON in it; looks again when another writer was faster.
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
    if (!mayReplace(decodeJson(await store.get(key)))) return false;
    if ((await store.putIfMatch(key, body, head.etag)) !== null) return true;
  }
}
