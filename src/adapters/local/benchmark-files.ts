/** Text files of this machine, line by line. */
import { createReadStream } from "node:fs";
import { NcfError } from "../../core/errors.ts";

/** What is longer is no text in lines. */
const maxLineCharacters = 1 << 20;

/** @throws NcfError `FILE_NOT_READ` from the first line on */
export async function* textLines(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  const chunks = createReadStream(path)[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  try {
    for (let chunk = await next(chunks, path); chunk !== null; chunk = await next(chunks, path)) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > maxLineCharacters) throw notRead(path, `a line of more than ${maxLineCharacters} characters`);
      yield* lines;
    }
    if (rest !== "") yield rest;
  } finally {
    await chunks.return?.();
  }
}

/** Null at the end. */
async function next(chunks: AsyncIterator<Uint8Array>, path: string): Promise<Uint8Array | null> {
  try {
    const { done, value } = await chunks.next();
    return done === true ? null : value;
  } catch (cause) {
    throw notRead(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function notRead(path: string, found: string, cause?: unknown): NcfError {
  return new NcfError("FILE_NOT_READ", `expected lines of text in ${path}, found: ${found}`, { cause });
}
