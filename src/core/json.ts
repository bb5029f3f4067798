/** JSON as bytes. */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** On one line, as records carry it. */
export function encodeJson(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/** As `encodeJson` for each of many values, in views of one allocation. */
export function encodeJsonEach(values: readonly unknown[]): Uint8Array[] {
  const texts = values.map((value) => JSON.stringify(value));
  const bytes = encoder.encode(texts.join(""));
  let at = 0;
  const parts = texts.map((text) => {
    at += text.length;
    return bytes.subarray(at - text.length, at);
  });
  // Longer than the text: not all of it is ASCII, and a part's length in bytes is another.
  return at === bytes.length ? parts : texts.map((text) => encoder.encode(text));
}

/** Indented and ended by a line break, as files for people have it. */
export function encodeJsonFile(value: unknown): Uint8Array {
  return encoder.encode(`${JSON.stringify(value, null, 2)}\n`);
}

/** @throws SyntaxError */
export function decodeJson(bytes: Uint8Array): unknown {
  return JSON.parse(decoder.decode(bytes));
}
