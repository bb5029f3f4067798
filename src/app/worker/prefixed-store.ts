/** The part of an object store below a prefix, as a store of its own. */
import type { ObjectStore } from "../../ports/object-store.ts";

/** @param prefix ends with "/" */
export function prefixedStore(store: ObjectStore, prefix: string): ObjectStore {
  const place = (key: string): string => prefix + key;
  return {
    put: (key, body) => store.put(place(key), body),
    putIfAbsent: (key, body) => store.putIfAbsent(place(key), body),
    putIfMatch: (key, body, etag) => store.putIfMatch(place(key), body, etag),
    get: (key) => store.get(place(key)),
    getRange: (key, start, end) => store.getRange(place(key), start, end),
    head: (key) => store.head(place(key)),
    list: async (under) => (await store.list(place(under))).map((key) => key.slice(prefix.length)),
    delete: (key) => store.delete(place(key)),
  };
}
