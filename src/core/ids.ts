/**
 * Ids are strings at every edge and numbers inside: integer text (0 … 2^53 − 1, without leading zeros) stands for
 * itself, any other id of up to 128 bytes for a 53-bit hash.
 */
import { NcfError } from "./errors.ts";

/** The longest id accepted, in UTF-8 bytes. */
export const maxIdBytes = 128;

const canonicalInteger = /^(?:0|[1-9]\d{0,15})$/;
const encoder = new TextEncoder();

/** Whether `id` is the text of an integer that stands for itself. */
export function isIntegerId(id: string): boolean {
  return canonicalInteger.test(id) && Number(id) <= Number.MAX_SAFE_INTEGER;
}

/**
 * The number that stands for `id` inside the program.
 *
 * @throws NcfError `ID_INVALID` for an empty id or one above 128 bytes
 */
export function numericId(id: string): number {
  if (isIntegerId(id)) return Number(id);
  const bytes = encoder.encode(id);
  if (bytes.length === 0 || bytes.length > maxIdBytes) {
    throw new NcfError("ID_INVALID", `expected an id of 1 to ${maxIdBytes} bytes, found one of ${bytes.length}`);
  }
  return hash53(bytes);
}

/** cyrb53 (public domain, "bryc") over bytes: a well-mixed 53-bit hash; not for security. */
export function hash53(bytes: Uint8Array): number {
  let h1 = 0xdeadbeef;
  let h2 = 0x41c6ce57;
  for (const byte of bytes) {
    h1 = Math.imul(h1 ^ byte, 2654435761);
    h2 = Math.imul(h2 ^ byte, 1597334677);
  }
  h1 = Math.imul(h1 ^ (h1 >>> 16), 2246822507) ^ Math.imul(h2 ^ (h2 >>> 13), 3266489909);
  h2 = Math.imul(h2 ^ (h2 >>> 16), 2246822507) ^ Math.imul(h1 ^ (h1 >>> 13), 3266489909);
  return 4294967296 * (h2 & 0x1fffff) + (h1 >>> 0);
}

/** Where an id stands in an ascending list, −1 for one that is not in it. */
export function indexOfId(ids: Float64Array, id: number): number {
  let low = 0;
  let high = ids.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    if (ids[middle] === id) return middle;
    if (ids[middle] < id) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** The id as the source wrote it, given the texts of those that are not integers. */
export function labelOf(id: number, labels: ReadonlyMap<number, string>): string {
  return labels.get(id) ?? String(id);
}

/** The labels of those of `ids` that have one. */
export function labelsOf(ids: Float64Array, labels: ReadonlyMap<number, string>): ReadonlyMap<number, string> {
  const kept = new Map<number, string>();
  if (labels.size === 0) return kept;
  for (const id of ids) {
    const label = labels.get(id);
    if (label !== undefined) kept.set(id, label);
  }
  return kept;
}
