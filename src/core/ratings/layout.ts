/** How a ratings file is laid out: detected from its first bytes, its name and what the caller says. */
import { NcfError } from "../errors.ts";
import { detectSeparator, recordEnd, splitRecord, withoutLineBreak } from "./delimited.ts";
import { detectTimeFormat, parseTime, type TimeFormat } from "./time-format.ts";

export type RatingsFormat = "movielens-csv" | "movielens-100k" | "movielens-dat" | "csv";

/** Column names (or 1-based numbers, for a file without a header) of the user's own CSV. */
export interface ColumnMapping {
  readonly user: string;
  readonly item: string;
  readonly time: string;
  readonly rating?: string;
  /** A readable name of the item, taken from the first row that has one. */
  readonly title?: string;
}

export interface LayoutOptions {
  readonly columns?: ColumnMapping;
  readonly timeFormat?: TimeFormat;
}

/** Everything that parsing a row needs to know. Columns are 0-based, −1 where there is none. */
export interface RatingsLayout {
  readonly format: RatingsFormat;
  readonly separator: string;
  /** Whether fields may be quoted as in RFC 4180, and may then hold line breaks. */
  readonly quoted: boolean;
  readonly quotedBreaks: boolean;
  readonly fields: number;
  readonly user: number;
  readonly item: number;
  readonly rating: number;
  readonly time: number;
  readonly title: number;
  readonly timeFormat: TimeFormat;
  /** Where the rows begin: the byte after the header, and its 1-based line number. */
  readonly dataStart: number;
  readonly firstLine: number;
}

/** The separator's byte where quoted fields may hold line breaks, −1 where a line is a record. */
export function quotedSeparator(layout: RatingsLayout): number {
  return layout.quotedBreaks ? layout.separator.charCodeAt(0) : -1;
}

const sampleRows = 20_000;
const movieLensHeader = ["userid", "movieid", "rating", "timestamp"];
const guesses: Readonly<Record<keyof ColumnMapping, readonly string[]>> = {
  user: ["user", "userid", "user_id"],
  item: ["item", "itemid", "item_id", "movieid", "movie_id"],
  time: ["timestamp", "time", "datetime", "date", "timestampms", "timestamp_ms"],
  rating: ["rating", "score", "stars"],
  title: ["title"],
};

/**
 * The layout of a ratings file.
 *
 * @param head the file's first bytes: the whole file, or at least a megabyte of it
 * @param name the file's name: `u.data` and `*.dat` name MovieLens's older formats
 * @throws NcfError `ENCODING_UNSUPPORTED`, `RATINGS_EMPTY`, `COLUMNS_UNKNOWN`, `TIME_FORMAT_UNKNOWN`,
 *   `TIME_FORMAT_AMBIGUOUS`
 */
export function detectLayout(head: Uint8Array, name: string, options: LayoutOptions = {}): RatingsLayout {
  checkEncoding(head, name);
  const bom = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
  const base = name.toLowerCase().replace(/^.*[/\\]/, "");
  const fixed = { fields: 4, user: 0, item: 1, rating: 2, time: 3, title: -1, timeFormat: "seconds" as const };
  const plain = { ...fixed, quoted: false, quotedBreaks: false, dataStart: bom, firstLine: 1 };
  const lines = firstLines(head.subarray(bom), 20);
  if (lines.length === 0) {
    throw new NcfError(
      "RATINGS_EMPTY",
      `expected ratings in ${name}, found an empty file; check the download or export`,
    );
  }
  if (options.columns === undefined) {
    if (base.endsWith(".dat") || lines[0].split("::").length === 4) {
      return { ...plain, format: "movielens-dat", separator: "::" };
    }
    if (base === "u.data") return { ...plain, format: "movielens-100k", separator: "\t" };
    const first = splitRecord(lines[0], ",", true) ?? [];
    const header = first.map((field) => field.toLowerCase());
    if (movieLensHeader.every((field, i) => header[i] === field) && header.length === 4) {
      const dataStart = bom + recordEnd(head.subarray(bom), 0, -1);
      return { ...plain, format: "movielens-csv", separator: ",", quoted: true, dataStart, firstLine: 2 };
    }
    if (base === "ratings.csv" && first.length === 4 && first.every((field) => /^-?[\d.]+$/.test(field))) {
      return { ...plain, format: "movielens-csv", separator: ",", quoted: true };
    }
  }
  return ownLayout(head, bom, name, lines, options);
}

