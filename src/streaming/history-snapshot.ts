/**
 * The file form of user histories: what a partition's state was at an offset, or snapshot 0 of a data set.
 *
 * After the head come 1,024 buckets of users by hash(user), each user by ascending id: user · entries · tested, a bit an
 * entry · (item · time less the one before) an entry, in the order in which they joined; all integers of variable length.
 * So a reader that keeps the head answers "what has user U seen" with one range read. The head's checksum covers those of
 * the buckets: no byte of the file lies outside of one.
 */
import { NcfError } from "../core/errors.ts";
import { hash53 } from "../core/ids.ts";
import { mix } from "../core/rng.ts";
import { ByteReader, ByteWriter } from "./byte-buffer.ts";
import { maxEventTimeMs } from "./interaction-event.ts";
import {
  damagedSnapshot,
  decodeSnapshotHead,
  encodeSnapshotHead,
  type SnapshotHead,
  type SnapshotPlace,
  snapshotBuckets,
  snapshotHeadBytes,
} from "./snapshot-head.ts";
import { UserHistories, type UserHistory } from "./user-histories.ts";

export interface HistorySnapshot {
  readonly head: SnapshotHead;
  readonly histories: UserHistories;
}

/** Which bucket holds a user. */
export function bucketOf(userId: number): number {
  const high = Math.floor(userId / 2 ** 32);
  return mix(mix(userId >>> 0, 0x2545f491, 0x4f6cdd1d), high, 0x5851f42d) % snapshotBuckets;
}

/**
 * The file's bytes. The same histories at the same place always give the same bytes.
 *
 * @throws NcfError `TIME_INVALID`, `SNAPSHOT_BASE_INVALID`
 */
export function encodeSnapshot(place: SnapshotPlace, histories: UserHistories): Uint8Array {
  const buckets = encodeBuckets(histories);
  const bucketStarts = new Float64Array(snapshotBuckets + 1).fill(snapshotHeadBytes);
  buckets.forEach((bucket, b) => {
    bucketStarts[b + 1] = bucketStarts[b] + bucket.length;
  });
  const bucketChecksums = Float64Array.from(buckets, hash53);
  const { userCount: users, entryCount: entries } = histories;
  const file = new Uint8Array(bucketStarts[snapshotBuckets]);
  file.set(encodeSnapshotHead({ ...place, users, entries, bucketStarts, bucketChecksums }));
  buckets.forEach((bucket, b) => {
    file.set(bucket, bucketStarts[b]);
  });
  return file;
}

function encodeBuckets(histories: UserHistories): Uint8Array[] {
  const users: number[][] = Array.from({ length: snapshotBuckets }, () => []);
  for (let user = 0; user < histories.userCount; user++) users[bucketOf(histories.userId(user))].push(user);
  const writer = new ByteWriter();
  return users.map((members) => {
    members.sort((a, b) => histories.userId(a) - histories.userId(b));
    for (const user of members) writeUser(writer, histories.userId(user), histories.read(user));
    return writer.take();
  });
}

function writeUser(writer: ByteWriter, userId: number, { itemIds, timesMs, tested }: UserHistory): void {
  writer.integer(userId);
  writer.integer(itemIds.length);
  // Seven flags an integer, which is one byte.
  for (let i = 0; i < tested.length; i += 7) {
    let flags = 0;
    for (let bit = 0; bit < 7; bit++) flags |= (tested[i + bit] ?? 0) << bit;
    writer.integer(flags);
  }
  let before = 0;
  for (let i = 0; i < itemIds.length; i++) {
    if (!(Math.abs(timesMs[i]) <= maxEventTimeMs)) {
      throw new NcfError("TIME_INVALID", `user ${userId}: expected an event time within ±2^51 ms, found ${timesMs[i]}`);
    }
    writer.integer(itemIds[i]);
    writer.signed(timesMs[i] - before);
    before = timesMs[i];
  }
}

/**
 * Reads one bucket.
 *
 * @param bytes the file's bytes bucketStarts[bucket] … bucketStarts[bucket + 1] − 1
 * @returns the histories of the bucket's users by numeric id, ascending
 * @throws NcfError `FILE_DAMAGED`
 */
export function decodeBucket(
  head: SnapshotHead,
  bucket: number,
  bytes: Uint8Array,
  what: string,
): Map<number, UserHistory> {
  const length = head.bucketStarts[bucket + 1] - head.bucketStarts[bucket];
  if (bytes.length !== length) throw damagedSnapshot(what, `${length} bytes of bucket ${bucket}`, `${bytes.length}`);
  if (hash53(bytes) !== head.bucketChecksums[bucket]) {
    throw damagedSnapshot(what, `bucket ${bucket} to match its checksum`, "other content");
  }
  const users = new Map<number, UserHistory>();
  const reader = new ByteReader(bytes);
  while (!reader.atEnd) users.set(reader.integer(), readUser(reader));
  return users;
}

function readUser(reader: ByteReader): UserHistory {
  const count = reader.integer();
  const history = {
    itemIds: new Float64Array(count),
    timesMs: new Float64Array(count),
    tested: new Uint8Array(count),
  };
  for (let i = 0; i < count; i += 7) {
    const flags = reader.integer();
    for (let bit = 0; bit < 7 && i + bit < count; bit++) history.tested[i + bit] = (flags >>> bit) & 1;
  }
  let before = 0;
  for (let i = 0; i < count; i++) {
    history.itemIds[i] = reader.integer();
    before += reader.signed();
    history.timesMs[i] = before;
  }
  return history;
}

/**
 * Reads a whole snapshot.
 *
 * @throws NcfError `FILE_FOREIGN`, `FILE_VERSION` or `FILE_DAMAGED`
 */
export function decodeSnapshot(bytes: Uint8Array, what: string): HistorySnapshot {
  const head = decodeSnapshotHead(bytes, what);
  const length = head.bucketStarts[snapshotBuckets];
  if (bytes.length !== length) throw damagedSnapshot(what, `${length} bytes`, `${bytes.length}`);
  const histories = new UserHistories();
  for (let bucket = 0; bucket < snapshotBuckets; bucket++) {
    const content = bytes.subarray(head.bucketStarts[bucket], head.bucketStarts[bucket + 1]);
    for (const [userId, history] of decodeBucket(head, bucket, content, what)) histories.add(userId, history);
  }
  return { head, histories };
}
