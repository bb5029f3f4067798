/** A stretch of a ratings file, parsed into compact columns. The heart of ingest. */
import { NcfError } from "../errors.ts";
import { isIntegerId, maxIdBytes } from "../ids.ts";
import type { RejectedRows } from "../ratings.ts";
import { recordEnd, splitRecord, withoutLineBreak } from "./delimited.ts";
import { IdTable } from "./id-table.ts";
import { quotedSeparator, type RatingsLayout } from "./layout.ts";
import { maxTimestampMs, parseTime } from "./time-format.ts";

/** A longer line means that this is no ratings file. */
export const maxLineBytes = 1024 * 1024;
const maxExamples = 20;
const maxExampleCharacters = 120;

/** Ids of a segment in order of first appearance, with the text of those that are not integers. */
export interface SegmentIds {
  readonly ids: Float64Array;
  readonly labels: ReadonlyMap<number, string>;
  readonly collisions: readonly string[];
}

/** Rows of a segment as columns, narrowed to what their values need: about 7 bytes a row for MovieLens. */
export interface RatingsSegment {
  readonly rows: number;
  readonly rowsRejected: number;
  /** Line breaks in the segment. */
  readonly lines: number;
  readonly rejected: readonly RejectedRows[];
  readonly users: SegmentIds;
  readonly items: SegmentIds;
  /** First title seen of an item, by index into `items`. */
  readonly titles: ReadonlyMap<number, string>;
  /** Run r is of user `runUser[r]` (index into `users`) and ends before row `runEnd[r]`. */
  readonly runUser: Int32Array;
  readonly runEnd: Int32Array;
  /** Index into `items`. */
  readonly item: Uint16Array | Int32Array;
  /** Whole seconds, or milliseconds, since 1970: a Uint32Array holds seconds, a Float64Array milliseconds. */
  readonly time: Uint32Array | Float64Array;
  /** A Uint8Array holds twice the rating, 255 for none; a Float32Array the rating, NaN for none. */
  readonly rating: Uint8Array | Float32Array;
}

/**
 * Parses the rows of one segment.
 *
 * Rows of four unquoted numbers take a fast path over the bytes; any surprise sends the row to the slow path, which
 * decodes its text and is the only place that rejects.
 *
 * @param bytes whole records; must end with a line break
 * @throws NcfError `LINE_TOO_LONG`
 */
export function parseSegment(bytes: Uint8Array, layout: RatingsLayout): RatingsSegment {
  return new SegmentParser(bytes, layout).parse();
}

class SegmentParser {
  readonly #bytes: Uint8Array;
  readonly #layout: RatingsLayout;
  readonly #users = new IdTable();
  readonly #items = new IdTable();
  readonly #titles = new Map<number, string>();
  readonly #rejected = new Map<string, { count: number; examples: { line: number; text: string }[] }>();
  readonly #decoder = new TextDecoder();
  readonly #encoder = new TextEncoder();
  #user: Int32Array;
  #item: Int32Array;
  #timeMs: Float64Array;
  #rating: Float64Array;
  #rows = 0;
  #rowsRejected = 0;
  /** 1-based, from the segment's start. */
  #line = 1;

  constructor(bytes: Uint8Array, layout: RatingsLayout) {
    this.#bytes = bytes;
    this.#layout = layout;
    const capacity = Math.ceil(bytes.length / 16) + 16;
    this.#user = new Int32Array(capacity);
    this.#item = new Int32Array(capacity);
    this.#timeMs = new Float64Array(capacity);
    this.#rating = new Float64Array(capacity);
  }

