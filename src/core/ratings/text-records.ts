import { recordEnd, withoutLineBreak } from "./delimited.ts";

/** A record of a file that is in memory as a whole. */
export interface TextRecord {
  /** Where it begins, from 1. */
  readonly line: number;
  /** Without the line break at its end; blank for an empty line. */
  readonly text: string;
}

/**
 * The file's records. Text that is not UTF-8 is taken for Windows-1252 (a superset of Latin-1), as in ML-100K and ML-1M.
 *
 * @param separator as for `recordEnd`
 */
export function* textRecords(bytes: Uint8Array, separator: number): Generator<TextRecord> {
  const decoder = textDecoderFor(bytes);
  let line = 1;
  for (let start = 0; start < bytes.length; ) {
    const end = recordEnd(bytes, start, separator) || bytes.length;
    const raw = decoder.decode(bytes.subarray(start, end));
    yield { line, text: withoutLineBreak(raw) };
    line += Math.max(1, raw.split("\n").length - 1);
    start = end;
  }
}

function textDecoderFor(bytes: Uint8Array): InstanceType<typeof TextDecoder> {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return new TextDecoder("utf-8");
  } catch {
    return new TextDecoder("windows-1252");
  }
}
