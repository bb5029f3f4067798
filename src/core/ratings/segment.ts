/** A stretch of a ratings file, parsed into compact columns. The heart of ingest. */
import { NcfError } from "../errors.ts";
import { isIntegerId, maxIdBytes } from "../ids.ts";
import type { RejectedRows } from "../ratings.ts";
import { recordEnd, splitRecord, withoutLineBreak } from "./delimited.ts";
import { IdTable } from "./id-table.ts";
import { quotedSeparator, type RatingsLayout } from "./layout.ts";
import { parseNumberRows } from "./number-rows.ts";
import { type RatingColumns, SegmentColumns } from "./segment-columns.ts";
import { parseTime } from "./time-format.ts";

/** A longer line means that this is no ratings file. */
const maxLineBytes = 1024 * 1024;
const maxExamples = 20;
const maxExampleCharacters = 120;

/** Ids of a segment in order of first appearance, with the text of those that are not integers. */
export interface SegmentIds {
  readonly ids: Float64Array;
  readonly labels: ReadonlyMap<number, string>;
  readonly collisions: readonly string[];
}

/** One stretch of a file. */
export interface RatingsSegment extends RatingColumns {
  readonly rowsRejected: number;
  /** Line breaks in the segment. */
  readonly lines: number;
  readonly rejected: readonly RejectedRows[];
  readonly users: SegmentIds;
  readonly items: SegmentIds;
  /** First title seen of an item, by index into `items`. */
  readonly titles: ReadonlyMap<number, string>;
}

/**
 * Parses one segment after the other, with the same scratch memory.
 *
 * Rows of four unquoted numbers take a fast path over the bytes; any surprise sends the row to the slow path, which
 * decodes its text and is the only place that rejects.
 */
export class SegmentParser {
  readonly #layout: RatingsLayout;
  readonly #columns = new SegmentColumns();
  readonly #decoder = new TextDecoder();
  readonly #encoder = new TextEncoder();
  #bytes: Uint8Array = new Uint8Array();
  readonly #users = new IdTable();
  readonly #items = new IdTable();
  #titles = new Map<number, string>();
  #rejected = new Map<string, { count: number; examples: { line: number; text: string }[] }>();
  #rowsRejected = 0;
  /** 1-based, from the segment's start. */
  #line = 1;

  constructor(layout: RatingsLayout) {
    this.#layout = layout;
  }

  /**
   * @param bytes whole records; must end with a line break
   * @throws NcfError `LINE_TOO_LONG`
   */
  parse(bytes: Uint8Array): RatingsSegment {
    this.#bytes = bytes;
    this.#columns.reset();
    this.#users.clear();
    this.#items.clear();
    this.#titles = new Map();
    this.#rejected = new Map();
    this.#rowsRejected = 0;
    this.#line = 1;
    if (isFourNumbers(this.#layout)) this.#parseNumbers();
    else this.#parseText(0, bytes.length);
    return {
      ...this.#columns.columns(this.#items.length),
      rowsRejected: this.#rowsRejected,
      lines: this.#line - 1,
      rejected: [...this.#rejected].map(([reason, kind]) => ({ reason, ...kind })),
      users: segmentIds(this.#users),
      items: segmentIds(this.#items),
      titles: this.#titles,
    };
  }

  /** The fast path, and the slow one for each row that it stops at. */
  #parseNumbers(): void {
    const { separator, timeFormat } = this.#layout;
    const target = { columns: this.#columns, users: this.#users, items: this.#items, line: 1 };
    const toMs = timeFormat === "seconds" ? 1000 : 1;
    for (let position = 0; position < this.#bytes.length; ) {
      target.line = this.#line;
      position = parseNumberRows(this.#bytes, position, separator, toMs, target);
      this.#line = target.line;
      if (position < this.#bytes.length) position = this.#parseText(position, position + 1);
    }
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
    const badId = this.#idProblem(user, "user", this.#users) ?? this.#idProblem(item, "item", this.#items);
    if (badId !== undefined) return badId;
    const rating = layout.rating < 0 ? Number.NaN : parseRating(fields[layout.rating]);
    if (rating === undefined) return "rating is not a number";
    const timeMs = parseTime(fields[layout.time], layout.timeFormat);
    if (typeof timeMs === "string") return timeMs;
    const itemIndex = this.#items.indexOfText(item);
    this.#columns.push(this.#users.indexOfText(user), itemIndex, timeMs, rating);
    const title = layout.title < 0 ? "" : fields[layout.title];
    if (title !== "" && !this.#titles.has(itemIndex)) this.#titles.set(itemIndex, title);
    return undefined;
  }

  #idProblem(id: string, kind: "user" | "item", known: IdTable): string | undefined {
    if (id === "") return `${kind} id is empty`;
    if (known.knownIndexOfText(id) >= 0 || isIntegerId(id)) return undefined;
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
}

/** Whether the fast path may try: user, item, rating and an epoch time, in this order, and nothing else. */
function isFourNumbers({ fields, user, item, rating, time, timeFormat }: RatingsLayout): boolean {
  const inOrder = fields === 4 && user === 0 && item === 1 && rating === 2 && time === 3;
  return inOrder && (timeFormat === "seconds" || timeFormat === "milliseconds");
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

function segmentIds(table: IdTable): SegmentIds {
  return { ids: table.ids(), labels: table.labels, collisions: [...table.collisions] };
}
