import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter } from "../../src/streaming/byte-buffer.ts";
import { bucketOf, decodeBucket, decodeSnapshot, encodeSnapshot } from "../../src/streaming/history-snapshot.ts";
import { maxEventTimeMs } from "../../src/streaming/interaction-event.ts";
import {
  decodeSnapshotHead,
  type SnapshotPlace,
  snapshotBuckets,
  snapshotHeadBytes,
} from "../../src/streaming/snapshot-head.ts";
import { UserHistories } from "../../src/streaming/user-histories.ts";

const id = fc.oneof(fc.nat(300), fc.maxSafeNat(), fc.constant(2 ** 53 - 1));
const time = fc.oneof(
  fc.integer(),
  fc.integer({ min: -maxEventTimeMs, max: maxEventTimeMs }),
  fc.constantFrom(maxEventTimeMs, -maxEventTimeMs),
);
const entries = fc.array(fc.record({ user: id, item: id, time, tested: fc.boolean() }), { maxLength: 60 });
const places: fc.Arbitrary<SnapshotPlace> = fc.record({
  partitionCount: fc.nat(2 ** 32 - 1),
  partition: fc.nat(2 ** 32 - 1),
  offset: fc.maxSafeNat(),
  streamTimeMs: fc.option(time),
  ended: fc.boolean(),
  base: fc.constantFrom("", "a", "f".repeat(64)),
});
const place: SnapshotPlace = { partitionCount: 2, partition: 1, offset: 9, streamTimeMs: -3, ended: false, base: "b" };

function historiesOf(rows: readonly { user: number; item: number; time: number; tested: boolean }[]): UserHistories {
  const histories = new UserHistories();
  for (const row of rows) histories.append(row.user, row.item, row.time, row.tested);
  return histories;
}

/** Users by id, since a table's own numbering is not part of a snapshot. */
function contentOf(histories: UserHistories) {
  const users = Array.from({ length: histories.userCount }, (_, user) => user);
  return new Map(users.map((user) => [histories.userId(user), histories.read(user)]));
}

const someBytes = encodeSnapshot(
  place,
  historiesOf(Array.from({ length: 30 }, (_, i) => ({ user: i % 7, item: i, time: 1000 * i, tested: i % 3 === 0 }))),
);

const codes = expect.objectContaining({ code: expect.stringMatching(/^FILE_(DAMAGED|FOREIGN|VERSION)$/) });

describe("integers of variable length", () => {
  it("come back as they went in, of either sign and up to the limit", () => {
    fc.assert(
      fc.property(fc.array(fc.maxSafeInteger()), (values) => {
        const writer = new ByteWriter();
        for (const value of values) writer.integer(Math.abs(value));
        for (const value of values) writer.signed(Math.trunc(value / 2));
        writer.signed(2 ** 52);
        writer.signed(-(2 ** 52));
        const reader = new ByteReader(writer.take());
        expect(values.map(() => reader.integer())).toEqual(values.map(Math.abs));
        expect(values.map(() => reader.signed())).toEqual(values.map((value) => Math.trunc(value / 2) + 0));
        expect([reader.signed(), reader.signed()]).toEqual([2 ** 52, -(2 ** 52)]);
        expect(reader.atEnd).toBe(true);
      }),
    );
  });

  it("are refused where the bytes end within one", () => {
    expect(() => new ByteReader(Uint8Array.of(0x80)).integer()).toThrow(
      expect.objectContaining({ code: "FILE_DAMAGED" }),
    );
  });
});

