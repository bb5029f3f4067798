/** A snapshot of any size in place of a group's newest: a part of bench/stream-kafka.ts. */
import type { ObjectStore } from "../src/ports/object-store.ts";
import { encodeSnapshot } from "../src/streaming/history-snapshot.ts";
import { decodeSnapshotHead } from "../src/streaming/snapshot-head.ts";
import { UserHistories } from "../src/streaming/user-histories.ts";

/** As in ML-20M. */
const entriesPerUser = 144;
const catalogue = 27_278;
/** Coprime to the catalogue's size, so that a user's items differ. */
const itemStride = 151;

/** Replaces the newest snapshot by one at the same place with so many interactions. @returns its bytes */
export async function enlargeSnapshot(store: ObjectStore, prefix: string, entries: number): Promise<number> {
  const key = (await store.list(prefix)).at(-1);
  if (key === undefined) throw new Error(`expected a snapshot below ${prefix}, found none`);
  const place = decodeSnapshotHead(await store.get(key), key);
  const histories = new UserHistories();
  for (let i = 0; i < entries; i++) {
    const user = Math.floor(i / entriesPerUser);
    const itemId = 1 + ((user * 7919 + (i % entriesPerUser) * itemStride) % catalogue);
    // Half a minute to four minutes apart, as people rate.
    const timestampMs = 946_684_800_000 + user * 1_000_000 + (i % entriesPerUser) * 30_000 * (1 + (user % 8));
    histories.append(1 + user, itemId, timestampMs, false);
  }
  const bytes = encodeSnapshot(place, histories);
  await store.put(key, bytes);
  return bytes.length;
}
