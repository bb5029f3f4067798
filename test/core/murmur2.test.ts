import { describe, expect, it } from "vitest";
import { murmur2, partitionOfKey } from "../../src/core/murmur2.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

describe("murmur2", () => {
  // Apache Kafka's own UtilsTest.testMurmur2; the empty input as computed by the Java client.
  it.each([
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
    ["abc", 479470107],
    ["", 275646681],
  ])("hashes %j as the Java client does", (text, hash) => {
    expect(murmur2(utf8(text))).toBe(hash);
  });

  it("hashes bytes that are no text", () => {
    expect(murmur2(Uint8Array.of(12, 42, 56, 24, 109, 111))).toBe(274204207);
  });

  it("reads bytes above 127 as unsigned, also where the view starts inside a buffer", () => {
    const whole = Uint8Array.of(7, 0xff, 0x80, 0xfe, 0x90, 0xc3);
    expect(murmur2(whole.subarray(1))).toBe(murmur2(whole.slice(1)));
    expect(murmur2(Uint8Array.of(0xff))).not.toBe(murmur2(Uint8Array.of(0x7f)));
  });
});

describe("the partition of a key", () => {
  it("is the hash without its sign bit, modulo the number of partitions", () => {
    expect(partitionOfKey("21", 12)).toBe(1173551340 % 12);
    expect(partitionOfKey("foobar", 10)).toBe(6);
    expect(partitionOfKey("abc", 1)).toBe(0);
  });

  it("spreads users over all partitions", () => {
    const counts = new Array(8).fill(0);
    for (let user = 1; user <= 8000; user++) counts[partitionOfKey(String(user), 8)]++;
    expect(Math.min(...counts)).toBeGreaterThan(800);
  });
});
