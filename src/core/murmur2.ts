/**
 * Kafka's placement of keyed records: the 32-bit murmur2 of the Java client's `Utils.murmur2` (Austin Appleby's
 * MurmurHash2 with a fixed seed), which kafkajs computes as well.
 */

const seed = 0x9747b28c;
const multiplier = 0x5bd1e995;
const encoder = new TextEncoder();

/** The hash as Java's signed 32-bit integer. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length;
  const tail = length & ~3;
  let hash = seed ^ length;
  for (let at = 0; at < tail; at += 4) {
    let word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    word = Math.imul(word, multiplier);
    word ^= word >>> 24;
    hash = Math.imul(hash, multiplier) ^ Math.imul(word, multiplier);
  }
  if (tail < length) {
    for (let at = length - 1; at >= tail; at--) hash ^= bytes[at] << (8 * (at - tail));
    hash = Math.imul(hash, multiplier);
  }
  hash ^= hash >>> 13;
  hash = Math.imul(hash, multiplier);
  return hash ^ (hash >>> 15);
}

/** The partition, 0 … `partitions` − 1, in which Kafka's default partitioner puts a record with this key. */
export function partitionOfKey(key: string, partitions: number): number {
  return (murmur2(encoder.encode(key)) & 0x7fffffff) % partitions;
}
