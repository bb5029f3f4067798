/** Versions that cannot be loaded, and are no reason to end: tests of the champion go on without them. */
import { canPass } from "./retrying.ts";
import type { StreamEvent } from "./stream-events.ts";

/**
 * Loads what a challenger is made of. One that cannot be loaded is set aside: told once, and null each time.
 *
 * @throws what may pass, such as a store that does not answer
 */
export type OrSetAside = <T>(version: string, load: () => Promise<T>) => Promise<T | null>;

/** @param who "partition 3", "windows": names the work in events */
export function settingAside(who: string, onEvent: (event: StreamEvent) => void = () => undefined): OrSetAside {
  const told = new Set<string>();
  return async (version, load) => {
    try {
      const loaded = await load();
      told.delete(version);
      return loaded;
    } catch (cause) {
      if (canPass(cause)) throw cause;
      if (!told.has(version)) onEvent({ event: "challengerSetAside", who, version, cause });
      told.add(version);
      return null;
    }
  };
}
