/**
 * What launchers know of each other, in `launcher/state.json`: who is launching just now, what was launched lately and may not
 * be counted yet, and how often nothing was free.
 */
import { z } from "zod";
import { NcfError } from "../../core/errors.ts";
import { decodeJson, encodeJsonFile } from "../../core/json.ts";
import type { ObjectStore } from "../../ports/object-store.ts";

const stateSchema = z.object({
  /** The launch that is under way, or that a crash left. */
  claim: z.object({ launchId: z.string(), by: z.string(), atMs: z.number() }).nullable(),
  /** The latest first. */
  launched: z.array(z.object({ instanceId: z.string(), atMs: z.number() })),
  /** Times in a row that nothing was free, and when last. */
  shortages: z.object({ count: z.int().min(0), atMs: z.number() }),
});

export type LaunchState = z.infer<typeof stateSchema>;

export interface KeptState {
  readonly state: LaunchState;
  /** Of the object; null where there is none. */
  readonly etag: string | null;
}

const key = "launcher/state.json";

/** @throws NcfError `FILE_FOREIGN`; those of the store */
export async function readLaunchState(store: ObjectStore): Promise<KeptState> {
  const head = await store.head(key);
  if (head === null) return { state: { claim: null, launched: [], shortages: { count: 0, atMs: 0 } }, etag: null };
  const bytes = await store.get(key);
  try {
    return { state: stateSchema.parse(decodeJson(bytes)), etag: head.etag };
  } catch (cause) {
    throw new NcfError(
      "FILE_FOREIGN",
      `${key}: expected the state of the launcher, found something else. Remove it: it is made anew`,
      { cause },
    );
  }
}

/** Writes a state that follows from the one that was read. @returns null where another one was written since */
export async function writeLaunchState(
  store: ObjectStore,
  { etag }: KeptState,
  state: LaunchState,
): Promise<KeptState | null> {
  const bytes = encodeJsonFile(state);
  const written = etag === null ? await store.putIfAbsent(key, bytes) : await store.putIfMatch(key, bytes, etag);
  return written === null ? null : { state, etag: written.etag };
}