describe("a snapshot of histories", () => {
  it("gives back the histories and the place that went in", () => {
    fc.assert(
      fc.property(entries, places, (rows, at) => {
        const histories = historiesOf(rows);
        const { head, histories: decoded } = decodeSnapshot(encodeSnapshot(at, histories), "s");
        expect(head).toMatchObject({ ...at, users: histories.userCount, entries: rows.length });
        expect(contentOf(decoded)).toEqual(contentOf(histories));
      }),
      { numRuns: 30 },
    );
  });

  it("has the same bytes whatever the order in which users came", () => {
    fc.assert(
      fc.property(entries, (rows) => {
        const byUser = [...rows].sort((a, b) => b.user - a.user);
        expect(encodeSnapshot(place, historiesOf(byUser))).toEqual(encodeSnapshot(place, historiesOf(rows)));
      }),
      { numRuns: 20 },
    );
  });

  it("answers what a user has seen with one range of its bytes", () => {
    const head = decodeSnapshotHead(someBytes.slice(0, snapshotHeadBytes), "s");
    const bucket = bucketOf(4);
    const range = someBytes.slice(head.bucketStarts[bucket], head.bucketStarts[bucket + 1]);
    expect(range.length).toBeLessThan(40);
    const history = decodeBucket(head, bucket, range, "s").get(4);
    expect(history?.itemIds).toEqual(Float64Array.of(4, 11, 18, 25));
    expect(history?.timesMs).toEqual(Float64Array.of(4000, 11_000, 18_000, 25_000));
    expect(history?.tested).toEqual(Uint8Array.of(0, 0, 1, 0));
  });

  it("spreads users over the buckets", () => {
    const counts = new Int32Array(snapshotBuckets);
    for (let user = 0; user < 102_400; user++) counts[bucketOf(user)] += 1;
    // Poisson(100): 6 standard deviations either way.
    expect(Math.min(...counts)).toBeGreaterThan(40);
    expect(Math.max(...counts)).toBeLessThan(160);
    expect(bucketOf(1)).not.toBe(bucketOf(1 + 2 ** 32));
  });

  it("is refused with any byte altered", () => {
    fc.assert(
      fc.property(fc.nat(someBytes.length - 1), fc.integer({ min: 1, max: 255 }), (position, flip) => {
        const altered = someBytes.slice();
        altered[position] ^= flip;
        expect(() => decodeSnapshot(altered, "s")).toThrow(codes);
      }),
      { numRuns: 300 },
    );
    for (let position = snapshotHeadBytes; position < someBytes.length; position++) {
      const altered = someBytes.slice();
      altered[position] ^= 1;
      expect(() => decodeSnapshot(altered, "s")).toThrow(expect.objectContaining({ code: "FILE_DAMAGED" }));
    }
  });

  it("is refused when torn, at any length, and with bytes after its end", () => {
    fc.assert(
      fc.property(fc.nat(someBytes.length - 1), (length) => {
        expect(() => decodeSnapshot(someBytes.slice(0, length), "s")).toThrow(
          expect.objectContaining({
            code: "FILE_DAMAGED",
            message: expect.stringMatching(/^s: expected .*, found \d+/),
          }),
        );
      }),
    );
    expect(() => decodeSnapshot(Uint8Array.of(...someBytes, 0), "s")).toThrow(
      expect.objectContaining({ code: "FILE_DAMAGED" }),
    );
  });

  it("is refused as foreign or of another version with what was expected and found", () => {
    expect(() => decodeSnapshot(new TextEncoder().encode("PAR1 and so on"), "s")).toThrow(
      expect.objectContaining({
        code: "FILE_FOREIGN",
        message: expect.stringContaining('expected a file that starts with "ncf-hist"'),
      }),
    );
    const future = someBytes.slice();
    future[8] = 2;
    expect(() => decodeSnapshot(future, "s")).toThrow(
      expect.objectContaining({
        code: "FILE_VERSION",
        message: expect.stringContaining("expected snapshot version 1, found 2"),
      }),
    );
  });

  it("refuses a bucket that belongs elsewhere", () => {
    const head = decodeSnapshotHead(someBytes, "s");
    const [from, to] = [head.bucketStarts[bucketOf(4)], head.bucketStarts[bucketOf(4) + 1]];
    expect(() => decodeBucket(head, bucketOf(5), someBytes.slice(from, to), "s")).toThrow(
      expect.objectContaining({ code: "FILE_DAMAGED" }),
    );
  });

  it("refuses to be written with a time or a base that it cannot hold", () => {
    const late = historiesOf([{ user: 1, item: 1, time: maxEventTimeMs + 1, tested: false }]);
    expect(() => encodeSnapshot(place, late)).toThrow(expect.objectContaining({ code: "TIME_INVALID" }));
    const wide = { ...place, base: "x".repeat(65) };
    expect(() => encodeSnapshot(wide, new UserHistories())).toThrow(
      expect.objectContaining({ code: "SNAPSHOT_BASE_INVALID" }),
    );
  });
});