function ownLayout(
  head: Uint8Array,
  bom: number,
  name: string,
  lines: readonly string[],
  options: LayoutOptions,
): RatingsLayout {
  const separator = detectSeparator(lines);
  const byte = separator.charCodeAt(0);
  const headerEnd = recordEnd(head.subarray(bom), 0, byte) || head.length - bom;
  const headerText = new TextDecoder().decode(head.subarray(bom, bom + headerEnd));
  const header = splitRecord(withoutLineBreak(headerText), separator, true) ?? [];
  const columns = resolveColumns(header, name, options.columns);
  const rowsStart = columns.hasHeader ? bom + headerEnd : bom;
  const layout = {
    format: "csv" as const,
    separator,
    quoted: true,
    quotedBreaks: true,
    fields: header.length,
    ...columns.positions,
    dataStart: rowsStart,
    firstLine: columns.hasHeader ? 1 + headerText.split("\n").length - 1 : 1,
  };
  const timeFormat =
    options.timeFormat ?? detectTimeFormat(columnSample(head, rowsStart, byte, layout.time, separator));
  return { ...layout, timeFormat };
}

interface ResolvedColumns {
  readonly hasHeader: boolean;
  readonly positions: Pick<RatingsLayout, "user" | "item" | "rating" | "time" | "title">;
}

/** Finds each column by name or 1-based number; without a mapping, by the usual names. */
function resolveColumns(header: readonly string[], name: string, mapping: ColumnMapping | undefined): ResolvedColumns {
  const lower = header.map((field) => field.toLowerCase());
  const position = (column: keyof ColumnMapping): number => {
    const wanted = mapping === undefined ? guesses[column] : mapping[column] === undefined ? [] : [mapping[column]];
    for (const candidate of wanted) {
      const exact = header.indexOf(candidate);
      if (exact >= 0) return exact;
      const folded = lower.indexOf(candidate.toLowerCase());
      if (folded >= 0) return folded;
      const number = Number(candidate);
      if (/^\d+$/.test(candidate) && number >= 1 && number <= header.length) return number - 1;
    }
    if (column === "title" || column === "rating") {
      if (mapping?.[column] === undefined) return -1;
    }
    const looked = wanted.map((candidate) => JSON.stringify(candidate)).join(" or ");
    throw new NcfError(
      "COLUMNS_UNKNOWN",
      `expected a column ${looked} for the ${column} in ${name}, found ${header.map((field) => JSON.stringify(field)).join(", ")}; name the columns as user=…,item=…,time=…[,rating=…][,title=…], by name or by number from 1`,
    );
  };
  const positions = {
    user: position("user"),
    item: position("item"),
    rating: position("rating"),
    time: position("time"),
    title: position("title"),
  };
  // All columns given by number may mean that there is no header: then the first line holds a time as well.
  const numbered = mapping !== undefined && Object.values(mapping).every((column) => !header.includes(column));
  const timeText = header[positions.time];
  const isRow =
    numbered && ["seconds", "iso", "mdy", "dmy"].some((f) => typeof parseTime(timeText, f as TimeFormat) === "number");
  return { hasHeader: !isRow, positions };
}

/** The first values of one column. */
function columnSample(head: Uint8Array, start: number, byte: number, column: number, separator: string): string[] {
  const decoder = new TextDecoder();
  const values: string[] = [];
  let position = start;
  while (values.length < sampleRows && position < head.length) {
    const end = recordEnd(head, position, byte) || head.length;
    const fields = splitRecord(withoutLineBreak(decoder.decode(head.subarray(position, end))), separator, true);
    if (fields !== undefined && column < fields.length) values.push(fields[column]);
    position = end;
  }
  return values;
}

/** The first lines that are not blank, a last line without a line break included. */
function firstLines(head: Uint8Array, count: number): string[] {
  const text = new TextDecoder().decode(head.subarray(0, 64 * 1024));
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.slice(0, count).map(withoutLineBreak);
}

/** @throws NcfError `ENCODING_UNSUPPORTED` for UTF-16, UTF-32, binary data and bare carriage returns */
function checkEncoding(head: Uint8Array, name: string): void {
  const start = head.subarray(0, 4096);
  const utf16 = (start[0] === 0xff && start[1] === 0xfe) || (start[0] === 0xfe && start[1] === 0xff);
  if (utf16 || start.includes(0)) {
    throw new NcfError(
      "ENCODING_UNSUPPORTED",
      `expected UTF-8 text in ${name}, found ${utf16 ? "UTF-16" : "zero bytes, as in UTF-16 or binary files"}; convert it, for example with: iconv -f UTF-16 -t UTF-8`,
    );
  }
  const bareReturn = start.includes(13) && head[start.indexOf(13) + 1] !== 10;
  const lineFeed = head.indexOf(10);
  if (bareReturn && (lineFeed < 0 || lineFeed === head.length - 1)) {
    throw new NcfError(
      "ENCODING_UNSUPPORTED",
      `expected lines ending in LF or CRLF in ${name}, found bare carriage returns; convert it, for example with: tr '\\r' '\\n'`,
    );
  }
}