  parse(): RatingsSegment {
    const layout = this.#layout;
    const straight = layout.user === 0 && layout.item === 1 && layout.rating === 2 && layout.time === 3;
    const epoch = layout.timeFormat === "seconds" || layout.timeFormat === "milliseconds";
    if (straight && epoch && layout.fields === 4) this.#parseNumbers();
    else this.#parseText(0, this.#bytes.length);
    return {
      rows: this.#rows,
      rowsRejected: this.#rowsRejected,
      lines: this.#line - 1,
      rejected: [...this.#rejected].map(([reason, kind]) => ({ reason, ...kind })),
      users: segmentIds(this.#users),
      items: segmentIds(this.#items),
      titles: this.#titles,
      ...userRuns(this.#user, this.#rows),
      item: narrowItems(this.#item, this.#rows, this.#items.length),
      time: narrowTimes(this.#timeMs, this.#rows),
      rating: narrowRatings(this.#rating, this.#rows),
    };
  }

  /**
   * The fast path. It may run on into the next line, or past the end (where a byte reads as undefined and every
   * comparison fails), before it sees that a row is not well formed; such a row is read again from its start.
   */
  #parseNumbers(): void {
    const bytes = this.#bytes;
    const end = bytes.length;
    const separator = this.#layout.separator.charCodeAt(0);
    const separatorBytes = this.#layout.separator.length;
    const toMs = this.#layout.timeFormat === "seconds" ? 1000 : 1;
    const users = this.#users;
    const items = this.#items;
    let [userColumn, itemColumn, timeColumn, ratingColumn] = [this.#user, this.#item, this.#timeMs, this.#rating];
    let row = 0;
    let line = 1;
    let lastUser = -1;
    let lastUserIndex = -1;
    let start = 0;
    while (start < end) {
      let p = start;
      let digit = bytes[p] - 48;
      let user = 0;
      while (digit >= 0 && digit <= 9) {
        user = user * 10 + digit;
        digit = bytes[++p] - 48;
      }
      const userDigits = p - start;
      p += separatorBytes;
      const itemStart = p;
      let item = 0;
      digit = bytes[p] - 48;
      while (digit >= 0 && digit <= 9) {
        item = item * 10 + digit;
        digit = bytes[++p] - 48;
      }
      const itemDigits = p - itemStart;
      p += separatorBytes;
      const ratingStart = p;
      let rating = 0;
      digit = bytes[p] - 48;
      while (digit >= 0 && digit <= 9) {
        rating = rating * 10 + digit;
        digit = bytes[++p] - 48;
      }
      let ratingBytes = p - ratingStart;
      if (digit === -2 && ratingBytes > 0) {
        digit = bytes[++p] - 48;
        if (digit >= 0 && digit <= 9) {
          rating = (rating * 10 + digit) / 10;
          digit = bytes[++p] - 48;
          ratingBytes += 2;
        } else ratingBytes = 99;
      }
      p += separatorBytes;
      const timeStart = p;
      let time = 0;
      digit = bytes[p] - 48;
      while (digit >= 0 && digit <= 9) {
        time = time * 10 + digit;
        digit = bytes[++p] - 48;
      }
      const timeDigits = p - timeStart;
      if (digit === 13 - 48) digit = bytes[++p] - 48;
      const wellFormed =
        digit === 10 - 48 &&
        userDigits > 0 &&
        userDigits <= 15 &&
        (bytes[start] !== 48 || userDigits === 1) &&
        itemDigits > 0 &&
        itemDigits <= 15 &&
        (bytes[itemStart] !== 48 || itemDigits === 1) &&
        ratingBytes > 0 &&
        ratingBytes <= 6 &&
        timeDigits > 0 &&
        timeDigits <= 15 &&
        time * toMs <= maxTimestampMs &&
        bytes[itemStart - 1] === separator &&
        bytes[ratingStart - 1] === separator &&
        bytes[timeStart - 1] === separator &&
        (separatorBytes === 1 ||
          (bytes[itemStart - 2] === separator &&
            bytes[ratingStart - 2] === separator &&
            bytes[timeStart - 2] === separator));
      if (!wellFormed) {
        this.#rows = row;
        this.#line = line;
        start = this.#parseText(start, start + 1);
        row = this.#rows;
        line = this.#line;
        [userColumn, itemColumn, timeColumn, ratingColumn] = [this.#user, this.#item, this.#timeMs, this.#rating];
        continue;
      }
      if (user !== lastUser) {
        lastUser = user;
        lastUserIndex = users.indexOf(user);
      }
      if (row === userColumn.length) {
        this.#rows = row;
        this.#grow();
        [userColumn, itemColumn, timeColumn, ratingColumn] = [this.#user, this.#item, this.#timeMs, this.#rating];
      }
      userColumn[row] = lastUserIndex;
      itemColumn[row] = items.indexOf(item);
      timeColumn[row] = time * toMs;
      ratingColumn[row] = rating;
      row++;
      line++;
      start = p + 1;
    }
    this.#rows = row;
    this.#line = line;
  }

  /** The slow path for the records that begin in [start, end). Returns where the record after them begins. */
  #parseText(start: number, end: number): number {
    const separator = quotedSeparator(this.#layout);
    let position = start;
    while (position < end) {
      const next = recordEnd(this.#bytes, position, separator);
      if (next - position > maxLineBytes) throw lineTooLong();
      const text = withoutLineBreak(this.#decoder.decode(this.#bytes.subarray(position, next)));
      const problem = text.trim() === "" ? undefined : this.#readRecord(text);
      if (problem !== undefined) this.#reject(problem, text);
      this.#line += 1 + (separator < 0 ? 0 : breaksWithin(this.#bytes, position, next - 1));
      position = next;
    }
    return position;
  }

  /** Adds the record as a row, or says why it is none. */
  #readRecord(text: string): string | undefined {
    const layout = this.#layout;
    const fields = splitRecord(text, layout.separator, layout.quoted);
    if (fields === undefined) return "a quote is out of place or not closed";
    if (fields.length !== layout.fields) return `expected ${layout.fields} fields`;
    const user = fields[layout.user];
    const item = fields[layout.item];
    const badId = this.#idProblem(user, "user") ?? this.#idProblem(item, "item");
    if (badId !== undefined) return badId;
    const rating = layout.rating < 0 ? Number.NaN : parseRating(fields[layout.rating]);
    if (rating === undefined) return "rating is not a number";
    const timeMs = parseTime(fields[layout.time], layout.timeFormat);
    if (typeof timeMs === "string") return timeMs;
    if (this.#rows === this.#user.length) this.#grow();
    const row = this.#rows++;
    const itemIndex = this.#items.indexOfText(item);
    this.#user[row] = this.#users.indexOfText(user);
    this.#item[row] = itemIndex;
    this.#timeMs[row] = timeMs;
    this.#rating[row] = rating;
    const title = layout.title < 0 ? "" : fields[layout.title];
    if (title !== "" && !this.#titles.has(itemIndex)) this.#titles.set(itemIndex, title);
    return undefined;
  }

  #idProblem(id: string, kind: "user" | "item"): string | undefined {
    if (id === "") return `${kind} id is empty`;
    if (isIntegerId(id)) return undefined;
    if (id.includes("\ufffd")) return `${kind} id is not valid UTF-8`;
    if (id.length > maxIdBytes || (id.length > maxIdBytes / 3 && this.#encoder.encode(id).length > maxIdBytes)) {
      return `${kind} id is longer than ${maxIdBytes} bytes`;
    }
    return undefined;
  }

  #reject(reason: string, text: string): void {
    this.#rowsRejected++;
    let kind = this.#rejected.get(reason);
    if (kind === undefined) {
      kind = { count: 0, examples: [] };
      this.#rejected.set(reason, kind);
    }
    kind.count++;
    if (kind.examples.length < maxExamples) {
      kind.examples.push({ line: this.#line, text: text.slice(0, maxExampleCharacters) });
    }
  }

  #grow(): void {
    const capacity = this.#user.length * 2;
    this.#user = grown(this.#user, new Int32Array(capacity));
    this.#item = grown(this.#item, new Int32Array(capacity));
    this.#timeMs = grown(this.#timeMs, new Float64Array(capacity));
    this.#rating = grown(this.#rating, new Float64Array(capacity));
  }
}

const ratingText = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** NaN for an empty field, undefined for what is not a finite number. */
function parseRating(text: string): number | undefined {
  if (text === "") return Number.NaN;
  const rating = ratingText.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
  return Number.isFinite(Math.fround(rating)) ? rating : undefined;
}

export function lineTooLong(): NcfError {
  return new NcfError(
    "LINE_TOO_LONG",
    `expected lines of text, found one of more than ${maxLineBytes} bytes; check that this is a ratings file`,
  );
}

function breaksWithin(bytes: Uint8Array, start: number, end: number): number {
  let breaks = 0;
  for (let i = bytes.indexOf(10, start); i >= 0 && i < end; i = bytes.indexOf(10, i + 1)) breaks++;
  return breaks;
}

function grown<A extends Int32Array | Float64Array>(from: A, to: A): A {
  to.set(from);
  return to;
}

function segmentIds(table: IdTable): SegmentIds {
  return { ids: table.ids(), labels: table.labels, collisions: [...table.collisions] };
}

function userRuns(user: Int32Array, rows: number): { runUser: Int32Array; runEnd: Int32Array } {
  let runs = rows === 0 ? 0 : 1;
  for (let i = 1; i < rows; i++) if (user[i] !== user[i - 1]) runs++;
  const runUser = new Int32Array(runs);
  const runEnd = new Int32Array(runs);
  let run = -1;
  for (let i = 0; i < rows; i++) {
    if (i === 0 || user[i] !== user[i - 1]) runUser[++run] = user[i];
    runEnd[run] = i + 1;
  }
  return { runUser, runEnd };
}

function narrowItems(item: Int32Array, rows: number, items: number): Uint16Array | Int32Array {
  return items <= 65536 ? new Uint16Array(item.subarray(0, rows)) : item.slice(0, rows);
}

function narrowTimes(timeMs: Float64Array, rows: number): Uint32Array | Float64Array {
  const seconds = new Uint32Array(rows);
  for (let i = 0; i < rows; i++) {
    const value = timeMs[i] / 1000;
    seconds[i] = value;
    if (seconds[i] !== value) return timeMs.slice(0, rows);
  }
  return seconds;
}

function narrowRatings(rating: Float64Array, rows: number): Uint8Array | Float32Array {
  const codes = new Uint8Array(rows);
  for (let i = 0; i < rows; i++) {
    const doubled = rating[i] * 2;
    if (Number.isNaN(doubled)) codes[i] = 255;
    else {
      codes[i] = doubled;
      if (codes[i] !== doubled || doubled === 255) return new Float32Array(rating.subarray(0, rows));
    }
  }
  return codes;
}
