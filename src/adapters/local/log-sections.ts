/**
 * How an entry of the interaction log's journal is written: a new topic, or a commit.
 *
 *     topic:    kind 1 (u8), {"topic", "partitions", "timestamps"} (JSON; without the last, they are the producers' own)
 *     commit:   kind 2 (u8), length of the offsets (u32), offsets (JSON), sections to the end
 *     section:  length of the topic (u16), topic, partition (u32), first offset (f64), records (u32), length of the body (u32), body
 *     body:     CRC-32 of the rest (u32), records
 *     record:   timestampMs (f64), length of the key (i32, −1: null), length of the value (i32, −1: null), key, value
 *
 * All numbers are little-endian. A section holds consecutive records of one partition and is what a reader loads, so it
 * has a checksum of its own and a bounded size.
 */
import { crc32 } from "node:zlib";
import type { LogRecord, OffsetCommit } from "../../ports/interaction-log.ts";
import type { LocalTopic, PlacedRecord } from "./local-interaction-log.ts";

const topicKind = 1;
const commitKind = 2;
const recordHeadBytes = 16;
/** A section ends with the record that takes its body to this size. */
const sectionBytes = 262_144;

/** Consecutive records of one partition, and where their body lies in the payload. */
export interface Section {
  readonly topic: string;
  readonly partition: number;
  readonly firstOffset: number;
  readonly records: number;
  readonly start: number;
  readonly length: number;
}

export type DecodedEntry =
  | { readonly kind: "topic"; readonly name: string; readonly topic: LocalTopic }
  | { readonly kind: "commit"; readonly sections: readonly Section[]; readonly offsets: readonly OffsetCommit[] };

export function encodeTopic(topic: string, { partitions, timestamps }: LocalTopic): Uint8Array {
  return Buffer.concat([Buffer.of(topicKind), Buffer.from(JSON.stringify({ topic, partitions, timestamps }))]);
}

/** @param firstOffset gives the next free offset of a partition */
export function encodeCommit(
  records: readonly PlacedRecord[],
  offsets: readonly OffsetCommit[],
  firstOffset: (topic: string, partition: number) => number,
): { readonly payload: Uint8Array; readonly sections: readonly Section[] } {
  const offsetsJson = Buffer.from(JSON.stringify(offsets));
  const head = Buffer.alloc(5);
  head[0] = commitKind;
  head.writeUInt32LE(offsetsJson.length, 1);
  const parts: Uint8Array[] = [head, offsetsJson];
  const sections: Section[] = [];
  let length = head.length + offsetsJson.length;
  for (const group of byPartition(records)) {
    const { topic, partition } = group[0];
    let offset = firstOffset(topic, partition);
    for (let start = 0; start < group.length; ) {
      const { body, end } = encodeBody(group, start);
      const sectionHead = encodeSectionHead(topic, partition, offset, end - start, body.length);
      parts.push(sectionHead, body);
      length += sectionHead.length;
      sections.push({
        topic,
        partition,
        firstOffset: offset,
        records: end - start,
        start: length,
        length: body.length,
      });
      length += body.length;
      offset += end - start;
      start = end;
    }
  }
  return { payload: Buffer.concat(parts, length), sections };
}

/** What the payload says, without its records. The payload's checksum must have been checked. */
export function decodeEntry(payload: Buffer): DecodedEntry {
  if (payload[0] === topicKind) {
    const { topic: name, partitions, timestamps = "create" } = JSON.parse(payload.toString("utf8", 1));
    return { kind: "topic", name, topic: { partitions, timestamps } };
  }
  let at = 5 + payload.readUInt32LE(1);
  const offsets = JSON.parse(payload.toString("utf8", 5, at));
  const sections: Section[] = [];
  while (at < payload.length) {
    const topicEnd = at + 2 + payload.readUInt16LE(at);
    const section = {
      topic: payload.toString("utf8", at + 2, topicEnd),
      partition: payload.readUInt32LE(topicEnd),
      firstOffset: payload.readDoubleLE(topicEnd + 4),
      records: payload.readUInt32LE(topicEnd + 12),
      start: topicEnd + 20,
      length: payload.readUInt32LE(topicEnd + 16),
    };
    sections.push(section);
    at = section.start + section.length;
  }
  return { kind: "commit", sections, offsets };
}

