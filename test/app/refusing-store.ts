import { NcfError } from "../../src/core/errors.ts";
import type { ObjectStore } from "../../src/ports/object-store.ts";

/** A store of which some requests are refused, as one that is overloaded does. */
export function refusing(store: ObjectStore, refuses: (method: string, key: string) => boolean): ObjectStore {
  return new Proxy(store, {
    get: (of, name) => {
      const method = Reflect.get(of, name) as (...args: unknown[]) => Promise<unknown>;
      return async (...args: unknown[]) => {
        if (refuses(String(name), String(args[0]))) {
          throw new NcfError("STORE_UNAVAILABLE", "expected an answer of the store, found 503", { retriable: true });
        }
        return method.apply(of, args);
      };
    },
  });
}
