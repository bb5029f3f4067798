/**
 * The head of a history snapshot: whose histories they are, up to where, and where each bucket lies.
 *
 *     magic "ncf-hist" · version u32 · buckets u32 · partition count u32 · partition u32 · offset f64 · stream time f64
 *     flags u32 · users u32 · entries f64 · base, 64 bytes of ASCII · checksum of the head f64
 *     1,025 bucket starts f64 · 1,024 bucket checksums f64                     (16,520 bytes in all, little-endian)
 */
import { NcfError } from "../core/errors.ts";
import { hash53 } from "../core/ids.ts";

const snapshotVersion = 1;
export const snapshotBuckets = 1024;

const magic = "ncf-hist";
const baseAt = 56;
const baseBytes = 64;
const checksumAt = baseAt + baseBytes;
const startsAt = checksumAt + 8;
const checksumsAt = startsAt + 8 * (snapshotBuckets + 1);
/** The first bytes of a snapshot, which `decodeSnapshotHead` needs. */
export const snapshotHeadBytes = checksumsAt + 8 * snapshotBuckets;

/** Where in which stream the histories stand. */
export interface SnapshotPlace {
  /** Partitions of the input topic; 0 for a data set's own snapshot. */
  readonly partitionCount: number;
  readonly partition: number;
  /** The first offset that is not yet in the histories. */
  readonly offset: number;
  /** Null before the first event. */
  readonly streamTimeMs: number | null;
  /** Whether the partition's end-of-stream record was read. */
  readonly ended: boolean;
  /** Which snapshot 0 holds the users that this partition has not met; up to 64 ASCII characters, empty for none. */
  readonly base: string;
}

export interface SnapshotHead extends SnapshotPlace {
  readonly users: number;
  readonly entries: number;
  /** Shape [buckets + 1]: bucket b is the bytes bucketStarts[b] … bucketStarts[b + 1] − 1 of the file. */
  readonly bucketStarts: Float64Array;
  /** Shape [buckets]: `hash53` of each. */
  readonly bucketChecksums: Float64Array;
}

export function encodeSnapshotHead(head: SnapshotHead): Uint8Array {
  const bytes = new Uint8Array(snapshotHeadBytes);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(magic));
  view.setUint32(8, snapshotVersion, true);
  view.setUint32(12, snapshotBuckets, true);
  view.setUint32(16, head.partitionCount, true);
  view.setUint32(20, head.partition, true);
  view.setFloat64(24, head.offset, true);
  view.setFloat64(32, head.streamTimeMs ?? 0, true);
  view.setUint32(40, (head.streamTimeMs === null ? 0 : 1) + (head.ended ? 2 : 0), true);
  view.setUint32(44, head.users, true);
  view.setFloat64(48, head.entries, true);
  bytes.set(asciiBase(head.base), baseAt);
  head.bucketStarts.forEach((start, b) => {
    view.setFloat64(startsAt + 8 * b, start, true);
  });
  head.bucketChecksums.forEach((checksum, b) => {
    view.setFloat64(checksumsAt + 8 * b, checksum, true);
  });
  view.setFloat64(checksumAt, hash53(bytes), true);
  return bytes;
}

function asciiBase(base: string): Uint8Array {
  if (!/^[!-~]{0,64}$/.test(base)) {
    throw new NcfError(
      "SNAPSHOT_BASE_INVALID",
      `expected up to ${baseBytes} ASCII characters as base, found "${base}"`,
    );
  }
  return new TextEncoder().encode(base);
}

/**
 * Reads the head of a snapshot.
 *
 * @param bytes the first `snapshotHeadBytes` of the file, or more
 * @param what names the file in errors, such as "snapshot snapshots/live/3/1200"
 * @throws NcfError `FILE_FOREIGN`, `FILE_VERSION` or `FILE_DAMAGED`
 */
export function decodeSnapshotHead(bytes: Uint8Array, what: string): SnapshotHead {
  const view = checkedHead(bytes, what);
  const doubles = (at: number, length: number): Float64Array =>
    Float64Array.from({ length }, (_, i) => view.getFloat64(at + 8 * i, true));
  const flags = view.getUint32(40, true);
  return {
    partitionCount: view.getUint32(16, true),
    partition: view.getUint32(20, true),
    offset: view.getFloat64(24, true),
    streamTimeMs: flags % 2 === 1 ? view.getFloat64(32, true) : null,
    ended: flags >= 2,
    base: new TextDecoder().decode(bytes.subarray(baseAt, baseAt + baseBytes)).replaceAll("\0", ""),
    users: view.getUint32(44, true),
    entries: view.getFloat64(48, true),
    bucketStarts: doubles(startsAt, snapshotBuckets + 1),
    bucketChecksums: doubles(checksumsAt, snapshotBuckets),
  };
}

function checkedHead(bytes: Uint8Array, what: string): DataView {
  const start = new TextDecoder("latin1").decode(bytes.subarray(0, magic.length));
  if (!magic.startsWith(start)) {
    throw new NcfError(
      "FILE_FOREIGN",
      `${what}: expected a file that starts with "${magic}", found another kind of file`,
    );
  }
  if (bytes.length < 12) throw damagedSnapshot(what, `a head of ${snapshotHeadBytes} bytes`, `${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(8, true);
  if (version !== snapshotVersion) {
    const way = "read it with the ncf-stream that wrote it, or remove it and let the state be rebuilt";
    throw new NcfError(
      "FILE_VERSION",
      `${what}: expected snapshot version ${snapshotVersion}, found ${version}; ${way}`,
    );
  }
  if (bytes.length < snapshotHeadBytes) {
    throw damagedSnapshot(what, `a head of ${snapshotHeadBytes} bytes`, `${bytes.length}`);
  }
  const blanked = bytes.slice(0, snapshotHeadBytes);
  blanked.fill(0, checksumAt, checksumAt + 8);
  if (hash53(blanked) !== view.getFloat64(checksumAt, true)) {
    throw damagedSnapshot(what, "a head that matches its checksum", "other content");
  }
  return view;
}

export function damagedSnapshot(what: string, expected: string, found: string): NcfError {
  return new NcfError("FILE_DAMAGED", `${what}: expected ${expected}, found ${found}. Remove it; an older one will do`);
}
