/** JSON as bytes. */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** On one line, as records carry it. */
export function encodeJson(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/** Indented and ended by a line break, as files for people have it. */
export function encodeJsonFile(value: unknown): Uint8Array {
  return encoder.encode(`${JSON.stringify(value, null, 2)}\n`);
}

/** @throws SyntaxError */
export function decodeJson(bytes: Uint8Array): unknown {
  return JSON.parse(decoder.decode(bytes));
}
