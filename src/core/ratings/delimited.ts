/** Delimited text: where records end and fields begin (RFC 4180 quoting where it applies). */

const newline = 10;
const carriageReturn = 13;
const space = 32;
const quote = 34;

/** A record may span this many bytes through quoted line breaks; a quote still open there was never closed. */
export const maxQuotedRecordBytes = 64 * 1024;

/**
 * The offset just after the line break that ends the record starting at `start`; 0 where no line break follows. A line
 * break inside a quoted field does not count, unless the quote is out of place or not closed within
 * `maxBytes`: then the first line is the record, so that one stray quote cannot swallow the rows behind it.
 *
 * @param separator the separator's byte where quoted fields may hold line breaks, −1 where a line is a record
 */
export function recordEnd(
  bytes: Uint8Array,
  start: number,
  separator: number,
  maxBytes = maxQuotedRecordBytes,
): number {
  const lineEnd = bytes.indexOf(newline, start) + 1;
  if (separator < 0 || lineEnd === 0) return lineEnd;
  const limit = Math.min(bytes.length, start + maxBytes);
  let atFieldStart = true;
  for (let i = start; i < limit; i++) {
    const byte = bytes[i];
    if (byte === newline) return i + 1;
    if (byte === quote && atFieldStart) {
      i = closingQuote(bytes, i + 1, limit);
      const next = i + 1 < limit ? bytes[i + 1] : -1;
      if (next !== separator && next !== newline && next !== carriageReturn && next !== space) return lineEnd;
      atFieldStart = false;
    } else if (byte === separator) atFieldStart = true;
    else if (byte !== space) atFieldStart = false;
  }
  return lineEnd;
}

/** The offset of the quote that closes a quoted field, doubled quotes skipped; `limit` where none does. */
function closingQuote(bytes: Uint8Array, start: number, limit: number): number {
  let i = start;
  while (i < limit) {
    if (bytes[i] === quote) {
      if (i + 1 >= limit || bytes[i + 1] !== quote) return i;
      i++;
    }
    i++;
  }
  return limit;
}

/**
 * How many of the leading bytes are whole records, so that what follows can wait for more bytes.
 *
 * @param separator as for `recordEnd`
 */
export function wholeRecords(bytes: Uint8Array, separator: number, maxBytes = maxQuotedRecordBytes): number {
  const lastBreak = bytes.lastIndexOf(newline) + 1;
  let nextQuote = separator < 0 ? -1 : bytes.indexOf(quote);
  let end = 0;
  while (nextQuote >= 0 && nextQuote < lastBreak) {
    const plainEnd = bytes.lastIndexOf(newline, nextQuote) + 1;
    if (plainEnd > end) end = plainEnd;
    if (end + maxBytes >= bytes.length) return end;
    end = recordEnd(bytes, end, separator, maxBytes);
    if (nextQuote < end) nextQuote = bytes.indexOf(quote, end);
  }
  return lastBreak;
}

/** The record's text without the line break at its end. */
export function withoutLineBreak(record: string): string {
  let end = record.length;
  if (record[end - 1] === "\n") end--;
  if (record[end - 1] === "\r") end--;
  return record.slice(0, end);
}

/**
 * The fields of one record, without surrounding blanks.
 *
 * @returns undefined where quotes are out of place: not closed, or followed by text
 */
export function splitRecord(record: string, separator: string, quoted: boolean): string[] | undefined {
  if (!quoted || !record.includes('"')) return record.split(separator).map((field) => field.trim());
  const fields: string[] = [];
  let position = 0;
  for (;;) {
    while (record[position] === " ") position++;
    if (record[position] !== '"') {
      const end = record.indexOf(separator, position);
      fields.push(record.slice(position, end < 0 ? record.length : end).trim());
      if (end < 0) return fields;
      position = end + separator.length;
      continue;
    }
    let text = "";
    for (;;) {
      const close = record.indexOf('"', position + 1);
      if (close < 0) return undefined;
      text += record.slice(position + 1, close);
      position = close + 1;
      if (record[position] !== '"') break;
      text += '"';
    }
    fields.push(text);
    while (record[position] === " ") position++;
    if (position >= record.length) return fields;
    if (!record.startsWith(separator, position)) return undefined;
    position += separator.length;
  }
}

/** The separator among `, ; tab |` that splits the first lines into the most fields, the same number in each. */
export function detectSeparator(lines: readonly string[]): string {
  let best = ",";
  let bestFields = 1;
  for (const separator of [",", "\t", ";", "|"]) {
    const counts = lines.map((line) => splitRecord(line, separator, true)?.length ?? 0);
    const agreeing = counts.filter((count) => count === counts[0]).length;
    if (counts[0] > bestFields && agreeing * 2 > counts.length) {
      best = separator;
      bestFields = counts[0];
    }
  }
  return best;
}