/** Whether a section's body is as it was written. */
export function isWholeBody(body: Buffer): boolean {
  return body.length >= 4 && crc32(body.subarray(4)) === body.readUInt32LE(0);
}

/** Where in a section's body a reader stands. */
export interface BodyCursor {
  readonly offset: number;
  readonly at: number;
}

/** The cursor at a section's first record. */
export function bodyStart(firstOffset: number): BodyCursor {
  return { offset: firstOffset, at: 4 };
}

/** Adds up to `most` records from `fromOffset` on to `records`, and says where it stopped. */
export function decodeBody(
  body: Buffer,
  cursor: BodyCursor,
  fromOffset: number,
  most: number,
  records: LogRecord[],
): BodyCursor {
  let { offset, at } = cursor;
  for (let taken = 0; at < body.length && taken < most; offset++) {
    const keyLength = body.readInt32LE(at + 8);
    const valueLength = body.readInt32LE(at + 12);
    const keyAt = at + recordHeadBytes;
    const valueAt = keyAt + Math.max(0, keyLength);
    const end = valueAt + Math.max(0, valueLength);
    if (offset >= fromOffset) {
      const timestampMs = body.readDoubleLE(at);
      const key = keyLength < 0 ? null : body.toString("utf8", keyAt, valueAt);
      // A copy: the caller may change it, and must not keep the whole body in memory.
      const value = valueLength < 0 ? null : new Uint8Array(body.subarray(valueAt, end));
      records.push({ offset, timestampMs, key, value });
      taken++;
    }
    at = end;
  }
  return { offset, at };
}

function byPartition(records: readonly PlacedRecord[]): Iterable<PlacedRecord[]> {
  const groups = new Map<string, PlacedRecord[]>();
  for (const record of records) {
    const key = `${record.topic}/${record.partition}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [record]);
    else group.push(record);
  }
  return groups.values();
}

function encodeSectionHead(topic: string, partition: number, offset: number, records: number, bytes: number): Buffer {
  const topicBytes = Buffer.from(topic);
  const head = Buffer.alloc(2 + topicBytes.length + 20);
  head.writeUInt16LE(topicBytes.length, 0);
  head.set(topicBytes, 2);
  const at = 2 + topicBytes.length;
  head.writeUInt32LE(partition, at);
  head.writeDoubleLE(offset, at + 4);
  head.writeUInt32LE(records, at + 12);
  head.writeUInt32LE(bytes, at + 16);
  return head;
}

/** The records from `start` on that fill one section. */
function encodeBody(group: readonly PlacedRecord[], start: number): { body: Buffer; end: number } {
  let bytes = 4;
  let end = start;
  const keyLengths: number[] = [];
  while (end < group.length && bytes < sectionBytes) {
    const { key, value } = group[end++];
    const keyLength = key === null ? -1 : Buffer.byteLength(key);
    keyLengths.push(keyLength);
    bytes += recordHeadBytes + Math.max(0, keyLength) + (value?.length ?? 0);
  }
  const body = Buffer.allocUnsafe(bytes);
  let at = 4;
  for (let i = start; i < end; i++) {
    const { timestampMs, key, value } = group[i];
    at = body.writeDoubleLE(timestampMs, at);
    at = body.writeInt32LE(keyLengths[i - start], at);
    at = body.writeInt32LE(value?.length ?? -1, at);
    if (key !== null) at += body.write(key, at);
    if (value !== null) {
      body.set(value, at);
      at += value.length;
    }
  }
  body.writeUInt32LE(crc32(body.subarray(4)), 0);
  return { body, end };
}
